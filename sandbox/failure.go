package sandbox

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll"
)

// errBroken is the error of reading a body that the caller stopped sending.
var errBroken = errors.New("the caller gave up on this body")

// errProtocol is the reason for killing a child that broke the protocol.
var errProtocol = errors.New("it broke the protocol")

const maxText = 1000 // bytes of a message or hint

// failureMessage is the encoding of an error that a child returns.
type failureMessage struct {
	Code    plimsoll.Code        `json:"code"`
	Failure plimsoll.FailureCode `json:"failure,omitempty"`
	Message string               `json:"message"`
	Hint    string               `json:"hint,omitempty"`
}

func encodeFailure(err error) ([]byte, error) {
	f := failureMessage{Code: plimsoll.ErrorCode(err), Message: cleanText(err.Error(), maxText), Hint: cleanText(plimsoll.ErrorHint(err), maxText)}
	if own, ok := errors.AsType[*plimsoll.Failure](err); ok {
		f.Failure = own.Code
	}
	return json.Marshal(f)
}

// decodeFailure decodes a failure sent by a child; ok is false if it is not valid.
func decodeFailure(payload []byte) (f failureMessage, ok bool) {
	err := json.Unmarshal(payload, &f)
	return f, err == nil && isCodeName(string(f.Code)) && isCodeName(string(f.Failure))
}

// error returns an error with the codes of the child's error. Its texts are bounded and safe for a
// terminal, even if the child was taken over.
func (f failureMessage) error() error {
	var err error = &plimsoll.Error{Code: f.Code, Message: cleanText(f.Message, maxText), Hint: cleanText(f.Hint, maxText)}
	if f.Failure != "" {
		err = plimsoll.Fail(f.Failure, err)
	}
	return err
}

// isCodeName reports whether s has the form of a code.
func isCodeName(s string) bool {
	return len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// cleanText makes text from a child safe for a log or a terminal, and cuts it to n bytes.
func cleanText(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 4*n)], "?"))
	if len(s) <= n {
		return s
	}
	for s = s[:n]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s
}

// diedError returns the error of a call whose child has died.
func diedError(code plimsoll.FailureCode, reason string) error {
	return plimsoll.Fail(code, plimsoll.Errorf(plimsoll.Internal, "%w: %s", plimsoll.ErrDied, reason))
}
