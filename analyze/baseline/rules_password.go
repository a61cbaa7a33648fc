package baseline

import (
	"fmt"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline/crypt"
)

// maxPasswordDays is the maximum age of a password in the CIS benchmarks, in days.
const maxPasswordDays = 365

const passwordApplies = " Does not apply if no account has a password."

var passwordRules = []rule{
	{
		id: "account.root_password", title: "root has a password", severity: high, protection: true,
		description: "Looks at root in /etc/shadow. Fails if a password fits: every container of the image has the same one. Does not apply to an image without that file.",
		advice:      "Lock the password of root (passwd -l root).",
		references:  []string{passwdManuals}, judge: judgeAccounts(ShadowPath, func(a plimsoll.Account) string {
			return textIf(a.Name == "root" && a.Scheme != "", "has a password of "+a.Scheme)
		}),
	},
	{
		id: "account.shared_password", title: "An account has a password that comes with the image", severity: medium, protection: true,
		description: "Looks at /etc/shadow. Fails if a password fits an account other than root: every container has the same one. Does not apply to an image without that file.",
		advice:      "Lock the password, or set it when the container starts.",
		references:  []string{passwdManuals}, judge: judgeAccounts(ShadowPath, func(a plimsoll.Account) string {
			return textIf(a.Name != "root" && a.Scheme != "", "has a password of "+a.Scheme)
		}),
	},
	{
		id: "account.weak_hash", title: "A password is kept with a weak algorithm", severity: high, protection: true,
		description: "Looks at the hashes in /etc/shadow and /etc/passwd. Fails for DES, BSDI, MD5, SHA-1 and NT hashes, which are guessed millions of times a second." + passwordApplies,
		advice:      "Set ENCRYPT_METHOD to YESCRYPT or SHA512 in /etc/login.defs, then set the password anew.",
		references:  []string{"crypt(5)"}, judge: judgePasswordAccounts(func(a plimsoll.Account) string {
			return textIf(crypt.Scheme(a.Scheme).Weak(), "has a password of "+a.Scheme)
		}),
	},
	{
		id: "account.same_hash", title: "Accounts have the same password hash", severity: medium, protection: true,
		description: "Looks at the hashes in /etc/shadow and /etc/passwd. Fails if two are equal, salt included: the password was copied." + passwordApplies,
		advice:      "Set a password of its own for each account.",
		references:  []string{"crypt(5)"}, judge: judgePasswordAccounts(func(a plimsoll.Account) string {
			return textIf(a.Same > 0, fmt.Sprintf("has the password hash of others (set %d)", a.Same))
		}),
	},
	{
		id: "account.readable_hash", title: "A password hash stands in /etc/passwd", severity: high, protection: true,
		description: "Fails if field 2 of /etc/passwd, which everybody can read, holds a hash. Does not apply to an image without that file.",
		advice:      "Move passwords to /etc/shadow (pwconv).",
		references:  []string{"pwconv(8)"}, judge: judgeAccounts(PasswdPath, func(a plimsoll.Account) string {
			return textIf(a.Scheme != "", "has a hash that everybody can read")
		}),
	},
	{
		id: "account.max_days", title: "A password never has to be changed", severity: low, protection: true,
		description: fmt.Sprintf("Looks at field 5 of /etc/shadow for accounts with a password. Fails if it is empty or over %d days.", maxPasswordDays) + passwordApplies,
		advice:      fmt.Sprintf("Set a maximum age of %d days or less (chage -M).", maxPasswordDays),
		references:  []string{"chage(1)"}, judge: judgeAgeing(func(a plimsoll.Ageing) string {
			return textIf(a.Max < 0 || a.Max > maxPasswordDays, "has the maximum age "+dayText(a.Max))
		}),
	},
	{
		id: "account.min_days", title: "A password can be changed back at once", severity: low, protection: true,
		description: "Looks at field 4 of /etc/shadow for accounts with a password. Fails if it is empty or 0." + passwordApplies,
		advice:      "Set a minimum age of a day (chage -m 1).",
		references:  []string{"chage(1)"}, judge: judgeAgeing(func(a plimsoll.Ageing) string {
			return textIf(a.Min < 1, "has the minimum age "+dayText(a.Min))
		}),
	},
	{
		id: "account.warn_days", title: "Nobody is warned before a password expires", severity: low, protection: true,
		description: "Looks at field 6 of /etc/shadow for accounts with a password. Fails if it is empty or under 7 days." + passwordApplies,
		advice:      "Warn 7 days before (chage -W 7).",
		references:  []string{"chage(1)"}, judge: judgeAgeing(func(a plimsoll.Ageing) string {
			return textIf(a.Warn < 7, "has the warning time "+dayText(a.Warn))
		}),
	},
	{
		id: "account.inactive_days", title: "An account with an expired password stays open", severity: low, protection: true,
		description: "Looks at field 7 of /etc/shadow for accounts with a password. Fails if it is empty or over 45 days." + passwordApplies,
		advice:      "Close accounts 45 days after their password expired, or earlier (chage -I 45).",
		references:  []string{"chage(1)"}, judge: judgeAgeing(func(a plimsoll.Ageing) string {
			return textIf(a.Inactive < 0 || a.Inactive > 45, "has the inactive time "+dayText(a.Inactive))
		}),
	},
}

