package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// Codes of the vendor's contract (hss-api, section 4). HSS.* is said by the service, APIGW.* by the gateway before it.
const (
	codeInvalid       = "HSS.0001"
	codeNotFound      = "HSS.0011"
	codeForbidden     = "HSS.0013"
	codeNoRoute       = "APIGW.0101"
	codeBackend       = "APIGW.0201"
	codeWrongIdentity = "APIGW.0301"
	codeNotAuthorized = "APIGW.0302"
	codeTokenExpired  = "APIGW.0307"
	codeThrottled     = "APIGW.0308"
	codeInternal      = "APIGW.0601"
)

// refusal is an error of the front door: before any role was asked.
type refusal struct {
	status  int
	code    string // of the vendor's contract
	own     plimsoll.Code
	message string
}

func (e *refusal) Error() string { return e.message }

var (
	errNoRoute   = &refusal{http.StatusNotFound, codeNoRoute, plimsoll.NotFound, "no such operation"}
	errNoMethod  = &refusal{http.StatusMethodNotAllowed, codeNoRoute, plimsoll.Invalid, "this path has no such method"}
	errNoToken   = &refusal{http.StatusUnauthorized, codeWrongIdentity, plimsoll.Unauthenticated, "neither a token nor a signature was sent"}
	errExpired   = &refusal{http.StatusUnauthorized, codeTokenExpired, plimsoll.Unauthenticated, "the token has expired"}
	errElsewhere = &refusal{http.StatusForbidden, codeNotAuthorized, plimsoll.Forbidden, "the caller has no access to this project"}
)

// hssError is the error body of the vendor's operations.
type hssError struct {
	status      int
	Code        string `json:"error_code" doc:"HSS.* from the service, APIGW.* from the front door"`
	Message     string `json:"error_msg" doc:"What went wrong"`
	Description string `json:"error_description" doc:"The same text"`
	RequestID   string `json:"request_id" doc:"32 hex digits; the X-Request-Id header"`
}

func (e *hssError) Error() string  { return e.Message }
func (e *hssError) GetStatus() int { return e.status }

// iamError is the error body of the identity operations.
type iamError struct {
	Inner iamErrorBody `json:"error"`
}

type iamErrorBody struct {
	Code    int    `json:"code" doc:"HTTP status"`
	Message string `json:"message"`
	Title   string `json:"title" doc:"The status in words"`
}

func (e *iamError) Error() string  { return e.Inner.Message }
func (e *iamError) GetStatus() int { return e.Inner.Code }

// ownError is the error body of our own operations.
type ownError struct {
	status    int
	Code      plimsoll.Code `json:"code" doc:"invalid, unauthenticated, forbidden, not_found, conflict, too_large, throttled, unavailable or internal"`
	Message   string        `json:"message"`
	Hint      string        `json:"hint,omitempty" doc:"What can be done about it"`
	RequestID string        `json:"request_id"`
}

func (e *ownError) Error() string  { return e.Message }
func (e *ownError) GetStatus() int { return e.status }

// family is a group of operations with one form of error body.
type family string

const (
	familyHSS family = "hss"
	familyIAM family = "iam"
	familyOwn family = "own"
)

// familyOf tells a family by its path.
func familyOf(path string) family {
	switch {
	case strings.HasPrefix(path, "/v5/"):
		return familyHSS
	case strings.HasPrefix(path, "/v3/"), strings.HasPrefix(path, "/v1.0/"):
		return familyIAM
	case strings.HasPrefix(path, "/api/"):
		return familyOwn
	default:
		return familyHSS
	}
}

func (f family) sample() huma.StatusError { return f.failure(errNoRoute, "") }

