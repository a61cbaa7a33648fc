package all

import (
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/packages"
	"plimsoll/analyze/secret"
)

// Config says what analyzers take from outside. The zero value works.
type Config struct {
	// Rules are files of signatures beside the embedded ones.
	Rules []RuleFile `json:"rules,omitempty"`

	// Second says that a second engine for malware is asked: who makes the analyzers adds it to what Signatures loads.
	Second bool `json:"second,omitempty"`

	// Without names analyzers that are left out: those of Optional.
	Without []string `json:"without,omitempty"`
}

// Optional names the analyzers that can be left out.
func Optional() []string { return []string{malware.Name, secret.Name} }

// RuleFile is a file of signatures. The end of its name tells the format: .yar and .yara are
// YARA rules, .sha256 is a list for package malware; others are ClamAV's, or not read.
type RuleFile struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Analyzers returns every analyzer that is not left out. Names are unique.
func Analyzers(c Config) ([]analyze.Analyzer, error) {
	signatures, _, err := Signatures(c)
	if err != nil {
		return nil, err
	}
	return With(c, signatures)
}

// Names returns the analyzers that have the ids of Analyzers, for a process that has another one look: the
// signatures are not loaded, and nothing matches them.
func Names(c Config) ([]analyze.Analyzer, error) { return With(c, malware.Signatures{}) }

// With returns every analyzer that is not left out, given the signatures that were loaded for c.
func With(c Config, signatures malware.Signatures) ([]analyze.Analyzer, error) {
	for _, name := range c.Without {
		if !slices.Contains(Optional(), name) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "no analyzer %.80q can be left out", name).WithHint("these can: %s", strings.Join(Optional(), ", "))
		}
	}
	list := []analyze.Analyzer{
		analyze.Tree{},
		packages.New(),
		malware.New(digest(c), signatures),
		secret.NewAnalyzer(),
		baseline.New(),
	}
	return slices.DeleteFunc(list, func(a analyze.Analyzer) bool { return slices.Contains(c.Without, a.ID().Name) }), nil
}

// Checks returns every check, by rule id.
func Checks() []analyze.Check {
	return baseline.Checks()
}