func dayText(days int64) string {
	if days < 0 {
		return "(not set)"
	}
	return fmt.Sprintf("%d days", days)
}

// judgePasswordAccounts judges the accounts that have a password, in both databases. f returns the
// evidence against an account.
func judgePasswordAccounts(f func(plimsoll.Account) string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeAccountFiles(i, nil, []string{PasswdPath, ShadowPath}, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
			var found []string
			some := false
			for _, path := range [...]string{PasswdPath, ShadowPath} {
				for _, a := range files[path].Accounts {
					if a.Scheme == "" {
						continue
					}
					some = true
					if text := f(a); text != "" {
						found = append(found, fmt.Sprintf("%s: %s %s", path, printableText(a.Name), text))
					}
				}
			}
			return found, some
		})
	}
}

func judgeAgeing(f func(plimsoll.Ageing) string) func(analyze.Image) verdict {
	return judgePasswordAccounts(func(a plimsoll.Account) string {
		if a.Ageing == nil {
			return "" // /etc/passwd has no ages
		}
		return f(*a.Ageing)
	})
}

// hasPasswords reports whether an account has a password.
func hasPasswords(i analyze.Image) bool {
	for _, file := range i.Accounts {
		for _, a := range file.Accounts {
			if a.Scheme != "" {
				return true
			}
		}
	}
	return false
}

var weakRules = []rule{{
	id: "password.weak", title: "The password of an account can be guessed", severity: critical, protection: true,
	description: "Tries common passwords and those made from the user name against the hashes in /etc/shadow and /etc/passwd (MD5, SHA-256, SHA-512, bcrypt, yescrypt). " +
		"What is spent on one account and in all is bounded; where the bound or another algorithm left passwords untried, the result is \"not looked\" and says so. Does not apply if no account has a password.",
	advice:     "Lock the account or set a long random password, and change it wherever else it is used.",
	references: []string{"crypt(5)"}, judge: judgeWeakPasswords,
}}

func judgeWeakPasswords(i analyze.Image) verdict {
	var guessed []plimsoll.WeakPassword
	var unchecked []string
	v := judgePasswordAccounts(func(a plimsoll.Account) string {
		switch {
		case a.Weak != nil:
			guessed = append(guessed, *a.Weak)
			return fmt.Sprintf("has a weak password of %s: %s, %s", a.Scheme, printableText(a.Weak.Masked), a.Weak.Reason)
		case a.Unchecked != "":
			unchecked = append(unchecked, printableText(a.Name)+": "+printableText(a.Unchecked))
		}
		return ""
	})(i)
	v.passwords = guessed
	if v.result == plimsoll.SettingFailed {
		v.evidence = append(v.evidence, unchecked...)
		return v
	}
	return newVerdict(nil, append(v.evidence, unchecked...), v.result == plimsoll.SettingPass)
}
