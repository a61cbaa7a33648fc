package baseline

import (
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const (
	pamApplies         = " Looks at the files of /etc/pam.d. Does not apply to an image without them."
	pamPasswordApplies = " Looks at the files of /etc/pam.d. Does not apply to an image without them, or in which no account has a password."
)

var pamRules = []rule{
	{
		id: "pam.empty_passwords", title: "PAM lets accounts without password in", severity: low, protection: true,
		description: "Fails if pam_unix is given nullok for authentication while an account has an empty password. Does not apply unless there are PAM files and an account without password.",
		advice:      "Lock the account and remove nullok.", references: []string{"pam_unix(8)"}, judge: judgeNullok,
	},
	{
		id: "pam.weak_hash", title: "PAM keeps passwords with a weak algorithm", severity: high, protection: true,
		description: "Fails if pam_unix is given md5, bigcrypt or nothing but shadow for new passwords." + pamApplies,
		advice:      "Use yescrypt or sha512.", references: []string{"pam_unix(8)"},
		judge: judgeModules("password", "pam_unix.so", func(args []string) string {
			for _, weak := range [...]string{"md5", "bigcrypt"} {
				if slices.Contains(args, weak) {
					return "pam_unix.so " + weak
				}
			}
			return ""
		}),
	},
	{
		id: "pam.rhosts", title: "PAM trusts other hosts", severity: high, protection: true,
		description: "Fails if a service uses pam_rhosts." + pamApplies,
		advice:      "Remove the line.", references: []string{"pam_rhosts(8)"},
		judge: judgeModules("auth", "pam_rhosts.so", func([]string) string { return "pam_rhosts.so" }),
	},
	{
		id: "pam.permit", title: "PAM lets everybody in", severity: critical, protection: true,
		description: "Fails if pam_permit is sufficient for authentication, or the one module a service asks." + pamApplies,
		advice:      "Remove the line.", references: []string{"pam_permit(8)"}, judge: judgePermit,
	},
	{
		id: "pam.lockout", title: "Passwords can be tried without end", severity: low, protection: true,
		description: "Fails if no service uses pam_faillock or pam_tally2." + pamPasswordApplies,
		advice:      "Add pam_faillock with deny=5.", references: []string{"pam_faillock(8)"},
		judge: requireModule("auth", "pam_faillock.so or pam_tally2.so is not used", "pam_faillock.so", "pam_tally2.so", "pam_tally.so"),
	},
	{
		id: "pam.reuse", title: "Old passwords can be used again", severity: low, protection: true,
		description: "Fails if no service uses pam_pwhistory, or pam_unix with remember, for new passwords." + pamPasswordApplies,
		advice:      "Add pam_pwhistory with remember=5.", references: []string{"pam_pwhistory(8)"}, judge: judgePasswordReuse,
	},
	{
		id: "pam.su", title: "Everybody may try su", severity: low, protection: true,
		description: "Fails if /etc/pam.d/su does not ask pam_wheel. Does not apply to an image without that file, or in which no account has a password.",
		advice:      "Add \"auth required pam_wheel.so\".", references: []string{"pam_wheel(8)"}, judge: judgeSuWheel,
	},
}

// judgeModules judges the lines of one type (auth, password, …) that use a module. f gets the
// module's arguments and returns the evidence against the line.
func judgeModules(kind, module string, f func([]string) string) func(analyze.Image) verdict {
	return judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
		if l.Key != kind || argAt(l, 1) != module {
			return ""
		}
		return f(l.Args[2:])
	}), kindPAM)
}

func judgeNullok(i analyze.Image) verdict {
	_, unread := configsOfKinds(i, kindPAM)
	for _, file := range i.Accounts {
		for _, a := range file.Accounts {
			if a.EmptyPassword {
				return judgeModules("auth", "pam_unix.so", func(args []string) string {
					return textIf(slices.Contains(args, "nullok"), "pam_unix.so nullok, and "+printableText(a.Name)+" has no password")
				})(i)
			}
		}
	}
	return newVerdict(nil, unread, false)
}

func judgePermit(i analyze.Image) verdict {
	return judgeConfigs(func(c plimsoll.ConfigFile) []string {
		var found []string
		var asked []plimsoll.ConfigLine
		for _, l := range c.Lines {
			if l.Key == "auth" || l.Key == "include" && (l.Scope == "" || l.Scope == "auth") {
				asked = append(asked, l)
			}
			if l.Key == "auth" && argAt(l, 0) == "sufficient" && argAt(l, 1) == "pam_permit.so" {
				found = append(found, evidenceAt(c, l, "auth sufficient pam_permit.so"))
			}
		}
		if len(asked) == 1 && argAt(asked[0], 1) == "pam_permit.so" && len(found) == 0 {
			found = append(found, evidenceAt(c, asked[0], "auth asks pam_permit.so alone"))
		}
		return found
	}, kindPAM)(i)
}

// requireModule fails with text if no service uses one of the modules for a type.
func requireModule(kind, text string, names ...string) func(analyze.Image) verdict {
	return judgePAM(func(files []plimsoll.ConfigFile) []string {
		for _, c := range files {
			for _, l := range c.Lines {
				if l.Key == kind && slices.Contains(names, argAt(l, 1)) {
					return nil
				}
			}
		}
		return []string{text}
	})
}

// judgePAM judges the files of all services together. The rule does not apply to an image without
// passwords.
func judgePAM(f func([]plimsoll.ConfigFile) []string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		files, unread := configsOfKinds(i, kindPAM)
		if len(files) == 0 || !hasPasswords(i) || len(unread) > 0 {
			return newVerdict(nil, unread, false)
		}
		return newVerdict(f(files), nil, true)
	}
}

func judgePasswordReuse(i analyze.Image) verdict {
	return judgePAM(func(files []plimsoll.ConfigFile) []string {
		for _, c := range files {
			for _, l := range c.Lines {
				remembers := slices.ContainsFunc(l.Args, func(a string) bool { return strings.HasPrefix(a, "remember=") && a != "remember=0" })
				if l.Key == "password" && (argAt(l, 1) == "pam_pwhistory.so" || remembers) {
					return nil
				}
			}
		}
		return []string{"no module remembers old passwords"}
	})(i)
}

func judgeSuWheel(i analyze.Image) verdict {
	files, unread := configsOfKinds(i, kindPAM)
	for _, c := range files {
		if c.Path != "etc/pam.d/su" || !hasPasswords(i) {
			continue
		}
		for _, l := range c.Lines {
			if l.Key == "auth" && argAt(l, 1) == "pam_wheel.so" && (argAt(l, 0) == "required" || argAt(l, 0) == "requisite") {
				return newVerdict(nil, unread, true)
			}
		}
		return newVerdict([]string{"etc/pam.d/su: pam_wheel.so is not required"}, unread, true)
	}
	return newVerdict(nil, unread, false)
}
