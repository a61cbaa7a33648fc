package secret

import (
	"bytes"
	"math"
	"regexp"
	"strings"
)

// byteEntropy returns the Shannon entropy of the bytes, in bits per byte.
func byteEntropy(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	var count [256]int
	for _, c := range b {
		count[c]++
	}
	var bits float64
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(b))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// placeholders are parts of values that documentation and templates use in place of secrets.
var placeholders = []string{
	"example", "placeholder", "changeme", "change_me", "change-me", "replaceme", "replace_me", "replace-me", "yourpass", "your_", "your-",
	"yoursecret", "yourtoken", "yourkey", "redacted", "notasecret", "not_a_secret", "not-a-secret", "not-real", "dummy", "fake", "xxxx", "....", "****",
	"insert", "todo", "foobar", "goes-here", "goes_here", "sample", "abcdefgh", "lorem", "my_password", "mypassword", "mysecret", "my-secret", "mytoken", "my_token", "my-token",
}

// sequences are typed to fill a field. A value is a sample only if it contains little else.
var sequences = []string{"0123456789", "1234567890", "abcdef", "0000000", "1111111", "aaaaaaa", "deadbeef"}

// isSample reports whether a value is an example from a document.
func isSample(value []byte) bool {
	low := bytes.ToLower(value)
	if len(value) >= 6 && byteEntropy(low) < 1.3 {
		return true
	}
	for _, p := range placeholders {
		// A short word occurs in long random text by chance.
		if bytes.Contains(low, []byte(p)) && len(value) < 16*len(p) {
			return true
		}
	}
	for _, s := range sequences {
		if n := bytes.Count(low, []byte(s)); n > 0 && n*len(s)*2 >= len(low) {
			return true
		}
	}
	for _, p := range publishedValues {
		if bytes.Contains(value, []byte(p)) {
			return true
		}
	}
	return false
}

// publishedValues are values from public documents that many programs and comments copy.
var publishedValues = []string{
	"IOSFODNN7", "wJalrXUtnFEMI/K7MDENG", // documents of AWS
	"2YotnFZFEjr1zCsicMWpAA", "tGzv3JOkF0XG5Qx2TlKWIA", "SlAV32hkKG", "czZCaGRSa3F0MzpnWDFmQmF0M2JW", "mF_9.B5f-4.1JqM", // RFC 6749, 6750
	"ad180jjd733klru7", "kkk9d7dh3k39sjv7", "QWxhZGRpbjpvcGVuIHNlc2FtZQ", // RFC 5849, 7617
	"SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c", "TJVA95OrM7E2cBab30RMHrHDcEfxjoYZgeFONFh7HgQ", "4twFt5NiznN84AWoo1d7KO1T_yoc0Z6XOpOVswacPZg", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", // a debugger of web tokens, RFC 7519
}

// placeholderWords are whole values that are used in place of a secret.
var placeholderWords = wordSet(`password passwd passw0rd pass pwd pw secret secrets token null none nil true false undefined user username root admin
		string str bool int bytes text hidden empty unset default optional required prompt stdin env file plain basic bearer md5 sha1 sha256 sha512 base64 utf-8
		foo bar baz qux test testing tester hello world value key xxx yyy yes no on off enabled disabled pass123 password1 password123 secret123 user1 s3cret p4ssw0rd p@ssw0rd p@ss 12345 123456 1234567 12345678 123456789 abc123 abcd1234 test123 test1234`)

func wordSet(list string) map[string]bool {
	s := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		s[w] = true
	}
	return s
}

var (
	uuidRE       = regexp.MustCompile(`^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
	identifierRE = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*(?:(?:\.|->|::)[A-Za-z_$][A-Za-z0-9_$]*)+$`)
	versionRE    = regexp.MustCompile(`^[v^~<>=]*[0-9]+(?:\.[0-9x]+)+(?:-[a-z0-9.]+)?$`)
	wordsRE      = regexp.MustCompile(`^[A-Za-z]+(?:[-_. ][A-Za-z]+)*[0-9]?$`)
	camelRE      = regexp.MustCompile(`^_*[A-Za-z][a-z]+(?:[A-Z]+[a-z]+)*[0-9]{0,4}$`)
	snakeRE      = regexp.MustCompile(`^[a-z0-9]+(?:[_-][a-z0-9]+)+$|^[A-Z0-9]+(?:_[A-Z0-9]+)+$`)
)

// referenceRE matches values that refer to another one: a variable, a call, a template, an alias.
var referenceRE = regexp.MustCompile(`\$[A-Za-z_({]|\{\{|<%|%\(|%[sdv]|^<.*>$|^\[|^\{|^\(|[A-Za-z_]\(|[A-Za-z_\])]\[|` + "`" + `|\x00|://|^\.{0,2}/|^[!&*@][A-Za-z_]+$|^[A-Z]:\\`)

// isReference reports whether a value refers to another one.
func isReference(value []byte) bool { return referenceRE.Match(value) }

// byteClasses counts bytes by class.
type byteClasses struct {
	lower, upper, digit, other int
}

func countClasses(b []byte) (s byteClasses) {
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z':
			s.lower++
		case c >= 'A' && c <= 'Z':
			s.upper++
		case c >= '0' && c <= '9':
			s.digit++
		default:
			s.other++
		}
	}
	return s
}

func (s byteClasses) distinct() (n int) {
	for _, c := range []int{s.lower, s.upper, s.digit, s.other} {
		if c > 0 {
			n++
		}
	}
	return n
}

// isPrintable reports whether all bytes are visible ASCII.
func isPrintable(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// looksLikePassword reports whether a value in a settings file may be a password that a person chose.
func looksLikePassword(value []byte) bool {
	if len(value) < 6 || len(value) > 200 || !isPrintable(value) || isReference(value) || isPlaceholder(value) {
		return false
	}
	s := countClasses(value)
	if s.digit == 0 && (s.other == 0 || s.upper == 0) {
		return false
	}
	return s.distinct() >= 2 && byteEntropy(value) >= 2.2 && !wordsRE.Match(value) && !versionRE.Match(value)
}

// looksRandom reports whether a value looks random, as keys and tokens do.
func looksRandom(value []byte) bool {
	if len(value) < 16 || len(value) > 200 || !isPrintable(value) || isReference(value) || isPlaceholder(value) {
		return false
	}
	if uuidRE.Match(value) {
		return true
	}
	s := countClasses(value)
	if s.lower+s.upper < 2 || s.digit < 2 && caseChanges(value)*3 < len(value) || caseChanges(value)*5 <= 2*len(value) && looksLikeName(value) || snakeRE.Match(value) && s.digit < 6 {
		return false
	}
	return byteEntropy(value) >= 3.3 && s.other*4 <= len(value)
}

// looksLikeName reports whether a value may be a name in a program: words that begin with a capital letter, with marks
// before and between them. One of four random texts of letters looks so by chance.
func looksLikeName(value []byte) bool {
	words := bytes.FieldsFunc(value, func(r rune) bool { return r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' })
	for _, word := range words {
		if !camelRE.Match(word) {
			return false
		}
	}
	return true
}

// caseChanges counts the changes of case: about every second letter in random text, few in names.
func caseChanges(b []byte) (n int) {
	for i := 1; i < len(b); i++ {
		if (b[i] >= 'A' && b[i] <= 'Z') != (b[i-1] >= 'A' && b[i-1] <= 'Z') {
			n++
		}
	}
	return n
}

func isPlaceholder(value []byte) bool {
	return placeholderWords[strings.ToLower(string(value))] || identifierRE.Match(value) || isSample(value)
}
