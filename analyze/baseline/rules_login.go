package baseline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const (
	loginApplies         = " Does not apply to an image without that file."
	loginPasswordApplies = " Does not apply to an image without that file, or in which no account has a password."
	loginDefsManual      = "login.defs(5)"
)

var loginRules = []rule{
	{
		id: "login.max_days", title: "New passwords never have to be changed", severity: low, protection: true,
		description: fmt.Sprintf("Looks at PASS_MAX_DAYS in /etc/login.defs. Fails if it is unset or over %d.", maxPasswordDays) + loginPasswordApplies,
		advice:      fmt.Sprintf("Set PASS_MAX_DAYS to %d or less.", maxPasswordDays), references: []string{loginDefsManual},
		judge: judgeLoginNumber("PASS_MAX_DAYS", true, func(n int) bool { return n > maxPasswordDays || n < 0 }),
	},
	{
		id: "login.min_days", title: "New passwords can be changed back at once", severity: low, protection: true,
		description: "Looks at PASS_MIN_DAYS in /etc/login.defs. Fails if it is unset or 0." + loginPasswordApplies,
		advice:      "Set PASS_MIN_DAYS to 1.", references: []string{loginDefsManual},
		judge: judgeLoginNumber("PASS_MIN_DAYS", true, func(n int) bool { return n < 1 }),
	},
	{
		id: "login.warn_days", title: "Nobody is warned before a new password expires", severity: low, protection: true,
		description: "Looks at PASS_WARN_AGE in /etc/login.defs. Fails if it is unset or under 7." + loginPasswordApplies,
		advice:      "Set PASS_WARN_AGE to 7.", references: []string{loginDefsManual},
		judge: judgeLoginNumber("PASS_WARN_AGE", true, func(n int) bool { return n < 7 }),
	},
	{
		id: "login.retries", title: "Passwords can be tried many times at a login", severity: low, protection: true,
		description: "Looks at LOGIN_RETRIES in /etc/login.defs. Fails if it is over 5; unset, the default is 3." + loginPasswordApplies,
		advice:      "Set LOGIN_RETRIES to 5 or less.", references: []string{loginDefsManual},
		judge: judgeLoginNumber("LOGIN_RETRIES", false, func(n int) bool { return n > 5 }),
	},
	{
		id: "login.encrypt_method", title: "New passwords are kept with a weak algorithm", severity: high, protection: true,
		description: "Looks at ENCRYPT_METHOD and MD5_CRYPT_ENAB in /etc/login.defs. Fails for DES and MD5." + loginApplies,
		advice:      "Set ENCRYPT_METHOD to YESCRYPT or SHA512 and remove MD5_CRYPT_ENAB.", references: []string{loginDefsManual, "crypt(5)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			value := strings.ToUpper(argAt(l, 0))
			weak := l.Key == "ENCRYPT_METHOD" && (value == "DES" || value == "MD5") || l.Key == "MD5_CRYPT_ENAB" && value == "YES"
			return textIf(weak, l.Key+" "+value)
		}), kindLoginDefs),
	},
	{
		id: "login.hash_rounds", title: "New passwords are hashed with few rounds", severity: medium, protection: true,
		description: "Looks at SHA_CRYPT_MIN_ROUNDS and SHA_CRYPT_MAX_ROUNDS in /etc/login.defs. Fails if one is set under 5000, the default." + loginApplies,
		advice:      "Remove the setting, or raise it.", references: []string{loginDefsManual},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			n, err := strconv.Atoi(argAt(l, 0))
			few := (l.Key == "SHA_CRYPT_MIN_ROUNDS" || l.Key == "SHA_CRYPT_MAX_ROUNDS") && err == nil && n < 5000
			return textIf(few, l.Key+" "+argAt(l, 0))
		}), kindLoginDefs),
	},
	{
		id: "login.umask", title: "Files of those who log in can be changed by others", severity: medium, protection: true,
		description: "Looks at UMASK in /etc/login.defs. Fails if it leaves write permission to others, or to the group without USERGROUPS_ENAB." + loginApplies,
		advice:      "Set UMASK to 027, or 022 at least.", references: []string{loginDefsManual, "umask(2)"}, judge: judgeLoginUmask,
	},
	{
		id: "login.uid_min", title: "New accounts get user ids of the system", severity: low,
		description: "Looks at UID_MIN in /etc/login.defs. Fails if it is under 500." + loginApplies,
		advice:      "Set UID_MIN to 1000.", references: []string{loginDefsManual},
		judge: judgeLoginNumber("UID_MIN", false, func(n int) bool { return n < 500 }),
	},
	{
		id: "login.open_without_home", title: "Who has no home directory may log in at the root", severity: low,
		description: "Looks at DEFAULT_HOME in /etc/login.defs. Fails if it is yes, also by default." + loginPasswordApplies,
		advice:      "Set DEFAULT_HOME to no.", references: []string{loginDefsManual}, judge: judgeDefaultHome,
	},
}

// loginValue returns the last line of a name, which is the one in force.
func loginValue(c plimsoll.ConfigFile, name string) (plimsoll.ConfigLine, bool) {
	for _, l := range slices.Backward(c.Lines) {
		if l.Key == name {
			return l, true
		}
	}
	return plimsoll.ConfigLine{}, false
}

// judgeLoginNumber judges a number of login.defs. With required, the name must be set, and the rule
// applies only to an image with passwords.
func judgeLoginNumber(name string, required bool, bad func(int) bool) func(analyze.Image) verdict {
	aboutPasswords := required || name == "LOGIN_RETRIES"
	return func(i analyze.Image) verdict {
		if aboutPasswords && !hasPasswords(i) {
			_, unread := configsOfKinds(i, kindLoginDefs)
			return newVerdict(nil, unread, false)
		}
		return judgeConfigs(func(c plimsoll.ConfigFile) []string {
			l, ok := loginValue(c, name)
			n, err := strconv.Atoi(argAt(l, 0))
			switch {
			case !ok && required:
				return []string{printableText(c.Path) + ": " + name + " is not set"}
			case ok && (err != nil || bad(n)):
				return []string{evidenceAt(c, l, name+" "+argAt(l, 0))}
			}
			return nil
		}, kindLoginDefs)(i)
	}
}

func judgeLoginUmask(i analyze.Image) verdict {
	return judgeConfigs(func(c plimsoll.ConfigFile) []string {
		l, ok := loginValue(c, "UMASK")
		if !ok {
			return nil
		}
		mask, err := strconv.ParseUint(argAt(l, 0), 8, 32)
		own, _ := loginValue(c, "USERGROUPS_ENAB")
		if err != nil || mask&0o002 == 0 || mask&0o020 == 0 && !strings.EqualFold(argAt(own, 0), "yes") {
			return []string{evidenceAt(c, l, "UMASK "+argAt(l, 0))}
		}
		return nil
	}, kindLoginDefs)(i)
}

func judgeDefaultHome(i analyze.Image) verdict {
	if !hasPasswords(i) {
		_, unread := configsOfKinds(i, kindLoginDefs)
		return newVerdict(nil, unread, false)
	}
	return judgeConfigs(func(c plimsoll.ConfigFile) []string {
		l, ok := loginValue(c, "DEFAULT_HOME")
		switch {
		case !ok:
			return []string{printableText(c.Path) + ": DEFAULT_HOME is not set, the default is yes"}
		case !strings.EqualFold(argAt(l, 0), "no"):
			return []string{evidenceAt(c, l, "DEFAULT_HOME "+argAt(l, 0))}
		}
		return nil
	}, kindLoginDefs)(i)
}
