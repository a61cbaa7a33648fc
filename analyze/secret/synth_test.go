package secret

import (
	"encoding/base64"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Credentials are generated when a test runs, so that no file of the project contains anything of their form. A template
// has fields {count:class}, see classes. {b64:text} is the base64 of the expanded text.

var classes = map[string]string{
	"a": "abcdefghijklmnopqrstuvwxyz",
	"A": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	"C": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"d": "0123456789",
	"x": "0123456789abcdef",
	"X": "0123456789ABCDEF",
	"n": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	"l": "0123456789abcdefghijklmnopqrstuvwxyz",
	"U": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"w": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-",
	"b": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/",
	"2": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
	"g": "023456789ACDEFGHJKLMNPQRSTUVWXYZ",
	"s": "!#%+*=?^_~.",
}

var fieldRE = regexp.MustCompile(`\{(\d+|b64jwt|b64|uuid|pw|armour):?([^{}]*)\}`)

// synth expands templates. The same seed gives the same text.
type synth struct {
	*rand.Rand
	count func(n int) int                // changes the length of a field; nil = no change
	pick  func(class string, i int) byte // returns the bytes of a field; nil = random
}

func newSynth(seed uint64) *synth { return &synth{Rand: rand.New(rand.NewPCG(seed, 11))} }

func (s *synth) text(t testing.TB, template string) string {
	t.Helper()
	for strings.Contains(template, "{") {
		next := fieldRE.ReplaceAllStringFunc(template, func(field string) string {
			m := fieldRE.FindStringSubmatch(field)
			switch m[1] {
			case "b64":
				return base64.StdEncoding.EncodeToString([]byte(m[2]))
			case "b64jwt":
				part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
				return part(`{"alg":"HS256","typ":"JWT"}`) + "." + part(`{"sub":"`+s.run(10, "d")+`","role":"admin"}`) + "." + s.run(43, "w")
			case "uuid":
				return s.run(8, "x") + "-" + s.run(4, "x") + "-" + s.run(4, "x") + "-" + s.run(4, "x") + "-" + s.run(12, "x")
			case "pw":
				return s.password()
			case "armour":
				n, err := strconv.Atoi(m[2])
				if err != nil {
					t.Fatalf("template %q", field)
				}
				lines := make([]string, n)
				for i := range lines {
					lines[i] = s.run(64, "b")
				}
				return strings.Join(lines, "\n")
			}
			n, err := strconv.Atoi(m[1])
			if err != nil || classes[m[2]] == "" {
				t.Fatalf("template %q", field)
			}
			return s.run(n, m[2])
		})
		if next == template {
			break
		}
		template = next
	}
	return strings.NewReplacer("«", "{", "»", "}").Replace(template)
}

func (s *synth) run(n int, class string) string {
	if s.count != nil {
		n = s.count(n)
	}
	b := make([]byte, n)
	for i := range b {
		if s.pick != nil {
			b[i] = s.pick(class, i)
			continue
		}
		b[i] = classes[class][s.IntN(len(classes[class]))]
	}
	return string(b)
}

// password returns a typical chosen password: a word, digits and a sign in some order and case.
func (s *synth) password() string {
	if s.count != nil || s.pick != nil {
		return s.run(12, "n")
	}
	stems := []string{"Winter", "marzipan", "Falcon", "orchid", "Zebra", "lantern", "Copper", "quartz", "Velvet", "maple", "Rocket", "harbor"}
	w := stems[s.IntN(len(stems))]
	switch s.IntN(5) {
	case 0:
		return w + s.run(4, "d") + s.run(1, "s")
	case 1:
		return w + s.run(1, "s") + stems[s.IntN(len(stems))] + s.run(2, "d")
	case 2:
		return s.run(10, "n") + s.run(2, "d") + s.run(1, "C")
	case 3:
		return strings.NewReplacer("a", "4", "e", "3", "o", "0").Replace(w) + s.run(3, "d")
	default:
		return s.run(6, "A") + s.run(1, "s") + s.run(5, "n") + s.run(2, "d")
	}
}
