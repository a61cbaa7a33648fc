package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// maxEvidence bounds what one setting lists.
const maxEvidence = 20

// check is one row of the table below.
type check struct {
	id       string
	title    string
	severity plimsoll.Severity
	advice   string
	judge    func(analyze.Image) (plimsoll.SettingResult, []string)
}

// ID implements analyze.Check.
func (c check) ID() string { return c.id }

// Run implements analyze.Check.
func (c check) Run(i analyze.Image) plimsoll.Setting {
	result, evidence := c.judge(i)
	if extra := len(evidence) - maxEvidence; extra > 0 {
		evidence = append(slices.Clip(evidence[:maxEvidence-1]), fmt.Sprintf("and %d more", extra+1))
	}
	return plimsoll.Setting{
		Rule: c.id, Title: c.title, Severity: c.severity, Advice: c.advice, Result: result, Evidence: evidence,
	}
}

// Checks returns the baseline checks.
func Checks() []analyze.Check {
	return []analyze.Check{
		check{
			"image.user", "The image runs as root", plimsoll.SeverityMedium,
			"Name a user other than root with USER in the build file, so that a process that is taken over does not own the container.",
			imageUser,
		},
		check{
			"account.empty_password", "An account needs no password", plimsoll.SeverityHigh,
			"Lock the account (passwd -l) or give it a password; field 2 of /etc/shadow must not be empty.",
			emptyPassword,
		},
		check{
			"account.extra_root", "An account besides root has user id 0", plimsoll.SeverityHigh,
			"Remove the account or give it a user id of its own.",
			extraRoot,
		},
		check{
			"file.world_writable", "Files can be changed by every user", plimsoll.SeverityMedium,
			"Take the write permission for others away (chmod o-w).",
			worldWritableFiles,
		},
		check{
			"file.setuid_unknown", "Set-uid programs that are not part of a distribution", plimsoll.SeverityMedium,
			"Take the set-uid bit away (chmod u-s), or remove the program if it is not needed.",
			unknownSetUID,
		},
	}
}

// imageUser: a name other than root may still have user id 0; account.extra_root tells.
func imageUser(i analyze.Image) (plimsoll.SettingResult, []string) {
	if i.Config == nil {
		return plimsoll.SettingNotLooked, nil
	}
	user, _, _ := strings.Cut(i.Config.User, ":")
	switch user = strings.TrimSpace(user); {
	case user == "":
		return plimsoll.SettingFailed, []string{"no USER is set"}
	case user == "root", strings.Trim(user, "0") == "":
		return plimsoll.SettingFailed, []string{"USER " + printable(i.Config.User)}
	}
	return plimsoll.SettingPass, nil
}

// emptyPassword: an empty field in passwd counts too, because then shadow is not asked.
func emptyPassword(i analyze.Image) (plimsoll.SettingResult, []string) {
	return judgeAccounts(i, []string{PasswdPath, ShadowPath}, func(f plimsoll.AccountFile) []string {
		var found []string
		for _, a := range f.Accounts {
			if a.EmptyPassword {
				found = append(found, fmt.Sprintf("%s: %s has an empty password", f.Path, printable(a.Name)))
			}
		}
		return found
	})
}

func extraRoot(i analyze.Image) (plimsoll.SettingResult, []string) {
	return judgeAccounts(i, []string{PasswdPath}, func(f plimsoll.AccountFile) []string {
		var found []string
		for _, a := range f.Accounts {
			if a.UID == 0 && a.Name != "root" {
				found = append(found, fmt.Sprintf("%s: %s has user id 0", f.Path, printable(a.Name)))
			}
		}
		return found
	})
}

// judgeAccounts applies f to the account files at paths: failed if anything was found, not
// looked if a file could not be read whole, not applicable if there is none.
func judgeAccounts(i analyze.Image, paths []string, f func(plimsoll.AccountFile) []string) (plimsoll.SettingResult, []string) {
	var found []string
	seen := 0
	for _, file := range i.Accounts {
		if slices.Contains(paths, file.Path) {
			seen++
			found = append(found, f(file)...)
		}
	}
	unread := failures(i, func(path string) bool { return slices.Contains(paths, path) })
	switch {
	case len(found) > 0:
		return plimsoll.SettingFailed, found
	case len(unread) > 0:
		return plimsoll.SettingNotLooked, unread
	case seen == 0:
		return plimsoll.SettingNotApplicable, nil
	}
	return plimsoll.SettingPass, nil
}

// worldWritableFiles: directories without the sticky bit are kept as facts for later rules.
func worldWritableFiles(i analyze.Image) (plimsoll.SettingResult, []string) {
	return judgeModes(i, func(m plimsoll.FileMode) bool {
		return !m.Dir && m.Mode&worldWritable != 0 && !scratch(m.Path)
	})
}

func unknownSetUID(i analyze.Image) (plimsoll.SettingResult, []string) {
	return judgeModes(i, func(m plimsoll.FileMode) bool {
		return !m.Dir && m.Mode&setUID != 0 && !ordinarySetUID(m.Path)
	})
}

func judgeModes(i analyze.Image, bad func(plimsoll.FileMode) bool) (plimsoll.SettingResult, []string) {
	var found []string
	for _, m := range i.Modes {
		if bad(m) {
			found = append(found, fmt.Sprintf("%04o %s", m.Mode, printable(m.Path)))
		}
	}
	if len(found) > 0 {
		return plimsoll.SettingFailed, found
	}
	// Mode bits come from headers; only a failure without a path is about them.
	if unread := failures(i, func(path string) bool { return path == "" }); len(unread) > 0 {
		return plimsoll.SettingNotLooked, unread
	}
	return plimsoll.SettingPass, nil
}

func failures(i analyze.Image, about func(path string) bool) []string {
	var list []string
	for _, f := range i.Failures {
		if about(f.Path) {
			list = append(list, strings.TrimPrefix(printable(f.Path)+": ", ": ")+printable(f.Detail))
		}
	}
	return list
}

// printable makes text from an image fit for a terminal, and bounds it.
func printable(s string) string {
	quoted := fmt.Sprintf("%.512q", s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
