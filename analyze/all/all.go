package all

import (
	"slices"

	"plimsoll/analyze"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/packages"
)

// Config says what analyzers take from outside. The zero value works.
type Config struct {
	// HashLists are lists of known bad files beside the embedded one.
	HashLists []malware.List
}

// Analyzers returns every analyzer. Names are unique.
func Analyzers(c Config) ([]analyze.Analyzer, error) {
	embedded, err := malware.Embedded()
	if err != nil {
		return nil, err
	}
	return []analyze.Analyzer{
		analyze.Tree{},
		packages.New(),
		malware.New(slices.Concat([]malware.List{embedded}, c.HashLists)...),
		baseline.New(),
	}, nil
}

// Checks returns every check, by rule id.
func Checks() []analyze.Check {
	return baseline.Checks()
}
