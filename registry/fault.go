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

// maxErrorText bounds how much of a registry's error text is repeated, in characters.
const maxErrorText = 200

// transportError describes a request without an answer. A cause that has a code or a failure
// keeps it; the error of the caller's context is returned as it is.
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

// withHintOf copies the hint of a cause that the standard library has wrapped, or adds one for a failed TLS handshake.
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

// statusError turns an unexpected answer into an error and closes it.
func statusError(doing string, resp *http.Response) error {
	text := errorText(resp)
	if text != "" {
		text = ": " + text
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
	e := plimsoll.Errorf(code, "%s: the registry answers %d%s", doing, resp.StatusCode, text)
	if failure == plimsoll.FailureAuth {
		e = e.WithHint("check the user name and secret of this registry, and that they may read it")
	}
	return plimsoll.Fail(failure, e)
}

// errorText returns the printable text of an error answer (OCI Distribution Specification, "Error Codes"), and closes it.
func errorText(resp *http.Response) string {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // a part of the text is enough
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
	return printableText(strings.TrimSpace(body.Errors[0].Code + " " + body.Errors[0].Message))
}

// printableText makes text of a registry safe for logs and terminals.
func printableText(s string) string {
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

// drainBody closes an answer so that its connection can be used again.
func drainBody(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, maxErrorBody)) //nolint:errcheck // best effort
	resp.Body.Close()                                            //nolint:errcheck // only read from
}
