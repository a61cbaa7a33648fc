package base

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// Failure is an error on its way to a client, before a family gives it a shape.
type Failure struct {
	Status    int           // HTTP status; a family may choose another one
	Code      plimsoll.Code // for programs
	Refusal   Refusal       // "" for errors of handlers
	Message   string        // for people
	Hint      string        // what can be done about it, or ""
	RequestID string        // 32 hex digits
}

// Refusal is why a request was turned away before a handler was called.
type Refusal string

// The refusals.
const (
	NoRoute       Refusal = "no_route"
	NoMethod      Refusal = "no_method"
	NoCredentials Refusal = "no_credentials"
	TokenExpired  Refusal = "token_expired"
	OtherProject  Refusal = "other_project"
	NotOffered    Refusal = "not_offered"
)

// refusedError carries a refusal.
type refusedError struct {
	reason  Refusal
	status  int
	code    plimsoll.Code
	message string
}

func (e *refusedError) Error() string { return e.message }

var (
	errNoRoute       = &refusedError{NoRoute, http.StatusNotFound, plimsoll.NotFound, "no such operation"}
	errNoMethod      = &refusedError{NoMethod, http.StatusMethodNotAllowed, plimsoll.Invalid, "this path has no such method"}
	errNoCredentials = &refusedError{NoCredentials, http.StatusUnauthorized, plimsoll.Unauthenticated, "neither a token nor a signature was sent"}
	errTokenExpired  = &refusedError{TokenExpired, http.StatusUnauthorized, plimsoll.Unauthenticated, "the token has expired"}
	errOtherProject  = &refusedError{OtherProject, http.StatusForbidden, plimsoll.Forbidden, "the caller has no access to this project"}
	errNotOffered    = &refusedError{NotOffered, http.StatusNotImplemented, plimsoll.NotFound, "this server does not offer the operation"}
)

// failureOf is the one mapping from errors to what a client gets. Texts of internal errors stay inside.
func failureOf(err error, requestID string) Failure {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return Failure{Status: refused.status, Code: refused.code, Refusal: refused.reason, Message: refused.message, RequestID: requestID}
	}
	f := Failure{Code: errorCode(err), RequestID: requestID}
	f.Status = statuses[f.Code]
	if f.Code == plimsoll.Internal {
		f.Message, f.Hint = "internal error", "The log has more under this request id."
		return f
	}
	f.Message, f.Hint = CleanText(err.Error()), plimsoll.ErrorHint(err)
	return f
}

var statuses = map[plimsoll.Code]int{
	plimsoll.Invalid:         http.StatusBadRequest,
	plimsoll.Unauthenticated: http.StatusUnauthorized,
	plimsoll.Forbidden:       http.StatusForbidden,
	plimsoll.NotFound:        http.StatusNotFound,
	plimsoll.Conflict:        http.StatusConflict,
	plimsoll.TooLarge:        http.StatusRequestEntityTooLarge,
	plimsoll.Throttled:       http.StatusTooManyRequests,
	plimsoll.Unavailable:     http.StatusServiceUnavailable,
	plimsoll.Internal:        http.StatusInternalServerError,
}

// errorCode is plimsoll.ErrorCode that knows the errors of net/http and context too.
func errorCode(err error) plimsoll.Code {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return plimsoll.TooLarge
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return plimsoll.Unavailable
	}
	code := plimsoll.ErrorCode(err)
	if _, known := statuses[code]; !known {
		return plimsoll.Internal
	}
	return code
}

const maxMessage = 1000 // bytes of an error message on the wire

// CleanText drops control characters and cuts what is too long.
func CleanText(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

// replaceHumaErrors sets huma's error constructors, which are package variables of huma, once per process. The
// replacements hold no state: the family is in the context of the request.
var replaceHumaErrors = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		return errorBody(ctx.Context(), causeOf(status, message, errs))
	}
})

// errorBody makes the error body for err and keeps an internal error for the log line.
func errorBody(ctx context.Context, err error) huma.StatusError {
	info := infoOf(ctx)
	f := failureOf(err, info.id)
	if f.Code == plimsoll.Internal {
		info.err = err
	}
	return info.family.ErrorBody(f)
}

// causeOf returns what huma reports: a handler's error, or a request that breaks the rules of its operation.
func causeOf(status int, message string, errs []error) error {
	var details []string
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			details = append(details, strings.TrimPrefix(detail.Location+": "+detail.Message, ": "))
			continue
		}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok || err != nil && status == http.StatusInternalServerError {
			return err
		}
		if _, ok := errors.AsType[*refusedError](err); ok || plimsoll.ErrorCode(err) != plimsoll.Internal {
			return err
		}
		details = append(details, err.Error())
	}
	text := strings.Join(append([]string{message}, details...), "; ")
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return plimsoll.Errorf(plimsoll.TooLarge, "%s", text)
	case status >= http.StatusInternalServerError:
		return plimsoll.Errorf(plimsoll.Internal, "%s", text)
	default:
		return plimsoll.Errorf(plimsoll.Invalid, "%s", text)
	}
}

// writeError answers outside of huma's operations.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	answer := errorBody(r.Context(), err)
	body, jsonErr := json.Marshal(answer)
	if jsonErr != nil {
		body = []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.GetStatus())
	w.Write(append(body, '\n')) //nolint:errcheck // the client is gone; the log line has the error
}