// failure is the one place that turns an error into a status and a body.
func (f family) failure(err error, requestID string) huma.StatusError {
	status, code, own, message := f.read(err)
	switch f {
	case familyIAM:
		return &iamError{Inner: iamErrorBody{Code: status, Message: message, Title: http.StatusText(status)}}
	case familyOwn:
		hint := plimsoll.ErrorHint(err)
		if own == plimsoll.Internal {
			hint = "The log has more under this request id."
		}
		return &ownError{status: status, Code: own, Message: message, Hint: hint, RequestID: requestID}
	default:
		return &hssError{status: status, Code: code, Message: message, Description: message, RequestID: requestID}
	}
}

func (f family) read(err error) (status int, code string, own plimsoll.Code, message string) {
	if door, ok := errors.AsType[*refusal](err); ok {
		return door.status, door.code, door.own, door.message
	}
	own = errorCode(err)
	status, code = hssStatus(own)
	if f != familyHSS {
		status = plainStatus(own)
	}
	if own == plimsoll.Internal {
		return status, code, own, "internal error"
	}
	return status, code, own, clean(err.Error())
}

func errorCode(err error) plimsoll.Code {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return plimsoll.TooLarge
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return plimsoll.Unavailable
	}
	return plimsoll.ErrorCode(err)
}

// hssStatus follows what clients of the vendor have seen: 400 for everything that the
// service itself objects to, other statuses from the gateway only.
func hssStatus(c plimsoll.Code) (int, string) {
	switch c {
	case plimsoll.Invalid, plimsoll.Conflict:
		return http.StatusBadRequest, codeInvalid
	case plimsoll.NotFound:
		return http.StatusBadRequest, codeNotFound
	case plimsoll.Forbidden:
		return http.StatusBadRequest, codeForbidden
	case plimsoll.Unauthenticated:
		return http.StatusUnauthorized, codeWrongIdentity
	case plimsoll.TooLarge:
		return http.StatusRequestEntityTooLarge, codeBackend
	case plimsoll.Throttled:
		return http.StatusTooManyRequests, codeThrottled
	case plimsoll.Unavailable:
		return http.StatusBadGateway, codeBackend
	default:
		return http.StatusInternalServerError, codeInternal
	}
}

func plainStatus(c plimsoll.Code) int {
	switch c {
	case plimsoll.Invalid:
		return http.StatusBadRequest
	case plimsoll.Unauthenticated:
		return http.StatusUnauthorized
	case plimsoll.Forbidden:
		return http.StatusForbidden
	case plimsoll.NotFound:
		return http.StatusNotFound
	case plimsoll.Conflict:
		return http.StatusConflict
	case plimsoll.TooLarge:
		return http.StatusRequestEntityTooLarge
	case plimsoll.Throttled:
		return http.StatusTooManyRequests
	case plimsoll.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

const maxMessage = 1000 // bytes of an error message on the wire

// clean drops control characters and cuts what is too long.
func clean(s string) string {
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

// useOurErrors replaces huma's error constructors, which are package variables of huma's,
// once a process. The replacements hold no state.
var useOurErrors = sync.OnceFunc(func() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return familyHSS.failure(cause(status, message, errs), "")
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		return fail(ctx.Context(), ctx.Operation().Path, cause(status, message, errs))
	}
})

// fail makes the answer for err and leaves internal errors for the log line.
func fail(ctx context.Context, path string, err error) huma.StatusError {
	t := tripOf(ctx)
	if errorCode(err) == plimsoll.Internal {
		if _, door := errors.AsType[*refusal](err); !door {
			t.err = err
		}
	}
	return familyOf(path).failure(err, t.id)
}

// cause finds what huma wants to report: a handler's error, or a request that broke the rules of its operation.
func cause(status int, message string, errs []error) error {
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
		if _, ok := errors.AsType[*refusal](err); ok || plimsoll.ErrorCode(err) != plimsoll.Internal {
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

// refuse answers outside of huma's operations.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	answer := fail(r.Context(), r.URL.Path, err)
	body, jsonErr := json.Marshal(answer)
	if jsonErr != nil {
		body = fmt.Appendf(nil, `{"error_code":%q}`, codeInternal)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.GetStatus())
	w.Write(append(body, '\n')) //nolint:errcheck // the client is gone; the log line says so
}
