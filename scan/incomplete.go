package scan

import (
	"errors"
	"fmt"
	"slices"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// Incomplete is the error of a scan that could not look everywhere.
type Incomplete struct {
	Kinds []analyze.Kind // whose parts of the record are affected
	Err   error          // with the first few places
}

// Error lists the first places.
func (e *Incomplete) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Incomplete) Unwrap() error { return e.Err }

// maxListedFailures bounds the places that the error of a scan lists.
const maxListedFailures = 3

// failures collects the visible places where analyzers could not look.
type failures struct {
	kinds    []analyze.Kind
	affected []analyze.Kind
	code     plimsoll.FailureCode // of the first
	listed   []error
	n        int
}

// add adds failures of analyzers, in their order. Failures of an analyzer without a kind affect no part.
func (f *failures) add(list []layer.Failure) {
	for _, failure := range list {
		if i := f.kindOf(failure.Analyzer); i >= 0 {
			f.affect(f.kinds[i])
		}
		f.list(failure)
	}
}

// addUnread adds files that a kind needs and that no report describes.
func (f *failures) addUnread(k analyze.Kind, list []plimsoll.FileFailure) {
	for _, failure := range list {
		f.affect(k)
		f.list(layer.Failure{FileFailure: failure, Analyzer: k.Name()})
	}
}

// addConfig adds the failures of reports about the image's config.
func (f *failures) addConfig(reports []plimsoll.LayerReport) {
	for _, r := range reports {
		for _, failure := range r.Failures {
			f.add([]layer.Failure{{FileFailure: failure, Analyzer: r.Analyzer.Name}})
		}
	}
}

func (f *failures) kindOf(analyzer string) int {
	return slices.IndexFunc(f.kinds, func(k analyze.Kind) bool { return k.Name() == analyzer })
}

func (f *failures) affect(kind analyze.Kind) {
	if !slices.ContainsFunc(f.affected, func(k analyze.Kind) bool { return k.Name() == kind.Name() }) {
		f.affected = append(f.affected, kind)
	}
}

func (f *failures) list(failure layer.Failure) {
	if f.n == 0 {
		f.code = failure.Code
	}
	if f.n < maxListedFailures {
		f.listed = append(f.listed, fmt.Errorf("%s: %s: %s", failure.Analyzer, failure.Path, failure.Detail))
	}
	f.n++
}

// err returns nil if there was no failure.
func (f *failures) err() error {
	if f.n == 0 {
		return nil
	}
	return &Incomplete{Kinds: f.affected, Err: plimsoll.Fail(f.code, errors.Join(f.listed...))}
}
