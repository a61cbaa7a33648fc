package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const passwdManuals = "passwd(5), shadow(5)"

const accountApplies = " Does not apply to an image without that file."

var accountRules = []rule{
	{
		id: "account.empty_password", title: "An account needs no password", severity: high, protection: true,
		description: "Looks at field 2 of /etc/shadow and /etc/passwd. Fails if it is empty; an empty field in passwd counts too, because then shadow is not asked." + accountApplies,
		advice:      "Lock the account (passwd -l) or give it a password; field 2 of /etc/shadow must not be empty.",
		references:  []string{passwdManuals}, judge: judgeEmptyPasswords,
	},
	{
		id: "account.extra_root", title: "An account besides root has user id 0", severity: high, protection: true,
		description: "Looks at /etc/passwd. Fails if an account with another name has user id 0." + accountApplies,
		advice:      "Remove the account or give it a user id of its own.",
		references:  []string{passwdManuals}, judge: judgeExtraRoot,
	},
	{
		id: "account.duplicate_uid", title: "Accounts share a user id", severity: medium, protection: true,
		description: "Looks at /etc/passwd. Fails if two accounts have one user id: files and traces of one are those of the other." + accountApplies,
		advice:      "Give each account a user id of its own.",
		references:  []string{passwdManuals}, judge: judgeDuplicateAccounts(PasswdPath, "user id", func(a plimsoll.Account) string { return fmt.Sprint(a.UID) }),
	},
	{
		id: "account.duplicate_name", title: "An account is listed twice", severity: medium, protection: true,
		description: "Looks at the names in /etc/passwd. Fails if one occurs twice: the first line wins, whatever the second says." + accountApplies,
		advice:      "Remove the line that is not meant.",
		references:  []string{passwdManuals}, judge: judgeDuplicateAccounts(PasswdPath, "name", func(a plimsoll.Account) string { return a.Name }),
	},
	{
		id: "account.legacy_entry", title: "An account database brings in accounts of a network service", severity: high, protection: true,
		description: "Looks at /etc/passwd, shadow, group and gshadow. Fails for lines that begin with \"+\" or \"-\", which a C library in compat mode replaces with accounts from NIS." + accountApplies,
		advice:      "Remove the lines.",
		references:  []string{"nsswitch.conf(5)"}, judge: judgeLegacyEntries,
	},
	{
		id: "account.missing_group", title: "The group of an account does not exist", severity: low, protection: true,
		description: "Fails if the group id of an account in /etc/passwd is not in /etc/group: whoever makes a group with that id later gets the account's files. Does not apply unless there are both files.",
		advice:      "Make the group, or give the account one that exists.",
		references:  []string{passwdManuals, "group(5)"}, judge: judgeMissingGroups,
	},
	{
		id: "account.root_group", title: "The group of root is not group 0", severity: medium, protection: true,
		description: "Looks at root in /etc/passwd. Fails if its group id is not 0: files that root makes belong to a group with other members." + accountApplies,
		advice:      "Set the group id of root to 0.",
		references:  []string{passwdManuals}, judge: judgeRootGroup,
	},
	{
		id: "account.group_zero", title: "An account other than root has group 0", severity: medium, protection: true,
		description: "Looks at /etc/passwd. Fails if the group id of an account is 0, but for root and the accounts sync, shutdown, halt and operator of old systems when they cannot log in." + accountApplies,
		advice:      "Give the account a group of its own.",
		references:  []string{passwdManuals}, judge: judgeGroupZero,
	},
	{
		id: "account.system_shell", title: "A system account has a login shell", severity: low, protection: true,
		description: "Looks at accounts with user ids 1 to 999 in /etc/passwd. Fails if one has a shell such as /bin/sh." + accountApplies,
		advice:      "Set the shell to /usr/sbin/nologin unless somebody must become this account.",
		references:  []string{passwdManuals, "nologin(8)"}, judge: judgeSystemShells,
	},
	{
		id: "account.numeric_name", title: "The name of an account is a number", severity: low,
		description: "Looks at /etc/passwd. Fails for a name of digits alone, which programs take for a user id, or one that begins with \"-\", which they take for an option." + accountApplies,
		advice:      "Rename the account.",
		references:  []string{"useradd(8)"}, judge: judgeNumericNames,
	},
	{
		id: "account.root_home", title: "An account has the home directory of root", severity: medium,
		description: "Looks at /etc/passwd. Fails if an account other than root has the home /root, or / with a login shell." + accountApplies,
		advice:      "Give the account a home of its own.",
		references:  []string{passwdManuals}, judge: judgeRootHome,
	},
	{
		id: "account.orphan_shadow", title: "A password belongs to no account", severity: low,
		description: "Fails if /etc/shadow has a password for a name that is not in /etc/passwd: an account of that name gets it. Does not apply unless there are both files.",
		advice:      "Remove the line from /etc/shadow.",
		references:  []string{passwdManuals}, judge: judgeOrphanShadow,
	},
}

// judgeAccountFiles calls f with the account databases at paths, by path. The rule does not apply
// if one of need is missing, if all of paths are, or if the second result of f is false.
func judgeAccountFiles(i analyze.Image, need, paths []string, f func(map[string]plimsoll.AccountFile) ([]string, bool)) verdict {
	files := map[string]plimsoll.AccountFile{}
	for _, file := range i.Accounts {
		if slices.Contains(paths, file.Path) {
			files[file.Path] = file
		}
	}
	unread := failureTexts(i, func(path string) bool { return slices.Contains(paths, path) })
	applies := len(files) > 0
	for _, path := range need {
		if _, ok := files[path]; !ok {
			return newVerdict(nil, unread, false)
		}
	}
	found, more := f(files)
	return newVerdict(found, unread, applies && more)
}

