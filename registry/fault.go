package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"

	"plimsoll"
)

// maxErrorBody bounds how much of an error answer is read.
const maxErrorBody = 64 << 10

// maxErrorText bounds how much of a registry's own words is repeated.
const maxErrorText = 200

// transportError says what was being done when no answer came. Errors that know their
// failure keep it; the end of the caller's context stays itself.
func transportError(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code, failure := plimsoll.Unavailable, plimsoll.FailureDownload
	if e, ok := errors.AsType[*plimsoll.Error](err); ok {
		code = e.Code
	}
	if f, ok := errors.AsType[*plimsoll.Failure](err); ok {
		failure = f.Code
	}
	return plimsoll.Fail(failure, withHintOf(&plimsoll.Error{Code: code, Message: doing, Err: err}, err))
}

// withHintOf lifts the hint of a cause that the standard library has wrapped, or has one for it.
func withHintOf(e *plimsoll.Error, cause error) *plimsoll.Error {
	if inner, ok := errors.AsType[*plimsoll.Error](cause); ok {
		e.Hint = plimsoll.ErrorHint(inner)
	}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](cause); untrusted {
		e.Hint = "if the registry's certificate is meant, trust the authority that signed it"
	}
	if _, plain := errors.AsType[tls.RecordHeaderError](cause); plain {
		e.Hint = "the registry does not speak TLS; write its address with http:// if that is meant"
	}
	return e
}

// statusError turns an answer that is not wanted into an error and closes it.
func statusError(doing string, resp *http.Response) error {
	said := registryWords(resp)
	if said != "" {
		said = ": " + said
	}
	code, failure := plimsoll.Unavailable, plimsoll.FailureDownload
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		code, failure = plimsoll.Forbidden, plimsoll.FailureAuth
	case http.StatusNotFound:
		code, failure = plimsoll.NotFound, plimsoll.FailureNotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		code = plimsoll.NotFound // the operation, not the content
	case http.StatusTooManyRequests:
		code = plimsoll.Throttled
	}
	e := plimsoll.Errorf(code, "%s: the registry answers %d%s", doing, resp.StatusCode, said)
	if failure == plimsoll.FailureAuth {
		e = e.WithHint("check the user name and secret of this registry, and that they may read it")
	}
	return plimsoll.Fail(failure, e)
}

// registryWords returns what an error answer says (OCI Distribution Specification, "Error Codes"), made harmless, and closes it.
func registryWords(resp *http.Response) string {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // a cut error text is still a text
	resp.Body.Close()                                             //nolint:errcheck // only read from
	var body struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(raw, &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	return clean(strings.TrimSpace(body.Errors[0].Code + " " + body.Errors[0].Message))
}

// clean makes a stranger's text fit for logs and terminals.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > maxErrorText {
		s = string(runes[:maxErrorText]) + "…"
	}
	return s
}

// drain closes an answer so that its connection can be used again.
func drain(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody)) //nolint:errcheck // best effort
	resp.Body.Close()                                            //nolint:errcheck // only read from
}
