package all

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/malware/clamav"
	"plimsoll/analyze/malware/yara"
)

// Kinds of files of signatures.
const (
	KindSums    = "sha256"
	KindYARA    = "yara"
	KindClamAV  = "clamav"
	KindText    = "text"    // licences and notes that rule sets contain
	KindUnknown = "unknown" // not read, and reported: its name may be misspelt
)

// RuleSet is the result of loading one file of signatures.
type RuleSet struct {
	Name     string          `json:"name"` // "embedded" for the embedded ones
	Kind     string          `json:"kind"`
	Digest   plimsoll.Digest `json:"digest"` // of the file
	Loaded   int             `json:"loaded"`
	Refused  int             `json:"refused"` // rules or lines that cannot be used
	Refusals []Refusal       `json:"refusals,omitempty"`
}

// Refusal is a rule or line that cannot be used, and why. All are counted; of ClamAV's lines the first thousand are listed.
type Refusal struct {
	Line   int    `json:"line,omitempty"`
	Rule   string `json:"rule,omitempty"`
	Reason string `json:"reason"`
}

// ruleKind returns the format by the extension of a name. Formats of ClamAV that are not read are
// KindClamAV too: their lines are signatures, which are refused one by one.
func ruleKind(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".yar", ".yara":
		return KindYARA
	case ".sha256":
		return KindSums
	case ".cvd", ".cld", ".cud", ".hdb", ".hsb", ".hdu", ".hsu", ".mdb", ".msb", ".mdu", ".msu", ".imp", ".ndb", ".ndu", ".ldb", ".ldu", ".idb",
		".fp", ".sfp", ".ign", ".ign2", ".cdb", ".crb", ".cat", ".pdb", ".gdb", ".wdb", ".ftm", ".cfg", ".cbc", ".info":
		return KindClamAV
	case ".md":
		return KindText
	}
	base, _, _ := strings.Cut(strings.ToLower(path.Base(name)), ".")
	if slices.Contains([]string{"license", "licence", "copying", "notice", "readme", "changelog", "authors"}, base) {
		return KindText
	}
	return KindUnknown
}

// rulesDigest identifies the signatures without loading them, independent of the order of the files.
func rulesDigest(c Config) plimsoll.Digest {
	sum := sha256.New()
	fmt.Fprintln(sum, malware.EmbeddedDigest())
	if c.Second {
		fmt.Fprintln(sum, malware.SecondEngine, malware.SecondVersion)
	}
	for _, f := range sortRules(c.Rules) {
		fmt.Fprintf(sum, "%q %s\n", f.Name, plimsoll.DigestOf(f.Data))
	}
	return plimsoll.DigestFrom([sha256.Size]byte(sum.Sum(nil)))
}

func sortRules(rules []RuleFile) []RuleFile {
	return slices.SortedFunc(slices.Values(rules), func(a, b RuleFile) int { return strings.Compare(a.Name, b.Name) })
}

// Signatures loads the signatures that files are compared with. It returns the result for each file, the
// embedded ones first. Single rules and lines that cannot be used are no error. An error names the
// file that cannot be read at all.
func Signatures(c Config) (malware.Signatures, []RuleSet, error) {
	embedded, err := malware.Embedded()
	if err != nil {
		return malware.Signatures{}, nil, err
	}
	l := &loader{
		out:   malware.Signatures{Lists: []malware.List{embedded}},
		rules: []yara.Source{malware.EmbeddedRules()},
		sets: []RuleSet{
			{Name: embedded.Name, Kind: KindSums, Digest: malware.EmbeddedDigest(), Loaded: len(embedded.Signatures)},
			{Name: malware.EmbeddedRules().Name, Kind: KindYARA, Digest: malware.EmbeddedDigest()},
		},
	}
	for _, f := range sortRules(c.Rules) {
		set := RuleSet{Name: f.Name, Kind: ruleKind(f.Name), Digest: plimsoll.DigestOf(f.Data)}
		if err := l.add(f, &set); err != nil {
			return l.out, nil, err
		}
		l.sets = append(l.sets, set)
	}
	if l.out.ClamAV != nil {
		l.out.ClamAV.Compile()
	}
	return l.out, l.sets, l.compile()
}

type loader struct {
	out   malware.Signatures
	rules []yara.Source
	sets  []RuleSet
}

func (l *loader) add(f RuleFile, set *RuleSet) error {
	switch set.Kind {
	case KindYARA:
		l.rules = append(l.rules, yara.Source{Name: f.Name, Text: f.Data})
	case KindSums:
		list, err := malware.ParseList(f.Name, bytes.NewReader(f.Data))
		if err != nil {
			return err
		}
		l.out.Lists = append(l.out.Lists, list)
		set.Loaded = len(list.Signatures)
	case KindClamAV:
		return l.addClamAV(f, set)
	case KindUnknown:
		set.Refused, set.Refusals = 1, []Refusal{{Reason: "the extension of the name is not one of a signature file"}}
	}
	return nil
}

func (l *loader) addClamAV(f RuleFile, set *RuleSet) error {
	if l.out.ClamAV == nil {
		l.out.ClamAV = clamav.NewDatabase()
	}
	before := l.out.ClamAV.Summary()
	refused := refusedLines(before)
	var err error
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".cvd", ".cld", ".cud":
		_, err = l.out.ClamAV.AddContainer(f.Name, bytes.NewReader(f.Data), int64(len(f.Data)))
	default:
		err = l.out.ClamAV.AddList(f.Name, bytes.NewReader(f.Data))
	}
	after := l.out.ClamAV.Summary()
	set.Loaded, set.Refused = after.Signatures-before.Signatures, refusedLines(after)-refused
	for _, r := range after.Refusals[len(before.Refusals):] {
		reason := r.Reason
		if r.List != path.Base(f.Name) {
			reason = r.List + ": " + reason // a list of a container
		}
		set.Refusals = append(set.Refusals, Refusal{Line: r.Line, Rule: r.Name, Reason: reason})
	}
	return err
}

func refusedLines(l clamav.Summary) (n int) {
	for _, lines := range l.Refused {
		n += lines
	}
	return n
}

// compile compiles the rules of all files together, and counts them by file.
func (l *loader) compile() error {
	rules, err := yara.Compile(l.rules...)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "compile rules: %w", err)
	}
	l.out.Rules = rules
	byName := map[string]*RuleSet{}
	for i := range l.sets {
		if l.sets[i].Kind == KindYARA {
			byName[l.sets[i].Name] = &l.sets[i]
		}
	}
	for name, n := range rules.Sources() {
		byName[name].Loaded = n
	}
	for _, r := range rules.Refused() {
		set := byName[r.Source]
		set.Refused++
		set.Refusals = append(set.Refusals, Refusal{Line: r.Line, Rule: r.Rule, Reason: r.Construct})
	}
	return nil
}
