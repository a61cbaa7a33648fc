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

// Config configures the analyzers. The zero value is valid.
type Config struct {
	// Rules are files of signatures in addition to the embedded ones.
	Rules []RuleFile `json:"rules,omitempty"`

	// Second enables a second engine for malware: the caller adds it to the result of Signatures.
	Second bool `json:"second,omitempty"`

	// Without lists the names of analyzers that are left out, of those of Optional.
	Without []string `json:"without,omitempty"`
}

// Optional returns the names of the analyzers that can be left out.
func Optional() []string { return []string{malware.Name, secret.Name} }

// RuleFile is a file of signatures. The extension of its name selects the format: .yar and .yara are
// YARA rules, .sha256 is a hash list; others are ClamAV's, or are not read.
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

// Names returns analyzers with the ids of Analyzers, for a process that sends layers to another one: the
// signatures are not loaded, so these analyzers match nothing.
func Names(c Config) ([]analyze.Analyzer, error) { return With(c, malware.Signatures{}) }

// With returns every analyzer that is not left out, with signatures that Signatures loaded for c.
func With(c Config, signatures malware.Signatures) ([]analyze.Analyzer, error) {
	for _, name := range c.Without {
		if !slices.Contains(Optional(), name) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "no analyzer %.80q can be left out", name).WithHint("these can: %s", strings.Join(Optional(), ", "))
		}
	}
	list := []analyze.Analyzer{
		analyze.Tree{},
		packages.New(),
		malware.New(rulesDigest(c), signatures),
		secret.NewAnalyzer(),
		baseline.New(),
	}
	return slices.DeleteFunc(list, func(a analyze.Analyzer) bool { return slices.Contains(c.Without, a.ID().Name) }), nil
}

// KindConfig is what a deployment chooses about kinds of findings. The zero value is the default.
type KindConfig struct {
	CountDeclared bool // see packages.Kind
}

// Kinds returns every kind of finding by default, see KindsOf.
func Kinds() []analyze.Kind { return KindsOf(KindConfig{}) }

// KindsOf returns every kind of finding, in the order in which they are folded: settings depend on
// the release that packages find.
func KindsOf(c KindConfig) []analyze.Kind {
	return []analyze.Kind{
		packages.Kind{CountDeclared: c.CountDeclared},
		malware.Kind{},
		secret.Kind{},
		baseline.Kind{},
	}
}
