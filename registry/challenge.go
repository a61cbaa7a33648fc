package registry

import (
	"net/http"
	"strings"
)

// maxChallengeBytes bounds what is read of WWW-Authenticate.
const maxChallengeBytes = 16 << 10

// challenge is how a registry requires authentication. The zero value means that it requires none.
type challenge struct {
	scheme  string // "bearer", "basic" or ""
	realm   string
	service string
	scope   string
}

// challengeOf returns the challenge in WWW-Authenticate that this client can answer, Bearer rather than Basic.
func challengeOf(h http.Header) (challenge, bool) {
	var basic *challenge
	budget := maxChallengeBytes
	for _, line := range h.Values("WWW-Authenticate") {
		if budget -= len(line); budget < 0 {
			break
		}
		for _, c := range parseChallenges(line) {
			switch c.scheme {
			case "bearer":
				return c, true
			case "basic":
				basic = &c
			}
		}
	}
	if basic != nil {
		return *basic, true
	}
	return challenge{}, false
}

// parseChallenges reads a list of challenges (RFC 9110 section 11.6.1). What does not parse is skipped.
func parseChallenges(s string) []challenge {
	var out []challenge
	for s = trimSeparators(s); s != ""; s = trimSeparators(s) {
		word, rest := cutToken(s)
		if word == "" {
			s = s[1:]
			continue
		}
		after := strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(after, "=") {
			out = append(out, challenge{scheme: strings.ToLower(word)})
			s = rest
			continue
		}
		var v string
		v, s = cutValue(strings.TrimLeft(after[1:], " \t"))
		if len(out) == 0 {
			continue
		}
		switch last := &out[len(out)-1]; strings.ToLower(word) {
		case "realm":
			last.realm = v
		case "service":
			last.service = v
		case "scope":
			last.scope = v
		}
	}
	return out
}

func trimSeparators(s string) string { return strings.TrimLeft(s, " \t,") }

// cutToken cuts the leading token (RFC 9110 section 5.6.2) off s.
func cutToken(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t,;=\"()<>@:\\/[]?{}")
	if i < 0 {
		i = len(s)
	}
	return s[:i], s[i:]
}

// cutValue cuts a token or a quoted string off s.
func cutValue(s string) (v, rest string) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, " \t,")
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:]
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
