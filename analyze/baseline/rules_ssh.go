package baseline

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const sshConfigManual = "sshd_config(5)"

// sshRule is a rule about one keyword of sshd_config.
type sshRule struct {
	id, keyword, title string
	severity           plimsoll.Severity
	protection         bool
	defaultValue       string // the value of sshd if the keyword is not set
	bad                func(string) bool
	failsIf            string // when it fails, for the description
	advice             string
}

// sshKeywords are the keywords of sshd_config(5) that have a rule.
var sshKeywords = []sshRule{
	{"ssh.root_login", "PermitRootLogin", "root can log in over SSH with a password", high, true, "prohibit-password", isYes, "it is yes", "Set PermitRootLogin no."},
	{"ssh.password_login", "PasswordAuthentication", "SSH takes passwords", low, true, "yes", isYes, "it is yes, also by default", "Set PasswordAuthentication no and use keys."},
	{"ssh.empty_passwords", "PermitEmptyPasswords", "SSH takes empty passwords", critical, true, "no", isYes, "it is yes", "Remove PermitEmptyPasswords."},
	{"ssh.protocol", "Protocol", "SSH speaks its first version", high, true, "2", allowsProtocol1, "it contains 1", "Remove Protocol; version 1 is broken."},
	{"ssh.host_based", "HostbasedAuthentication", "SSH trusts other hosts", medium, true, "no", isYes, "it is yes", "Set HostbasedAuthentication no."},
	{"ssh.rhosts", "IgnoreRhosts", "SSH reads .rhosts", medium, true, "yes", isNo, "it is no", "Set IgnoreRhosts yes."},
	{"ssh.auth_tries", "MaxAuthTries", "SSH lets many passwords be tried", low, true, "6", numberOver(6), "it is over 6", "Set MaxAuthTries to 4."},
	{"ssh.grace_time", "LoginGraceTime", "SSH waits long for a login", low, false, "120", isLongGraceTime, "it is 0 or over 120 seconds", "Set LoginGraceTime 60."},
	{"ssh.idle", "ClientAliveInterval", "SSH never ends an idle session", low, true, "0", isAnyOf("0"), "it is 0, also by default", "Set ClientAliveInterval 300 and ClientAliveCountMax 3."},
	{"ssh.x11", "X11Forwarding", "SSH forwards X11", low, false, "no", isYes, "it is yes", "Set X11Forwarding no."},
	{"ssh.user_environment", "PermitUserEnvironment", "SSH lets users set variables of their session", medium, true, "no", isNotNo, "it is not no", "Set PermitUserEnvironment no."},
	{"ssh.strict_modes", "StrictModes", "SSH accepts key files that others can change", medium, true, "yes", isNo, "it is no", "Set StrictModes yes."},
	{"ssh.log_level", "LogLevel", "SSH logs no logins", low, true, "INFO", isAnyOf("quiet", "fatal", "error"), "it is QUIET, FATAL or ERROR", "Set LogLevel VERBOSE."},
	{"ssh.gateway_ports", "GatewayPorts", "SSH opens forwarded ports to the network", medium, false, "no", isNotNo, "it is not no", "Set GatewayPorts no."},
	{"ssh.tunnel", "PermitTunnel", "SSH makes network tunnels", medium, false, "no", isNotNo, "it is not no", "Set PermitTunnel no."},
	{"ssh.ciphers", "Ciphers", "SSH offers weak ciphers", medium, true, "", containsAlgorithm("3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", "arcfour", "arcfour128", "arcfour256", "blowfish-cbc", "cast128-cbc", "none"), "it names CBC, RC4 or no cipher", "Remove Ciphers: the defaults are good."},
	{"ssh.macs", "MACs", "SSH offers weak message authentication", medium, true, "", containsAlgorithm("hmac-md5", "hmac-md5-96", "hmac-md5-etm@openssh.com", "hmac-md5-96-etm@openssh.com", "hmac-sha1-96", "hmac-sha1-96-etm@openssh.com", "umac-64@openssh.com", "none"), "it names MD5, cut SHA-1 or 64 bits", "Remove MACs: the defaults are good."},
	{"ssh.key_exchange", "KexAlgorithms", "SSH offers weak key exchange", medium, true, "", containsAlgorithm("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1"), "it names a method with SHA-1", "Remove KexAlgorithms: the defaults are good."},
}

// sshKeywordRules returns one rule per keyword.
func sshKeywordRules(keywords []sshRule) []rule {
	var list []rule
	for _, s := range keywords {
		list = append(list, rule{
			id: s.id, title: s.title, severity: s.severity, protection: s.protection, advice: s.advice, references: []string{sshConfigManual},
			description: fmt.Sprintf("Looks at %s in /etc/ssh/sshd_config, what it includes, and its Match blocks. Fails if %s. Does not apply to an image without that file.", s.keyword, s.failsIf),
			judge:       s.judge,
		})
	}
	return list
}

var isYes, isNo = isAnyOf("yes"), isAnyOf("no")

func isNotNo(v string) bool { return !strings.EqualFold(v, "no") }

// isAnyOf returns a function that reports whether a value is one of words, ignoring case. The
// words are in lower case.
func isAnyOf(words ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(words, strings.ToLower(v)) }
}

func allowsProtocol1(v string) bool { return slices.Contains(strings.Split(v, ","), "1") }

func isLongGraceTime(v string) bool {
	n, ok := parseSeconds(v)
	return ok && (n == 0 || n > 120)
}

func numberOver(limit int) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && n > limit
	}
}

