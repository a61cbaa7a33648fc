package parse

import (
	"io"
	"regexp"
	"strings"

	"plimsoll"
)

// Trust reads hosts.equiv(5) and .rhosts: key "trust", argument "everybody" for an entry
// that is "+", else "host".
func Trust(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		fields := strings.Fields(stripComment(text))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "-") {
			return nil
		}
		for _, f := range fields {
			if f == "+" {
				return c.addLine(n, "", "trust", "everybody")
			}
		}
		return c.addLine(n, "", "trust", "host")
	})
	return c.list, err
}

// AuthorizedKeys reads authorized_keys (sshd(8)): key "key", argument the key's type.
func AuthorizedKeys(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		for field := range strings.FieldsSeq(stripComment(text)) {
			if strings.HasPrefix(field, "ssh-") || strings.HasPrefix(field, "ecdsa-") || strings.HasPrefix(field, "sk-") {
				return c.addLine(n, "", "key", field)
			}
		}
		return nil
	})
	return c.list, err
}

var credentialPattern = regexp.MustCompile(`(?i)(_authtoken|_auth\b|_password|\bpassword|\bpasswd|aws_secret_access_key|client-key-data|\btoken|"auth"|"identitytoken")["']?\s*[:=]?\s*["']?([^\s"',{}]+)`)

// Credentials reads files in which programs keep passwords: key "credential", argument the name of
// the secret, never its value. With whole, every line is a secret without a name, as in
// .git-credentials and .pgpass; the argument is "line".
func Credentials(r io.Reader, whole bool) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		text = stripComment(text)
		if whole {
			if text == "" {
				return nil
			}
			return c.addLine(n, "", "credential", "line")
		}
		if m := credentialPattern.FindStringSubmatch(text); m != nil && isLiteral(m[2]) {
			return c.addLine(n, "", "credential", strings.ToLower(strings.Trim(m[1], `"`)))
		}
		return nil
	})
	return c.list, err
}

var keyHeaderPattern = regexp.MustCompile(`^-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----`)

// opensshNone is the beginning of a private key of OpenSSH without a passphrase: base64 of the magic
// "openssh-key-v1" and the cipher "none" (PROTOCOL.key of OpenSSH).
const opensshNone = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"

// PrivateKeys reads PEM (RFC 7468): key "private-key", argument "plain" or "encrypted".
func PrivateKeys(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	begin, label, state := 0, "", ""
	err := forEachLine(r, "", func(n int, text string) error {
		if m := keyHeaderPattern.FindStringSubmatch(text); m != nil {
			begin, label, state = n, m[1], "plain"
			if strings.HasPrefix(label, "ENCRYPTED") {
				state = "encrypted"
			}
			return nil
		}
		switch {
		case begin == 0:
		case strings.HasPrefix(text, "-----END "):
			begin = 0
			return c.addLine(n, "", "private-key", state)
		case strings.Contains(text, "Proc-Type: 4,ENCRYPTED"):
			state = "encrypted"
		case label == "OPENSSH PRIVATE KEY" && n == begin+1 && !strings.HasPrefix(text, opensshNone):
			state = "encrypted"
		}
		return nil
	})
	return c.list, err
}

// AnyLine returns the first line that is not empty and no comment: key "line", without arguments.
func AnyLine(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		if stripComment(text) == "" || len(c.list) > 0 {
			return nil
		}
		return c.addLine(n, "", "line")
	})
	return c.list, err
}

// Names reads a file of one word or address per line: key "name", argument the line without user name
// and password.
func Names(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		if text = stripComment(text); text == "" {
			return nil
		}
		address, secret := stripUserinfo(text)
		if secret {
			return c.addLine(n, "", "name", address, passwordMark)
		}
		return c.addLine(n, "", "name", address)
	})
	return c.list, err
}
