package plimsoll

import "time"

// SettingResult is the outcome of a baseline check.
type SettingResult string

// The results. "Could not look" is neither a pass nor a failure.
const (
	SettingPass          SettingResult = "pass"
	SettingFailed        SettingResult = "failed"
	SettingNotApplicable SettingResult = "not_applicable"
	SettingNotLooked     SettingResult = "not_looked"
)

// SettingKind says which list and which count a rule belongs to.
type SettingKind string

// The kinds. Counts.Settings counts the first alone; the others have counts of their own.
const (
	KindConfiguration SettingKind = "configuration"
	KindWeakPassword  SettingKind = "weak_password"
	KindComplexity    SettingKind = "password_complexity"
)

// Standard is a body of requirements that asks for a rule.
type Standard string

// The standards. A rule belongs to at least one.
const (
	// StandardPractice is what providers of container platforms and the CIS benchmarks recommend.
	StandardPractice Standard = "practice"

	// StandardProtection is the Chinese multi-level protection scheme, GB/T 22239-2019, as far
	// as an image can meet it: identities, access control, no needless services.
	StandardProtection Standard = "protection"
)

// Rule is what a baseline check is about, whatever the image.
type Rule struct {
	ID          string      `json:"id"`    // stable: "image.user"
	Check       string      `json:"check"` // the family, for people: "Accounts"
	Kind        SettingKind `json:"kind"`
	Title       string      `json:"title"` // what is wrong when it fails
	Severity    Severity    `json:"severity"`
	Standards   []Standard  `json:"standards"`
	Description string      `json:"description"` // what is looked at, when it fails and when it does not apply
	Advice      string      `json:"advice"`
	References  []string    `json:"references,omitempty"`
}

// Setting is the result of one baseline check on one image.
type Setting struct {
	Rule        string         `json:"rule"` // stable id, "image.user"
	Check       string         `json:"check"`
	Kind        SettingKind    `json:"kind"`
	Title       string         `json:"title"`
	Severity    Severity       `json:"severity"`
	Standards   []Standard     `json:"standards,omitempty"`
	Result      SettingResult  `json:"result"`
	Description string         `json:"description,omitempty"`
	Advice      string         `json:"advice"`
	References  []string       `json:"references,omitempty"`
	Evidence    []string       `json:"evidence,omitempty"`       // what was found, bounded; no secret
	Passwords   []WeakPassword `json:"weak_passwords,omitempty"` // of the rule about weak passwords
}

// Setting is the result of a check of this rule, without evidence.
func (r Rule) Setting(result SettingResult) Setting {
	return Setting{
		Rule: r.ID, Check: r.Check, Kind: r.Kind, Title: r.Title, Severity: r.Severity, Standards: r.Standards, Result: result,
		Description: r.Description, Advice: r.Advice, References: r.References,
	}
}

// About is what the check was about.
func (s Setting) About() Rule {
	return Rule{
		ID: s.Rule, Check: s.Check, Kind: s.Kind, Title: s.Title, Severity: s.Severity, Standards: s.Standards,
		Description: s.Description, Advice: s.Advice, References: s.References,
	}
}

// Counted reports whether Counts.Settings counts the result.
func (s Setting) Counted() bool {
	return s.Result == SettingFailed && (s.Kind == KindConfiguration || s.Kind == "")
}

// WeakPassword is an account whose password was guessed.
type WeakPassword struct {
	User    string `json:"user"`
	Scheme  string `json:"scheme"`            // of the hash, as in crypt(5): "sha512crypt"
	Masked  string `json:"masked"`            // "1****6"
	Reason  string `json:"reason"`            // "common password", "made from the user name"
	Changed int64  `json:"changed,omitempty"` // day of the last change since 1970; 0 = not said
}

// SettingFilter selects images by the results of baseline checks.
type SettingFilter struct {
	Kind   SettingKind   // "" = any
	Rule   string        // "" = any
	Result SettingResult // required; not "not applicable"
}

// RuleTally is how a rule fared over images: an index counts once, with the worst of its platforms.
type RuleTally struct {
	Rule
	Passed    int // images
	Failed    int
	NotLooked int
	Scanned   time.Time // the newest inspection of these images
}
