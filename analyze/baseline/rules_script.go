package baseline

import (
	"strconv"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline/parse"
)

const scriptApplies = " Scripts are *.sh outside libraries and documentation, start files of shells, and entry points, up to 256 KiB. Does not apply to an image without scripts."

var scriptRules = []rule{
	{
		id: "script.password_variable", title: "A script assigns a password", severity: high, protection: true,
		description: "Fails if a script assigns a literal to a variable such as DB_PASSWORD." + scriptApplies,
		advice:      "Read the password from a file or the environment when the script runs, then change it.",
		references:  []string{cisDocker + "4.10"}, judge: judgeScripts(parse.PasswordVariable, func(l plimsoll.ConfigLine) string { return argAt(l, 0) + " is assigned" }),
	},
	{
		id: "script.password_option", title: "A script gives a password on a command line", severity: high, protection: true,
		description: "Fails if a script gives a literal password to sshpass, mysql, curl -u or redis-cli." + scriptApplies,
		advice:      "Use a file of options that only its owner can read.",
		references:  []string{cisDocker + "4.10"}, judge: judgeScripts(parse.PasswordOption, func(l plimsoll.ConfigLine) string { return argAt(l, 0) + " is given a password" }),
	},
	{
		id: "script.sets_password", title: "A script sets a password that it holds", severity: high, protection: true,
		description: "Fails if a script gives a literal password to chpasswd, passwd --stdin or useradd -p." + scriptApplies,
		advice:      "Read the password when the script runs, or lock the account.",
		references:  []string{cisDocker + "4.10"}, judge: judgeScripts(parse.PasswordSet, func(plimsoll.ConfigLine) string { return "a password is set" }),
	},
	{
		id: "script.umask", title: "A script lets everybody change the files it makes", severity: medium, protection: true,
		description: "Fails if a script sets a umask that leaves write permission to others." + scriptApplies,
		advice:      "Use umask 022 or 027.", references: []string{"umask(2)"},
		judge: judgeScripts(parse.Umask, func(l plimsoll.ConfigLine) string {
			mask, err := strconv.ParseUint(argAt(l, 0), 8, 32)
			return textIf(err == nil && mask&0o002 == 0, "umask "+argAt(l, 0))
		}),
	},
	{
		id: "script.search_path", title: "A script looks for programs where it stands", severity: medium,
		description: "Fails if a script puts \".\", \"..\" or nothing between two colons into PATH." + scriptApplies,
		advice:      "Use absolute directories in PATH.", references: []string{"environ(7)"},
		judge: judgeScripts(parse.SearchPath, func(plimsoll.ConfigLine) string { return "PATH has an entry that is not absolute" }),
	},
}

// judgeScripts judges the lines of scripts that have a key. text returns the evidence of a line,
// "" if it is good.
func judgeScripts(key string, text func(plimsoll.ConfigLine) string) func(analyze.Image) verdict {
	return judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
		if l.Key != key {
			return ""
		}
		return text(l)
	}), kindScript)
}