// parseSeconds reads a time of sshd_config(5): "90", "2m", "1h30m".
func parseSeconds(v string) (total int, ok bool) {
	n, digits := 0, false
	for _, c := range strings.ToLower(v) {
		unit := map[rune]int{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800}[c]
		switch {
		case c >= '0' && c <= '9' && n < 1<<20:
			n, digits = n*10+int(c-'0'), true
		case unit > 0 && digits:
			total, n, digits = total+n*unit, 0, false
		default:
			return 0, false
		}
	}
	return total + n, v != ""
}

// containsAlgorithm returns a function that reports whether a list of algorithms contains a weak one.
// A list that begins with "-" removes algorithms from the default.
func containsAlgorithm(weak ...string) func(string) bool {
	return func(v string) bool {
		if strings.HasPrefix(v, "-") {
			return false
		}
		return slices.ContainsFunc(strings.Split(strings.TrimLeft(v, "+^"), ","), func(name string) bool { return slices.Contains(weak, name) })
	}
}

// judge judges the first value outside of Match blocks, which is the one in force, and every value in
// a Match block.
func (s sshRule) judge(i analyze.Image) verdict {
	files, unread := configsOfKinds(i, kindSSHServer)
	main := slices.IndexFunc(files, func(c plimsoll.ConfigFile) bool { return c.Path == "etc/ssh/sshd_config" })
	if main < 0 {
		return newVerdict(nil, unread, false)
	}
	var found []string
	set := false
	for _, l := range sshLines(files, main) {
		if l.line.Key != strings.ToLower(s.keyword) || l.line.Scope == "" && set {
			continue
		}
		set = set || l.line.Scope == ""
		if value := argAt(l.line, 0); s.bad(value) {
			found = append(found, evidenceAt(l.file, l.line, strings.TrimSuffix(s.keyword+" "+value+" ("+l.line.Scope+")", " ()")))
		}
	}
	if !set && s.bad(s.defaultValue) {
		found = append(found, fmt.Sprintf("etc/ssh/sshd_config: %s is not set, the default is %s", s.keyword, s.defaultValue))
	}
	return newVerdict(found, unread, true)
}

// sshLine is a line and the file that contains it.
type sshLine struct {
	file plimsoll.ConfigFile
	line plimsoll.ConfigLine
}

// sshLines returns the lines of the main file, with the lines of included files in place of Include.
func sshLines(files []plimsoll.ConfigFile, main int) []sshLine {
	var lines []sshLine
	for _, l := range files[main].Lines {
		if l.Key != "include" {
			lines = append(lines, sshLine{files[main], l})
			continue
		}
		for _, pattern := range l.Args {
			for n, f := range files {
				name := "/" + f.Path
				if !strings.HasPrefix(pattern, "/") {
					name = strings.TrimPrefix(name, "/etc/ssh/")
				}
				if ok, err := path.Match(pattern, name); err != nil || !ok || n == main {
					continue
				}
				for _, inner := range f.Lines {
					inner.Scope = cmp.Or(inner.Scope, l.Scope)
					lines = append(lines, sshLine{f, inner})
				}
			}
		}
	}
	return lines
}

// sshFileRules are the rules about the client's settings, keys and permissions.
var sshFileRules = []rule{
	{
		id: "ssh.client_host_check", title: "The SSH client accepts any host", severity: medium,
		description: "Looks at StrictHostKeyChecking in /etc/ssh/ssh_config and .ssh/config of any account. Fails if it is no or off. Does not apply to an image without those files.",
		advice:      "Put the keys of known hosts into the image and remove the setting.", references: []string{"ssh_config(5)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			v := strings.ToLower(argAt(l, 0))
			return textIf(l.Key == "stricthostkeychecking" && (v == "no" || v == "off"), "StrictHostKeyChecking "+v)
		}), kindSSHClient),
	},
	{
		id: "ssh.host_key", title: "A host key of SSH comes with the image", severity: high, protection: true,
		description: "Looks for private keys /etc/ssh/ssh_host_*_key. Fails if there is one: every container has the same identity, and whoever can pull the image can impersonate it. Does not apply to an image without such files.",
		advice:      "Delete the keys in the build step that installs the server, and make them when the container starts (ssh-keygen -A).",
		references:  []string{"sshd(8)", "ssh-keygen(1)"},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			if len(c.Lines) == 0 {
				return nil
			}
			return []string{printableText(c.Path) + " is a private key"}
		}, kindHostKey),
	},
	{
		id: "ssh.config_mode", title: "The settings of SSH can be changed by others", severity: high, protection: true,
		description: "Looks at the permissions and owner of /etc/ssh/sshd_config. Fails if group or others may write, or if the owner is not root. Does not apply to an image without that file.",
		advice:      "chown root:root and chmod 600 the file.", references: []string{sshConfigManual},
		judge: judgeModesAt(isOneOf("etc/ssh/sshd_config"), func(m plimsoll.FileMode) bool { return m.Mode&0o022 != 0 || m.UID != 0 }),
	},
	{
		id: "ssh.host_key_mode", title: "A host key of SSH can be read by others", severity: high, protection: true,
		description: "Looks at the permissions of /etc/ssh/ssh_host_*_key. Fails if others may read one, or the group may write. Does not apply to an image without such files.",
		advice:      "chmod 600 the files, or better: see ssh.host_key.", references: []string{"sshd(8)"},
		judge: judgeModesAt(func(p string) bool { return kindOf(p) == kindHostKey }, func(m plimsoll.FileMode) bool { return m.Mode&0o026 != 0 }),
	},
}
