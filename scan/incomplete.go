package scan

import (
	"errors"
	"fmt"

	"plimsoll"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/packages"
	"plimsoll/analyze/secret"
	"plimsoll/layer"
)

// fileFailures are those of the baseline facts, for checks to tell "clean" from "could not look".
func fileFailures(failures []layer.Failure) []plimsoll.FileFailure {
	var out []plimsoll.FileFailure
	for _, f := range failures {
		if ofSettings(f) {
			out = append(out, f.FileFailure)
		}
	}
	return out
}

// ofSettings reports whether a failure is about what checks read; the fold itself speaks
// in nobody's name and tells by its code.
func ofSettings(f layer.Failure) bool {
	return f.Analyzer == baseline.Name || (f.Analyzer == "" && f.Code == plimsoll.FailureSettings)
}

// Incomplete is the error of a scan that could not look everywhere: which parts of the
// record are affected, and the first few places.
type Incomplete struct {
	Packages, Malware, Secrets, Settings bool
	Err                                  error
}

// Error lists the first places.
func (e *Incomplete) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Incomplete) Unwrap() error { return e.Err }

// failed sums up where analyzers could not look at what is visible.
func failed(failures []layer.Failure) error {
	if len(failures) == 0 {
		return nil
	}
	out := &Incomplete{}
	var errs []error
	for i, f := range failures {
		switch {
		case f.Analyzer == packages.Name || (f.Analyzer == "" && f.Code == plimsoll.FailurePackages):
			out.Packages = true
		case f.Analyzer == malware.Name:
			out.Malware = true
		case f.Analyzer == secret.Name:
			out.Secrets = true
		case ofSettings(f):
			out.Settings = true
		}
		if i < 3 {
			errs = append(errs, fmt.Errorf("%s: %s: %s", f.Analyzer, f.Path, f.Detail))
		}
	}
	out.Err = plimsoll.Fail(failures[0].Code, errors.Join(errs...))
	return out
}
