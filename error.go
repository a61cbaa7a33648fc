package plimsoll

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is, for programs.
type Code string

// The codes. Every error that crosses a room is one of these; anything else is Internal.
const (
	Invalid         Code = "invalid"         // the caller's input breaks a rule
	Unauthenticated Code = "unauthenticated" // nobody we know is asking
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
