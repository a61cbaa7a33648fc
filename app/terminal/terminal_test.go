package terminal

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":             "plain",
		"über 東京":           "über 東京",
		"a\nb\tc":           "a b c",
		"\x1b[31mred":       "?[31mred",
		"exe\u202etxt":      "exe?txt",
		"zero\u200bwidth":   "zero?width",
		"c1\u009b1m":        "c1?1m",
		"line\u2028break":   "line?break",
		"bad\xffutf8\ufffd": "bad?utf8?",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
