package plimsoll

import (
	"slices"
	"strconv"
	"strings"
)

// SoftwareRule forbids packages in the images of a project.
type SoftwareRule struct {
	Name     string   `json:"name"`             // shown in lists: "netcat"
	Packages []string `json:"packages"`         // names, exact; a name that ends in "*" is a prefix
	Kind     SetKind  `json:"kind,omitempty"`   // packages of the operating system or of languages; "" = both
	Reason   string   `json:"reason,omitempty"` // for people
}

// Bounds of a policy.
const (
	MaxSoftwareRules    = 300
	maxSoftwarePackages = 100 // of one rule
	maxSoftwareText     = 256 // bytes of a name or a reason
)

// ForbiddenSoftware is a package that a policy forbids, at one place of an image.
type ForbiddenSoftware struct {
	Rule     string   `json:"rule"`
	Reason   string   `json:"reason,omitempty"`
	Package  Package  `json:"package"`
	Layer    Digest   `json:"layer,omitempty"` // diff ID
	Path     string   `json:"path"`            // of the file that names the package
	Platform Platform `json:"platform,omitzero"`
}

// DefaultSoftwarePolicy is the policy of a new project: programs that an application does not
// need at run time and that help an intruder.
func DefaultSoftwarePolicy() []SoftwareRule {
	os := func(name, reason string, packages ...string) SoftwareRule {
		return SoftwareRule{Name: name, Packages: packages, Kind: SetOS, Reason: reason}
	}
	return []SoftwareRule{
		os("netcat", "opens connections and shells for anybody", "netcat", "netcat-openbsd", "netcat-traditional", "ncat", "nmap-ncat", "nc", "socat"),
		os("nmap", "scans networks", "nmap", "masscan", "zmap", "hping3", "arp-scan"),
		os("packet capture", "reads other programs' traffic", "tcpdump", "wireshark", "wireshark-cli", "tshark", "ettercap-*", "dsniff"),
		os("compiler", "builds programs in place", slices.Concat(releases("gcc-", "g++-", "clang-"),
			[]string{"gcc", "g++", "clang", "gcc-c++", "tcc", "golang", "golang-go", "go", "rustc", "rust"})...),
		os("debugger", "reads and changes running programs", "gdb", "gdb-headless", "gdbserver", "strace", "ltrace", "lldb", "valgrind"),
		os("telnet", "sends passwords in clear", "telnet", "telnetd", "telnet-server", "inetutils-telnet", "inetutils-telnetd", "rsh-client", "rsh-server", "rsh"),
		os("FTP server", "sends passwords in clear", "vsftpd", "proftpd", "proftpd-core", "pure-ftpd", "tftpd-hpa", "tftp-server"),
		os("miner", "uses the machine for somebody else", "xmrig", "cpuminer", "minerd", "ethminer", "cgminer", "bfgminer"),
		os("password cracker", "guesses passwords", "john", "hashcat", "hydra", "medusa", "ncrack"),
		os("attack tools", "breaks into systems", "metasploit-framework", "sqlmap", "nikto", "aircrack-ng", "responder", "proxychains*"),
	}
}

// releases names packages by the major versions that distributions ship: not gcc-14-base,
// which every Debian image has and which contains no compiler.
func releases(prefixes ...string) []string {
	var names []string
	for _, p := range prefixes {
		for major := 7; major <= 22; major++ {
			names = append(names, p+strconv.Itoa(major))
		}
	}
	return names
}

// ValidateSoftwarePolicy checks the bounds and shapes of a policy.
func ValidateSoftwarePolicy(rules []SoftwareRule) error {
	if len(rules) > MaxSoftwareRules {
		return Errorf(Invalid, "%d rules, at most %d are possible", len(rules), MaxSoftwareRules)
	}
	names := map[string]bool{}
	for _, r := range rules {
		switch {
		case r.Name == "" || len(r.Name) > maxSoftwareText || len(r.Reason) > maxSoftwareText:
			return Errorf(Invalid, "name or reason of rule %.40q is empty or longer than %d bytes", r.Name, maxSoftwareText)
		case names[r.Name]:
			return Errorf(Invalid, "rule %.40q comes twice", r.Name)
		case len(r.Packages) == 0 || len(r.Packages) > maxSoftwarePackages:
			return Errorf(Invalid, "rule %.40q names %d packages, 1 to %d are possible", r.Name, len(r.Packages), maxSoftwarePackages)
		case r.Kind != "" && r.Kind != SetOS && r.Kind != SetLanguage:
			return Errorf(Invalid, "rule %.40q has the kind %.40q", r.Name, r.Kind)
		}
		names[r.Name] = true
		for _, p := range r.Packages {
			if star := strings.IndexByte(p, '*'); p == "" || p == "*" || len(p) > maxSoftwareText || star >= 0 && star < len(p)-1 {
				return Errorf(Invalid, "rule %.40q names the package %.40q: only its last character may be *", r.Name, p)
			}
		}
	}
	return nil
}

// Forbids returns the first rule that forbids a package of a set.
func Forbids(rules []SoftwareRule, kind SetKind, p Package) (SoftwareRule, bool) {
	at := slices.IndexFunc(rules, func(r SoftwareRule) bool {
		return (r.Kind == "" || r.Kind == kind) && slices.ContainsFunc(r.Packages, func(name string) bool { return named(name, p.Name) })
	})
	if at < 0 {
		return SoftwareRule{}, false
	}
	return rules[at], true
}

// named compares without regard to case.
func named(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
	}
	return strings.EqualFold(pattern, name)
}
