package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"plimsoll"
)

// privateKeys find private keys in their usual text encodings.
func privateKeys() []Rule {
	pem := func(id, title string, severity plimsoll.Severity, label string) Rule {
		return Rule{
			ID: id, Title: title, Severity: severity, literals: []string{"PRIVATE KEY-----"}, left: `-----BEGIN ` + label, match: matchArmoured, binary: true,
		}
	}
	return []Rule{
		pem("private-key-rsa", "RSA private key", critical, "RSA "),
		pem("private-key-ec", "EC private key", critical, "EC "),
		pem("private-key-dsa", "DSA private key", critical, "DSA "),
		pem("private-key-openssh", "OpenSSH private key", critical, "OPENSSH "),
		pem("private-key-encrypted", "private key under a passphrase", medium, "ENCRYPTED "),
		pem("private-key-pkcs8", "private key (PKCS #8)", critical, ""),
		pem("private-key-other", "private key", high, `[A-Z0-9]{2,16} `),
		{ID: "private-key-pgp", Title: "OpenPGP private key", Severity: critical, literals: []string{"PGP PRIVATE KEY BLOCK-----"}, left: "-----BEGIN ", match: matchArmoured, binary: true},
		{ID: "private-key-ssh2", Title: "SSH2 private key", Severity: high, literals: []string{"SSH2 ENCRYPTED PRIVATE KEY ----"}, left: "---- BEGIN ", match: matchArmoured, binary: true},
		{ID: "private-key-putty", Title: "PuTTY private key", Severity: critical, literals: []string{"PuTTY-User-Key-File-"}, right: `PuTTY-User-Key-File-[1-3]: [a-z0-9@.-]+\s+Encryption: [a-z0-9-]+\s+Comment: [^\n]*\s+Public-Lines: [0-9]{1,4}\s+([0-9A-Za-z+/=]{40,})`, entropy: 3.5},
		prefixRule("private-key-age", "age secret key", critical, `[02-9AC-HJ-NP-Z]{58}`, 3.5, "AGE-SECRET-KEY-1"),
		{ID: "private-key-wireguard", Title: "WireGuard private key", Severity: critical, literals: []string{"PrivateKey", "PresharedKey"}, right: `(?:PrivateKey|PresharedKey)\s{0,4}=\s{0,4}([0-9A-Za-z+/]{42}[AEIMQUYcgkosw048]=)`, entropy: 4},
		{ID: "private-key-jwk", Title: "private JSON web key", Severity: critical, literals: []string{`"d":`, `"d" :`}, left: `(?:[{,]\s{0,8})`, match: matchJWK},
		{ID: "private-key-xml", Title: "RSA private key in XML", Severity: critical, literals: []string{"<InverseQ>", "<DP>"}, left: anywhere, right: `<(?:InverseQ|DP)>([0-9A-Za-z+/\s]{80,}={0,2})\s*<`, entropy: 4},
	}
}

const (
	minArmoured = 48   // base64 digits of the shortest private key
	minRun      = 24   // length of the longest run of base64 digits: the texts of programs that write keys have shorter ones
	maxHeaders  = 200  // bytes of headers before the first base64 digit
	minKeyBits  = 3.2  // bits per byte of base64: short keys have long runs of the letter A
	maxOthers   = 0.10 // ratio of other bytes to base64 digits: the rest of line ends that are written as escapes
)

// matchArmoured accepts the text after the label of an armoured key: base64 after headers such as Proc-Type or Version.
// Line ends may be written as escapes.
func matchArmoured(c *candidate) (from, to int, ok bool) {
	i := bytes.Index(c.after, []byte("----"))
	if i < 0 {
		return 0, 0, false
	}
	for i < len(c.after) && c.after[i] == '-' {
		i++
	}
	rest := c.after[i:]
	for _, last := range []string{"-----END", "---- END"} {
		if n := bytes.Index(rest, []byte(last)); n >= 0 {
			rest = rest[:n]
		}
	}
	start := i + len(rest) - len(skipHeaders(rest))
	digits, others := make([]byte, 0, len(rest)), 0
	run, longest := 0, 0
	for _, b := range skipHeaders(normalizeLineEnds(rest)) {
		if !base64Byte(b) {
			run = 0
			if b != '\n' {
				others++
			}
			continue
		}
		digits = append(digits, b)
		run++
		longest = max(longest, run)
	}
	if len(digits) < minArmoured || longest < minRun || float64(others) > maxOthers*float64(len(digits)) || byteEntropy(digits) < minKeyBits {
		return 0, 0, false
	}
	return start, i + len(rest), true
}

func base64Byte(b byte) bool {
	return b == '+' || b == '/' || b == '=' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// normalizeLineEnds converts escaped and other line ends, and what joins the strings of a program, to newlines.
func normalizeLineEnds(b []byte) []byte {
	for _, end := range []string{`\r\n`, `\n`, "\r", " ", "\t", `"`, "'", "+\n", ",\n"} {
		b = bytes.ReplaceAll(b, []byte(end), []byte("\n"))
	}
	return b
}

// skipHeaders removes lines "Name: value" before an empty line.
func skipHeaders(b []byte) []byte {
	head := b[:min(len(b), maxHeaders)]
	if !bytes.Contains(head, []byte(":")) {
		return b
	}
	for _, gap := range []string{"\n\n", "\r\n\r\n", `\n\n`} {
		if i := bytes.LastIndex(head, []byte(gap)); i >= 0 {
			return b[i:]
		}
	}
	return b
}

// matchJWK accepts the private part of a JSON web key (RFC 7517, section 4; RFC 7518, sections 6.2.2 and 6.3.2).
func matchJWK(c *candidate) (from, to int, ok bool) {
	const space = " \t\r\n"
	value, ok := bytes.CutPrefix(bytes.TrimLeft(c.after[len(`"d"`):], space), []byte(":"))
	if !ok {
		return 0, 0, false
	}
	value = bytes.TrimLeft(value, space)
	if len(value) == 0 || value[0] != '"' {
		return 0, 0, false
	}
	from = len(c.after) - len(value) + 1
	n := bytes.IndexByte(value[1:], '"')
	if n < 0 {
		n = len(value) - 1
	}
	if kty := []byte(`"kty"`); !bytes.Contains(c.before, kty) && !bytes.Contains(c.after, kty) {
		return 0, 0, false
	}
	return from, from + n, n >= 40 && byteEntropy(value[1:1+n]) >= 4
}

// isBasicAuth accepts base64 of "user:password" (config.json of Docker's command line).
func isBasicAuth(secret []byte) bool {
	plain, err := base64.StdEncoding.DecodeString(string(bytes.TrimRight(secret, "=")) + base64Padding(secret))
	if err != nil {
		return false
	}
	user, pass, found := bytes.Cut(plain, []byte(":"))
	return found && len(user) > 0 && len(pass) > 0 && isPrintable(user) && !placeholderWords[string(bytes.ToLower(pass))] && !isSample(plain)
}

func base64Padding(secret []byte) string {
	return "==="[:(4-len(bytes.TrimRight(secret, "="))%4)%4]
}

// isJWT accepts a JSON web token whose header names an algorithm (RFC 7519, section 5).
func isJWT(secret []byte) bool {
	head, _, _ := bytes.Cut(secret, []byte("."))
	plain, err := base64.RawURLEncoding.DecodeString(string(head))
	if err != nil {
		return false
	}
	var fields struct {
		Alg string `json:"alg"`
	}
	return json.Unmarshal(plain, &fields) == nil && fields.Alg != "" && fields.Alg != "none"
}
