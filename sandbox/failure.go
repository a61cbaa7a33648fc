package sandbox

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll"
)

// errBroken is what a handler reads where the caller gave up.
var errBroken = errors.New("the caller gave up on this body")

// errProtocol is why a child is killed that answers nonsense.
var errProtocol = errors.New("it broke the protocol")

const maxText = 1000 // bytes of one text of a failure

// failure is an error on its way out of a child.
type failure struct {
	Code    plimsoll.Code        `json:"code"`
	Failure plimsoll.FailureCode `json:"failure,omitempty"`
	Message string               `json:"message"`
	Hint    string               `json:"hint,omitempty"`
}

func encodeFailure(err error) ([]byte, error) {
	f := failure{Code: plimsoll.ErrorCode(err), Message: clean(err.Error(), maxText), Hint: clean(plimsoll.ErrorHint(err), maxText)}
	if own, ok := errors.AsType[*plimsoll.Failure](err); ok {
		f.Failure = own.Code
	}
	return json.Marshal(f)
}

// decodeFailure reads what a child sent; false means that it is no failure.
func decodeFailure(payload []byte) (f failure, ok bool) {
	err := json.Unmarshal(payload, &f)
	return f, err == nil && isWord(string(f.Code)) && isWord(string(f.Failure))
}

// error has the codes of the child's error. Its words are bounded and fit for a terminal,
// whatever the child has become.
func (f failure) error() error {
	var err error = &plimsoll.Error{Code: f.Code, Message: clean(f.Message, maxText), Hint: clean(f.Hint, maxText)}
	if f.Failure != "" {
		err = plimsoll.Fail(f.Failure, err)
	}
	return err
}

// isWord reports whether s could be the name of a code.
func isWord(s string) bool {
	return len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// clean makes text from a child fit for a log or a terminal, and cuts it to n bytes.
func clean(s string, n int) string {
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

// died is the error of a call whose child is gone.
func died(code plimsoll.FailureCode, reason string) error {
	return plimsoll.Fail(code, plimsoll.Errorf(plimsoll.Internal, "%w: %s", plimsoll.ErrDied, reason))
}
