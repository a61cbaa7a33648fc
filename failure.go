package plimsoll

import "errors"

// FailureCode says why a scan could not look, or not everywhere.
type FailureCode string

// The failure codes.
const (
	FailureUnknown     FailureCode = "unknown"
	FailureAuth        FailureCode = "authentication" // the registry refused our credentials
	FailureDownload    FailureCode = "download"       // bytes missing, cut or not what their digest says
	FailureNotFound    FailureCode = "not_found"      // gone from the registry
	FailureOversized   FailureCode = "oversized"      // unpacked size, ratio, entry count, file size
	FailureLayers      FailureCode = "too_many_layers"
	FailureSchema1     FailureCode = "schema1"
	FailureLayer       FailureCode = "layer" // a layer is not a valid archive
	FailurePackages    FailureCode = "packages"
	FailureMalware     FailureCode = "malware"
	FailureEngine      FailureCode = "engine" // an engine outside of the process, such as clamd, did not answer
	FailureSecrets     FailureCode = "secrets"
	FailureSettings    FailureCode = "settings"
	FailureMatch       FailureCode = "match"
	FailureTimeout     FailureCode = "timeout"
	FailureDatabase    FailureCode = "database"
	FailureInterrupted FailureCode = "interrupted"
)

// ErrDied is in the chain of a failure that ended the process in which bytes were analysed: a
// crash, too much memory, a stall. What killed it once is likely to do so again, so MaxDeaths
// of one unit of work are the last.
var ErrDied = errors.New("the analysis died")

// MaxDeaths is how often the analysis may die in one unit of work before it is given up.
const MaxDeaths = 2

// Failure is an error that ends a scan, or one part of it, with a code that is stored and shown.
type Failure struct {
	Code FailureCode
	Err  error
}

// Error returns the cause's text.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Fail wraps err with a failure code; an err that already carries one keeps its own. nil stays nil.
func Fail(code FailureCode, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Failure](err); ok {
		return err
	}
	return &Failure{Code: code, Err: err}
}

// FailureOf returns the failure code in the chain of err, FailureUnknown if there is none, "" for nil.
func FailureOf(err error) FailureCode {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Code
	}
	return FailureUnknown
}

// State is the scan state that a failure leaves.
func (c FailureCode) State() ScanState {
	switch c {
	case "":
		return ScanDone
	case FailureDownload:
		return ScanUnreachable
	case FailureOversized, FailureLayers:
		return ScanOversized
	default:
		return ScanFailed
	}
}
