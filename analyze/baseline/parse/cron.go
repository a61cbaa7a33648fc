package parse

import (
	"io"
	"regexp"
	"strings"

	"plimsoll"
)

// Crontab reads crontab(5). The system's tables have a user name in each line, a user's own tables
// do not. Keys:
//
//	env  arguments: name, and the value of PATH and SHELL only
//	job  scope: the user, "" in a user's own table; arguments: the absolute paths of the
//	     command, and "download" if it runs a download
func Crontab(r io.Reader, system bool) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "", func(n int, text string) error {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			return nil
		}
		if name, value, ok := strings.Cut(text, "="); ok && isVariableName(strings.TrimSpace(name)) {
			name = strings.TrimSpace(name)
			if name != "PATH" && name != "SHELL" {
				return c.addLine(n, "", "env", name)
			}
			return c.addLine(n, "", "env", name, strings.Trim(strings.TrimSpace(value), `"'`))
		}
		rest, times := text, 5
		if text[0] == '@' {
			times = 1
		}
		for range times {
			_, rest = cutSpace(rest)
		}
		user := ""
		if system {
			user, rest = cutSpace(rest)
		}
		if rest == "" {
			return nil
		}
		var args []string
		for _, word := range strings.Fields(rest) {
			if word = strings.Trim(word, `"';()&|`); strings.HasPrefix(word, "/") {
				args = append(args, word)
			}
		}
		if RunsDownload(rest) {
			args = append(args, "download")
		}
		return c.addLine(n, user, "job", args...)
	})
	return c.list, err
}

func isVariableName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

var downloadAndRunPattern = regexp.MustCompile(`\b(?:curl|wget|fetch)\b[^|;&]*\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:/\S*/)?(?:env\s+)?(?:ba|da|z|k|a)?sh\b|` +
	`\b(?:ba|da|z|k|a)?sh\s+(?:-c\s+)?["']?(?:<\(|\$\(|` + "`" + `)\s*(?:curl|wget)\b|` +
	`\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:python3?|perl|ruby|node|php)\b`)

// RunsDownload reports whether a shell command pipes a download into an interpreter.
func RunsDownload(command string) bool { return downloadAndRunPattern.MatchString(command) }

// Keys of the lines that Script returns.
const (
	PasswordVariable = "password-variable" // an assignment of a literal; argument: the name
	PasswordOption   = "password-option"   // an option with a literal; argument: the program
	PasswordSet      = "password-set"      // a literal given to chpasswd, passwd or useradd
	Umask            = "umask"             // argument: the number
	SearchPath       = "path"              // PATH with an entry that is not absolute
)

var (
	assignmentPattern  = regexp.MustCompile(`^\s*(?:export\s+|readonly\s+|local\s+|declare\s+(?:-\w+\s+)*)?([A-Za-z_]*(?i:passw(?:or)?d|passwd|_pwd|secret_?key|api_?key|auth_?token|access_?token)[A-Za-z0-9_]*)=(\S.*)$`)
	optionPattern      = regexp.MustCompile(`\b(sshpass)\s+-p\s*(\S+)|\b(mysql|mysqladmin|mysqldump|mariadb)\b[^|;&#]*\s(?:-p([^\s-]\S*)|--password=(\S+))|\b(curl)\b[^|;&#]*\s(?:-u|--user)[\s=]*["']?[^\s:"']+:(\S+)|\b(redis-cli)\b[^|;&#]*\s-a\s+(\S+)`)
	setPasswordPattern = regexp.MustCompile(`\becho\s+(?:-\w+\s+)*["']?[\w.-]+:(\S+?)["']?\s*\|\s*(?:sudo\s+)?(?:/usr/sbin/)?chpasswd\b|\bpasswd\s+--stdin\b|\buseradd\b[^|;&#]*\s(?:-p|--password)[\s=]+(\S+)|\busermod\b[^|;&#]*\s(?:-p|--password)[\s=]+(\S+)`)
	umaskPattern       = regexp.MustCompile(`(?:^|[;&]|\bthen|\belse)\s*umask\s+(0?[0-7]{1,4})\b`)
	searchPathPattern  = regexp.MustCompile(`^\s*(?:export\s+)?PATH=(\S+)`)
)

// Script reads a shell script line by line. Keys and arguments are those of the constants above.
func Script(r io.Reader) ([]plimsoll.ConfigLine, error) {
	var c lineCollector
	err := forEachLine(r, "\\", func(n int, text string) error {
		if t := strings.TrimSpace(text); t == "" || t[0] == '#' {
			return nil
		}
		if m := assignmentPattern.FindStringSubmatch(text); m != nil && isLiteral(m[2]) {
			if err := c.addLine(n, "", PasswordVariable, m[1]); err != nil {
				return err
			}
		}
		if program := PasswordInOption(text); program != "" {
			if err := c.addLine(n, "", PasswordOption, program); err != nil {
				return err
			}
		}
		if SetsPassword(text) {
			if err := c.addLine(n, "", PasswordSet); err != nil {
				return err
			}
		}
		if m := umaskPattern.FindStringSubmatch(text); m != nil {
			if err := c.addLine(n, "", Umask, m[1]); err != nil {
				return err
			}
		}
		if m := searchPathPattern.FindStringSubmatch(text); m != nil && hasRelativeEntry(m[1]) {
			return c.addLine(n, "", SearchPath)
		}
		return nil
	})
	return c.list, err
}

// PasswordInOption returns the program that gets a literal password on its command line, "" if none
// does.
func PasswordInOption(command string) string {
	m := optionPattern.FindStringSubmatch(command)
	if m == nil {
		return ""
	}
	for i := 1; i < len(m); i++ {
		if m[i] == "" {
			continue
		}
		for _, value := range m[i+1:] {
			if value != "" {
				if isLiteral(value) {
					return m[i]
				}
				return ""
			}
		}
	}
	return ""
}

// SetsPassword reports whether a command gives an account a literal password.
func SetsPassword(command string) bool {
	m := setPasswordPattern.FindStringSubmatch(command)
	if m == nil {
		return false
	}
	given := false
	for _, value := range m[1:] {
		if value != "" {
			given = true
			if isLiteral(value) {
				return true
			}
		}
	}
	return !given && !strings.Contains(command, "$")
}

// isLiteral reports whether a value is written out: no variable, no command, no placeholder.
func isLiteral(value string) bool {
	value = strings.Trim(strings.TrimRight(value, "; "), `"'`)
	if value == "" || strings.ContainsAny(value, "$`") || strings.HasPrefix(value, "(") || strings.HasPrefix(value, "/") {
		return false
	}
	switch strings.ToLower(value) {
	case "true", "false", "yes", "no", "1", "0", "null", "none", "*", "!", "x":
		return false
	}
	return !strings.HasPrefix(value, "<")
}

// hasRelativeEntry reports whether a search path has an entry that depends on the current directory.
func hasRelativeEntry(value string) bool {
	value = strings.Trim(value, `"'`)
	for entry := range strings.SplitSeq(value, ":") {
		if entry == "" || entry == "." || entry == ".." || strings.HasPrefix(entry, "./") {
			return true
		}
	}
	return false
}