// judgeAccounts judges the accounts of one database. f returns the evidence against an account.
func judgeAccounts(path string, f func(plimsoll.Account) string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeAccountFiles(i, []string{path}, []string{path}, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
			var found []string
			for _, a := range files[path].Accounts {
				if text := f(a); text != "" {
					found = append(found, fmt.Sprintf("%s: %s %s", path, printableText(a.Name), text))
				}
			}
			return found, true
		})
	}
}

func judgeEmptyPasswords(i analyze.Image) verdict {
	return judgeAccountFiles(i, nil, []string{PasswdPath, ShadowPath}, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		var found []string
		for _, path := range [...]string{PasswdPath, ShadowPath} {
			for _, a := range files[path].Accounts {
				if a.EmptyPassword {
					found = append(found, fmt.Sprintf("%s: %s has an empty password", path, printableText(a.Name)))
				}
			}
		}
		return found, true
	})
}

func judgeExtraRoot(i analyze.Image) verdict {
	return judgeAccounts(PasswdPath, func(a plimsoll.Account) string { return textIf(a.UID == 0 && a.Name != "root", "has user id 0") })(i)
}

func judgeDuplicateAccounts(path, what string, key func(plimsoll.Account) string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeAccountFiles(i, []string{path}, []string{path}, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
			names := map[string][]string{}
			var order []string
			for _, a := range files[path].Accounts {
				k := key(a)
				if names[k] == nil {
					order = append(order, k)
				}
				if len(names[k]) < maxEvidence {
					names[k] = append(names[k], printableText(a.Name))
				}
			}
			var found []string
			for _, k := range order {
				if len(names[k]) > 1 {
					found = append(found, fmt.Sprintf("%s: %s %s is that of %s", path, what, printableText(k), strings.Join(names[k], ", ")))
				}
			}
			return found, true
		})
	}
}

func judgeLegacyEntries(i analyze.Image) verdict {
	paths := []string{PasswdPath, ShadowPath, GroupPath, GShadowPath}
	return judgeAccountFiles(i, nil, paths, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		var found []string
		for _, path := range paths {
			if n := files[path].Legacy; n > 0 {
				found = append(found, fmt.Sprintf("%s: %d lines begin with + or -", path, n))
			}
		}
		return found, true
	})
}

func judgeMissingGroups(i analyze.Image) verdict {
	both := []string{PasswdPath, GroupPath}
	return judgeAccountFiles(i, both, both, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		groups := map[int64]bool{}
		for _, g := range files[GroupPath].Groups {
			groups[g.GID] = true
		}
		var found []string
		for _, a := range files[PasswdPath].Accounts {
			if !groups[a.GID] {
				found = append(found, fmt.Sprintf("%s: %s has group %d, which does not exist", PasswdPath, printableText(a.Name), a.GID))
			}
		}
		return found, true
	})
}

func judgeRootGroup(i analyze.Image) verdict {
	return judgeAccounts(PasswdPath, func(a plimsoll.Account) string {
		return textIf(a.Name == "root" && a.GID != 0, fmt.Sprintf("has group %d", a.GID))
	})(i)
}

func judgeGroupZero(i analyze.Image) verdict {
	return judgeAccounts(PasswdPath, func(a plimsoll.Account) string {
		old := slices.Contains([]string{"sync", "shutdown", "halt", "operator"}, a.Name) && !isLoginShell(a.Shell)
		return textIf(a.GID == 0 && a.Name != "root" && a.UID != 0 && !old, "has group 0")
	})(i)
}

func isLoginShell(shell string) bool {
	switch shell[strings.LastIndexByte(shell, '/')+1:] {
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "ksh93", "mksh", "csh", "tcsh", "fish", "rbash":
		return true
	default:
		return shell == "" // passwd(5): /bin/sh
	}
}

func judgeSystemShells(i analyze.Image) verdict {
	return judgeAccounts(PasswdPath, func(a plimsoll.Account) string {
		return textIf(a.UID > 0 && a.UID < 1000 && isLoginShell(a.Shell), "has the shell "+printableText(shellText(a)))
	})(i)
}

func shellText(a plimsoll.Account) string {
	if a.Shell == "" {
		return "/bin/sh (the default)"
	}
	return a.Shell
}

func judgeNumericNames(i analyze.Image) verdict {
	return judgeAccounts(PasswdPath, func(a plimsoll.Account) string {
		return textIf(strings.Trim(a.Name, "0123456789") == "" || a.Name[0] == '-', "is a number or an option")
	})(i)
}

func judgeRootHome(i analyze.Image) verdict {
	return judgeAccounts(PasswdPath, func(a plimsoll.Account) string {
		home := "/" + strings.Trim(a.Home, "/")
		bad := home == "/root" || home == "/" && isLoginShell(a.Shell)
		return textIf(bad && a.Name != "root" && !(a.Name == "operator" && !isLoginShell(a.Shell)), "has the home "+home)
	})(i)
}

func judgeOrphanShadow(i analyze.Image) verdict {
	both := []string{PasswdPath, ShadowPath}
	return judgeAccountFiles(i, both, both, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		known := map[string]bool{}
		for _, a := range files[PasswdPath].Accounts {
			known[a.Name] = true
		}
		var found []string
		for _, a := range files[ShadowPath].Accounts {
			if !known[a.Name] && (a.Scheme != "" || a.EmptyPassword) {
				found = append(found, fmt.Sprintf("%s: %s has a password and is no account", ShadowPath, printableText(a.Name)))
			}
		}
		return found, true
	})
}
