package plimsoll

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// SettingResult is the outcome of a baseline check.
type SettingResult string

// The results. "Could not look" is neither a pass nor a failure.
const (
	SettingPass          SettingResult = "pass"
	SettingFailed        SettingResult = "failed"
	SettingNotApplicable SettingResult = "not_applicable"
	SettingNotLooked     SettingResult = "not_looked"
)

// WorseThan reports whether a failure, or else a rule that could not look, is compared with something better.
func (r SettingResult) WorseThan(other SettingResult) bool { return r.rank() > other.rank() }

func (r SettingResult) rank() int {
	return slices.Index([]SettingResult{SettingNotApplicable, SettingPass, SettingNotLooked, SettingFailed}, r)
}

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

// WeakAccount is an account of an image with a guessed password.
type WeakAccount struct {
	WeakPassword
	Image  Image
	Advice string // of the rule that found it
}

// ImageSettings is an image with some of its settings.
type ImageSettings struct {
	Image    Image
	Settings []Setting // by rule
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

// RuleListedPassword is the rule that holds passwords against a project's own list. Its
// result depends on the project, so no scan record has it: it is stored beside.
const RuleListedPassword = "password.listed"

// Bounds of a project's own list.
const (
	MaxListedPasswords = 300
	MaxListedPassword  = 128 // bytes; a longer one fits no hash
)

// Bounds of what is kept of one account database for such lists.
const (
	MaxAccountHashes = 200 // accounts
	MaxAccountHash   = 512 // bytes; crypt(3) makes at most 384
)

// AccountHash is the hash of an account's password. Between the pass that reads it and the
// sealing it is in memory alone; what is printed of it is not the hash.
type AccountHash struct {
	Path    string // database, in the layer
	User    string
	Hash    Hidden
	Changed int64 // day of the last change since 1970; 0 = not said
}

// Hidden is a text that is not printed, whatever the verb, nor written as JSON.
type Hidden string

// Format prints that something is hidden.
func (Hidden) Format(f fmt.State, _ rune) { fmt.Fprint(f, "(hidden)") } //nolint:errcheck // fmt keeps the error

// MarshalText hides the text from encoders.
func (Hidden) MarshalText() ([]byte, error) { return []byte("(hidden)"), nil }

// AccountSource is an account database as an image sees it: the layer that brought it, and how many
// of its accounts have a password.
type AccountSource struct {
	Layer     Digest `json:"layer"` // diff ID
	Path      string `json:"path"`  // in the layer
	Passwords int    `json:"passwords"`
}

// HashHolder is an artifact in which some account has a password.
type HashHolder struct {
	Tenant
	ArtifactID int64
	Digest     Digest

	// Sources is empty where it is not known which: the scan was of a version that kept none.
	Sources []AccountSource
}

// LayerHashesSealedFor is the additional data that the hashes of a layer are sealed with.
func LayerHashesSealedFor(diffID Digest) []byte { return []byte("account hash/" + string(diffID)) }

// PasswordList is what a project holds to be weak passwords, sealed.
type PasswordList struct {
	ProjectID  string
	Generation int64  // grows with each change; 0 = there was none yet
	Sealed     []byte // JSON array of strings; nil = no list
	By         string // who changed it
	ChangedAt  time.Time
}

// SealedFor is the additional data that the list is sealed with: it opens for this project only.
func (l PasswordList) SealedFor() []byte { return []byte("password list/" + l.ProjectID) }

// NewPasswordList checks the bounds of a list and drops words that come twice. Its errors do not name words.
func NewPasswordList(words []string) ([]string, error) {
	if len(words) > MaxListedPasswords {
		return nil, Errorf(Invalid, "%d passwords, at most %d are possible", len(words), MaxListedPasswords)
	}
	out := []string{}
	for i, w := range words {
		if w == "" || len(w) > MaxListedPassword || !utf8.ValidString(w) || strings.ContainsFunc(w, unicode.IsControl) {
			return nil, Errorf(Invalid, "password %d of the list is empty, longer than %d bytes, or no plain text", i+1, MaxListedPassword)
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out, nil
}
