package plimsoll

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is, for programs.
type Code string

// The codes. Every error that one package returns to another has one of them; any other error is Internal.
const (
	Invalid         Code = "invalid"         // the caller's input breaks a rule
	Unauthenticated Code = "unauthenticated" // the caller is not known
	Forbidden       Code = "forbidden"       // known, but not allowed
	NotFound        Code = "not_found"       // no such thing, or not for this caller
	Conflict        Code = "conflict"        // exists already, or changed meanwhile
	TooLarge        Code = "too_large"       // a budget was met
	Throttled       Code = "throttled"       // asked too often; try later
	Unavailable     Code = "unavailable"     // something outside failed; may work later
	Internal        Code = "internal"        // a defect of ours
)

// Error is a failure with a code for programs, a sentence for people, a hint on
// what to do next and the cause for the operator.
type Error struct {
	Code    Code
	Message string
	Hint    string
	Err     error
}

// Error joins the sentence and its cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error. Operands of %w verbs in the format stay in the chain.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	switch err.(type) { //nolint:errorlint // what matters is whether this very error wraps another
	case interface{ Unwrap() error }, interface{ Unwrap() []error }:
		return &Error{Code: code, Err: err}
	default:
		return &Error{Code: code, Message: err.Error()}
	}
}

// WithHint adds what the operator can do about it.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// ErrorCode returns the code of the outermost Error in the chain, Internal for
// any other error and "" for nil.
func ErrorCode(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// ErrorHint returns the first hint in the chain, or "".
func ErrorHint(err error) string {
	for err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

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
