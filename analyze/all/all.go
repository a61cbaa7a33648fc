package all

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/malware/clamav"
	"plimsoll/analyze/malware/yara"
	"plimsoll/analyze/packages"
	"plimsoll/analyze/secret"
)

// Config says what analyzers take from outside. The zero value works.
type Config struct {
	// Rules are files of signatures beside the embedded ones.
	Rules []RuleFile `json:"rules,omitempty"`

	// Without names analyzers that are left out: those of Optional.
	Without []string `json:"without,omitempty"`
}

// Optional names the analyzers that can be left out.
func Optional() []string { return []string{malware.Name, secret.Name} }

// RuleFile is a file of signatures. The end of its name tells the format: .yar and .yara are
// YARA rules, .sha256 is a list for package malware; anything else is ClamAV's.
type RuleFile struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Analyzers returns every analyzer. Names are unique.
func Analyzers(c Config) ([]analyze.Analyzer, error) {
	for _, name := range c.Without {
		if !slices.Contains(Optional(), name) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "no analyzer %.80q can be left out", name).WithHint("these can: %s", strings.Join(Optional(), ", "))
		}
	}
	signatures, err := Signatures(c)
	if err != nil {
		return nil, err
	}
	secrets, err := secret.New()
	if err != nil {
		return nil, err
	}
	list := []analyze.Analyzer{
		analyze.Tree{},
		packages.New(),
		malware.New(signatures),
		secret.NewAnalyzer(secrets),
		baseline.New(),
	}
	return slices.DeleteFunc(list, func(a analyze.Analyzer) bool { return slices.Contains(c.Without, a.ID().Name) }), nil
}

// Signatures loads what files are held against. Single rules and lines that cannot be used are
// no error: what was loaded tells of them.
func Signatures(c Config) (malware.Signatures, error) {
	embedded, err := malware.Embedded()
	if err != nil {
		return malware.Signatures{}, err
	}
	out := malware.Signatures{Lists: []malware.List{embedded}}
	var sources []yara.Source
	for _, f := range slices.SortedFunc(slices.Values(c.Rules), func(a, b RuleFile) int { return strings.Compare(a.Name, b.Name) }) {
		switch strings.ToLower(path.Ext(f.Name)) {
		case ".yar", ".yara":
			sources = append(sources, yara.Source{Name: f.Name, Text: f.Data})
		case ".sha256":
			list, err := malware.ParseList(f.Name, bytes.NewReader(f.Data))
			if err != nil {
				return out, err
			}
			out.Lists = append(out.Lists, list)
		default:
			if out.ClamAV == nil {
				out.ClamAV = clamav.NewDatabase()
			}
			if err := addClamAV(out.ClamAV, f); err != nil {
				return out, err
			}
		}
	}
	if out.ClamAV != nil {
		out.ClamAV.Compile()
	}
	if len(sources) > 0 {
		if out.Rules, err = yara.Compile(sources...); err != nil {
			return out, plimsoll.Errorf(plimsoll.Invalid, "compile rules: %w", err)
		}
	}
	return out, nil
}

func addClamAV(d *clamav.Database, f RuleFile) error {
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".cvd", ".cld", ".cud":
		_, err := d.AddContainer(f.Name, bytes.NewReader(f.Data), int64(len(f.Data)))
		return err
	default:
		return d.AddList(f.Name, bytes.NewReader(f.Data))
	}
}

// Checks returns every check, by rule id.
func Checks() []analyze.Check {
	return baseline.Checks()
}
