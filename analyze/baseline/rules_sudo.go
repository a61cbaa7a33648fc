package baseline

import (
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const sudoApplies = " Looks at /etc/sudoers and the files of /etc/sudoers.d. Does not apply to an image without them."

var sudoReferences = []string{"sudoers(5)"}

var sudoRules = []rule{
	{
		id: "sudo.all_without_password", title: "sudo makes an account root without a password", severity: high, protection: true,
		description: "Fails if somebody other than root may run ALL commands with NOPASSWD." + sudoApplies,
		advice:      "Take sudo out of the image, or name the commands that are needed.", references: sudoReferences,
		judge: judgeGrants(func(g sudoGrant) bool { return g.all && g.hasTag("NOPASSWD") }),
	},
	{
		id: "sudo.without_password", title: "sudo runs commands without a password", severity: medium, protection: true,
		description: "Fails if somebody other than root may run named commands with NOPASSWD." + sudoApplies,
		advice:      "Remove NOPASSWD, or run the command as the user it needs from the start.", references: sudoReferences,
		judge: judgeGrants(func(g sudoGrant) bool { return !g.all && g.hasTag("NOPASSWD") }),
	},
	{
		id: "sudo.everybody", title: "sudo is open to every account", severity: high, protection: true,
		description: "Fails if the user ALL is granted anything." + sudoApplies,
		advice:      "Name the account or group.", references: sudoReferences,
		judge: judgeGrants(func(g sudoGrant) bool { return g.user == "ALL" }),
	},
	{
		id: "sudo.wildcard", title: "sudo allows commands with wildcards in their arguments", severity: medium,
		description: "Fails if the arguments of an allowed command contain *, ? or [, which also match spaces and further options." + sudoApplies,
		advice:      "Spell out the arguments, or allow a script that checks them.", references: sudoReferences,
		judge: judgeGrants(func(g sudoGrant) bool { return strings.HasSuffix(g.command, " *") }),
	},
	{
		id: "sudo.shell", title: "sudo allows a program that opens a shell", severity: medium, protection: true,
		description: "Fails if an allowed command is a shell, an interpreter, an editor, a pager or find, tar, awk, env and the like, which start other programs." + sudoApplies,
		advice:      "Allow programs that do one thing, or add NOEXEC.", references: sudoReferences,
		judge: judgeGrants(func(g sudoGrant) bool { return opensShell(g.command) && !g.hasTag("NOEXEC") }),
	},
	{
		id: "sudo.no_authentication", title: "sudo asks nobody for a password", severity: high, protection: true,
		description: "Fails for Defaults !authenticate." + sudoApplies,
		advice:      "Remove the setting.", references: sudoReferences,
		judge: judgeDefaults(func(s string) bool { return s == "!authenticate" }),
	},
	{
		id: "sudo.environment", title: "sudo keeps the caller's environment", severity: medium, protection: true,
		description: "Fails for Defaults !env_reset, setenv, or env_keep with LD_, PYTHON, PERL, BASH_ENV, ENV, IFS or PATH." + sudoApplies,
		advice:      "Remove the setting; keep single variables that are harmless.", references: sudoReferences,
		judge: judgeDefaults(keepsEnvironment),
	},
	{
		id: "sudo.visible_password", title: "sudo shows the password that is typed", severity: low, protection: true,
		description: "Fails for Defaults visiblepw." + sudoApplies,
		advice:      "Remove the setting.", references: sudoReferences,
		judge: judgeDefaults(func(s string) bool { return s == "visiblepw" }),
	},
	{
		id: "sudo.timestamp", title: "sudo remembers a password for long", severity: low, protection: true,
		description: "Fails for Defaults timestamp_timeout under 0 or over 15 minutes." + sudoApplies,
		advice:      "Set timestamp_timeout to 5.", references: sudoReferences,
		judge: judgeDefaults(func(s string) bool {
			name, value, ok := strings.Cut(s, "=")
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return ok && strings.TrimSpace(name) == "timestamp_timeout" && err == nil && (n < 0 || n > 15)
		}),
	},
	{
		id: "sudo.file_mode", title: "The rules of sudo can be changed by others", severity: high, protection: true,
		description: "Looks at permissions and owners of the files. Fails if group or others may write, or the owner is not root." + sudoApplies,
		advice:      "chown root:root and chmod 440 the files.", references: sudoReferences,
		judge: judgeModesAt(func(p string) bool { return p == "etc/sudoers" || strings.HasPrefix(p, "etc/sudoers.d/") }, func(m plimsoll.FileMode) bool {
			return !m.Dir && (m.Mode&0o022 != 0 || m.UID != 0)
		}),
	},
}

// sudoGrant is a command that a user may run.
type sudoGrant struct {
	user, tags, command string
	all                 bool
}

func (g sudoGrant) hasTag(name string) bool { return slices.Contains(strings.Split(g.tags, ","), name) }

// judgeGrants judges the commands that sudo allows users other than root. A command alias is replaced
// by its commands; aliases within it are not.
func judgeGrants(bad func(sudoGrant) bool) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		aliases := map[string][]string{}
		files, _ := configsOfKinds(i, kindSudoers)
		for _, c := range files {
			for _, l := range c.Lines {
				if l.Key == "alias" && l.Scope == "Cmnd_Alias" && len(l.Args) > 0 {
					aliases[l.Args[0]] = l.Args[1:]
				}
			}
		}
		return judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			if l.Key != "grant" || l.Scope == "root" || l.Scope == "#0" {
				return ""
			}
			list := append(slices.Clone(aliases[argAt(l, 2)]), argAt(l, 2))
			for _, command := range list {
				g := sudoGrant{l.Scope, argAt(l, 1), command, command == "ALL"}
				if bad(g) {
					return strings.TrimSpace(g.user + " may run " + command + " " + strings.ReplaceAll(g.tags, ",", " "))
				}
			}
			return ""
		}), kindSudoers)(i)
	}
}

func opensShell(command string) bool {
	name, _, _ := strings.Cut(command, " ")
	name = name[strings.LastIndexByte(name, '/')+1:]
	return isLoginShell("/"+name) || slices.Contains([]string{
		"su", "env", "find", "awk", "gawk", "mawk", "sed", "tar", "zip", "vi", "vim", "vim.basic", "view", "nano", "emacs", "ed", "less", "more", "man",
		"python", "python2", "python3", "perl", "ruby", "node", "php", "lua", "expect", "docker", "nsenter", "chroot", "unshare", "git", "make", "gdb", "strace", "rsync", "xargs", "tee", "dd", "cp", "mv", "ssh", "screen", "tmux",
	}, name)
}

func judgeDefaults(bad func(string) bool) func(analyze.Image) verdict {
	return judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
		return textIf(l.Key == "defaults" && bad(argAt(l, 0)), "Defaults"+l.Scope+" "+argAt(l, 0))
	}), kindSudoers)
}

func keepsEnvironment(s string) bool {
	if s == "!env_reset" || s == "setenv" {
		return true
	}
	name, value, ok := strings.Cut(s, "=")
	name = strings.TrimRight(name, " +-")
	if !ok || name != "env_keep" || strings.Contains(s, "-=") {
		return false
	}
	for v := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
		if strings.HasPrefix(v, "LD_") || strings.HasPrefix(v, "PYTHON") || strings.HasPrefix(v, "PERL") ||
			slices.Contains([]string{"BASH_ENV", "ENV", "IFS", "PATH", "*"}, v) {
			return true
		}
	}
	return false
}
