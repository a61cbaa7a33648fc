package baseline

import (
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// keyScope ends the description of a rule that reads only files for which isPackagePath is false.
const keyScope = " Looks outside libraries and documentation (/usr/lib, /usr/share and the like)."

var keyRules = []rule{
	{
		id: "key.private", title: "A private key without passphrase lies in the image", severity: high, protection: true,
		description: "Looks into *.pem, *.key, id_rsa and the like. Fails for a private key in PEM that nothing encrypts. Does not apply to an image without private keys in such files." + keyScope,
		advice:      "Mount the key when the container starts, then replace it: layers keep it.",
		references:  []string{cisDocker + "4.10", "RFC 7468"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			return textIf(argAt(l, 0) == "plain", "a private key without passphrase")
		}), kindPrivateKey),
	},
	{
		id: "key.authority", title: "The key of a certificate authority lies in the image", severity: critical, protection: true,
		description: "Fails for a private key, encrypted or not, in a file such as ca.key, cakey.pem, ca-key.pem or rootCA.key. Does not apply to an image without private keys." + keyScope,
		advice:      "Remove the key, and replace the authority: whoever has the image can issue certificates.",
		references:  []string{"RFC 5280"},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			if !isAuthorityKeyName(c.Path) || len(c.Lines) == 0 {
				return nil
			}
			return []string{printableText(c.Path) + " is the key of an authority"}
		}, kindPrivateKey),
	},
	{
		id: "key.mode", title: "A private key can be read by others", severity: medium, protection: true,
		description: "Fails if others may read, or the group may write, a file that holds a private key. Does not apply to an image without private keys." + keyScope,
		advice:      "chmod 600 the key.", references: []string{"ssh(1)"}, judge: judgeKeyModes,
	},
	{
		id: "key.store", title: "A key store lies in the image", severity: medium, protection: true,
		description: "Fails for files *.p12, *.pfx, *.jks and *.keystore; what is in them is not looked at. Does not apply if there is none, so there is nothing to pass but its absence: a trust store is named cacerts, truststore or *.truststore and passes." + keyScope,
		advice:      "Mount key stores when the container starts.", references: []string{"RFC 7292"},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			if strings.Contains(strings.ToLower(c.Path[strings.LastIndexByte(c.Path, '/')+1:]), "trust") {
				return nil
			}
			return []string{printableText(c.Path) + " is a key store"}
		}, kindKeyStore),
	},
	{
		id: "key.extra_authority", title: "The image trusts further certificate authorities", severity: low,
		description: "Fails for certificates in /usr/local/share/ca-certificates and /etc/pki/ca-trust/source/anchors: who has their keys can impersonate any server. Does not apply if there is none; a README there passes.",
		advice:      "Keep the authorities that are needed; trust a single one for a single program where that is enough.",
		references:  []string{"update-ca-certificates(8)"},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			if strings.HasPrefix(strings.ToUpper(c.Path[strings.LastIndexByte(c.Path, '/')+1:]), "README") {
				return nil
			}
			return []string{printableText(c.Path) + " is trusted"}
		}, kindExtraCA),
	},
	{
		id: "key.credentials", title: "A file with a password of a program lies in the image", severity: high, protection: true,
		description: "Looks into .netrc, .pypirc, .my.cnf, .npmrc, .git-credentials, .pgpass, .aws/credentials, .docker/config.json and .kube/config. Fails if one holds a secret. Does not apply if there is none.",
		advice:      "Use secret mounts while building and mount the file when the container starts. Then change the secret.",
		references:  []string{cisDocker + "4.10"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			return textIf(l.Key == "credential", strings.TrimSuffix("a secret: "+argAt(l, 0), ": line"))
		}), kindCredentials, kindCredentialLines, kindUserNpmrc),
	},
	{
		id: "key.credentials_mode", title: "A file with a password of a program can be read by others", severity: medium, protection: true,
		description: "Looks at the permissions of .netrc, .pgpass, .git-credentials, authorized_keys and SSH keys of any account. Fails if others may read one, or the group may write. Does not apply if there is none.",
		advice:      "chmod 600 the file.", references: []string{"netrc(5)"},
		judge: judgeModesAt(func(p string) bool {
			switch p[strings.LastIndexByte(p, '/')+1:] {
			case ".netrc", ".pgpass", ".git-credentials", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
				return true
			case "authorized_keys":
				return true
			}
			return false
		}, func(m plimsoll.FileMode) bool {
			if strings.HasSuffix(m.Path, "authorized_keys") {
				return m.Mode&0o022 != 0
			}
			return m.Mode&0o026 != 0
		}),
	},
	{
		id: "key.history", title: "What somebody typed lies in the image", severity: low,
		description: "Looks at .bash_history, .mysql_history and the like. Fails if one is not empty. Does not apply if there is none.",
		advice:      "Delete the file in the step that made it.", references: []string{cisDocker + "4.10"},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			if len(c.Lines) == 0 {
				return nil
			}
			return []string{printableText(c.Path) + " is not empty"}
		}, kindHistory),
	},
	{
		id: "key.checkout", title: "A checkout with its history lies in the image", severity: low,
		description: "Fails for a .git directory: it holds every former version, secrets that were removed too. Does not apply if there is none; one in a folder of tests (testdata, fixtures) passes.",
		advice:      "Keep .git out with .dockerignore.", references: []string{dockerfileReference},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			if strings.Contains(c.Path, "/testdata/") || strings.Contains(c.Path, "/fixtures/") {
				return nil
			}
			return []string{printableText(strings.TrimSuffix(c.Path, "/HEAD")) + " is a repository"}
		}, kindCheckout),
	},
}

// isAuthorityKeyName reports whether the file name is usual for the key of a certificate authority.
func isAuthorityKeyName(path string) bool {
	base := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	for _, end := range [...]string{".pem", ".key"} {
		base = strings.TrimSuffix(base, end)
	}
	base = strings.NewReplacer("-", "", "_", "", ".", "").Replace(base)
	switch base {
	case "ca", "cakey", "rootca", "rootcakey", "caprivate", "caroot", "authority":
		return true
	default:
		return strings.HasSuffix(base, "cakey") || strings.HasSuffix(base, "rootca")
	}
}

// judgeKeyModes judges the permissions of the files in which the analyzer found a private key.
func judgeKeyModes(i analyze.Image) verdict {
	files, unread := configsOfKinds(i, kindPrivateKey)
	keys := map[string]bool{}
	for _, c := range files {
		keys[c.Path] = len(c.Lines) > 0
	}
	v := judgeModesAt(func(p string) bool { return keys[p] }, func(m plimsoll.FileMode) bool { return m.Mode&0o026 != 0 })(i)
	return newVerdict(v.evidence, unread, v.result == plimsoll.SettingPass)
}
