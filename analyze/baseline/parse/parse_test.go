package parse

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// formatLines writes directives as "scope|key|arguments", one per line.
func formatLines(list []plimsoll.ConfigLine) string {
	var b strings.Builder
	for _, l := range list {
		b.WriteString(strings.Join(append([]string{l.Scope, l.Key}, l.Args...), "|") + "\n")
	}
	return b.String()
}

func TestParsers(t *testing.T) {
	tests := []struct {
		name  string
		parse func(io.Reader) ([]plimsoll.ConfigLine, error)
		text  string
		want  string
	}{
		{"ssh", SSH, "Port 22 # x\n\nCiphers=a,b\nMatch User \"a b\"\n\tX11Forwarding yes\n", "|port|22\n|ciphers|a,b\nmatch User a b|x11forwarding|yes\n"},
		{"login.defs", LoginDefs, "# x\npass_max_days\t90 # y\nempty\n", "|PASS_MAX_DAYS|90\n"},
		{
			"pam", PAM, "@include common-auth\nauth [success=1  default=ignore] /lib/pam_unix.so nullok\n-session optional pam_x.so password=hunter2 a=b\nauth\tsubstack x\npassword required \\\n  pam_y.so\n",
			"|include|common-auth\n|auth|[success=1 default=ignore]|pam_unix.so|nullok\n|session|optional|pam_x.so|password=|a=b\nauth|include|x\n|password|required|pam_y.so\n",
		},
		{"pairs", Pairs, "minlen = 8\n# x\nenforce_for_root\nBindPassword = hunter2\n", "|minlen|8\n|enforce_for_root\n|bindpassword|\n"},
		{
			"sudoers", Sudoers,
			"Defaults:ann !authenticate, env_keep += \"A, B\"\nDefaults bind_secret=hunter2\nCmnd_Alias X = /bin/a -x, /bin/b * : Y = /c\n" +
				"%ops h1 = (root : adm) NOPASSWD: SETENV: X, PASSWD: /bin/c d : h2 = /e\n#include /x\n#7 ALL=ALL # x\n",
			":ann|defaults|!authenticate\n:ann|defaults|env_keep += \"A, B\"\n|defaults|bind_secret\nCmnd_Alias|alias|X|/bin/a|/bin/b *\nCmnd_Alias|alias|Y|/c\n" +
				"%ops|grant|root : adm|NOPASSWD,SETENV|X\n%ops|grant|root : adm|SETENV,PASSWD|/bin/c\n%ops|grant|||/e\n#7|grant|||ALL\n",
		},
		{
			"crontab", func(r io.Reader) ([]plimsoll.ConfigLine, error) { return Crontab(r, true) },
			"PATH=\"/bin\"\nTOKEN=hunter2\n17 * * * * root cd /x && run-parts '/etc/cron.hourly' --key=hunter2\n@reboot ann wget -qO- http://x | sh\n",
			"|env|PATH|/bin\n|env|TOKEN\nroot|job|/x|/etc/cron.hourly\nann|job|download\n",
		},
		{
			"apt sources", AptSources, "deb [ arch=amd64 signed-by=/k ] https://u:p@h/d s m # x\n#deb a b\nTypes: deb\nURIs: http://a\n http://b\nTrusted: yes\n\nURIs: http://off\nEnabled: no\n",
			"|source|https://h/d|arch=amd64|signed-by|password-in-address\n|source|http://a|trusted=yes\n|source|http://b|trusted=yes\n",
		},
		{
			"apt conf", AptConf, "APT { Get \"x\"; Sub { A \"1\"; } };\n/* B 2;\n*/ C::D \"e f\"; // G 1;\nAcquire::http::Proxy \"http://u:p@h:1\";\n",
			"|apt::get|x\n|apt::sub::a|1\n|c::d|e f\n|acquire::http::proxy|http://h:1|password-in-address\n",
		},
		{
			"ini", func(r io.Reader) ([]plimsoll.ConfigLine, error) { return Ini(r, "url", "on") }, "[ A ]\nurl = http://u:p@h \n  http://two\n; x\npassword=hunter2\non\n",
			"a|url|http://h|password-in-address\na|url|http://two\na|on|true\n",
		},
		{"keys", AuthorizedKeys, "# x\ncommand=\"a b\" ssh-rsa AAAA me\n", "|key|ssh-rsa\n"},
	}
	for _, test := range tests {
		list, err := test.parse(strings.NewReader(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, formatLines(list)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if strings.Contains(formatLines(list), "hunter2") {
			t.Errorf("%s keeps a secret: %s", test.name, formatLines(list))
		}
	}
}

func TestBounds(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("Port 22\n", maxLines+1):             "more than 10000 directives",
		"Port 22\n" + strings.Repeat("a", maxLine+1) + "\n": "line 2 is longer than 16384 bytes",
	} {
		list, err := SSH(strings.NewReader(text))
		if err == nil || err.Error() != want || len(list) == 0 {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := PAM(strings.NewReader(strings.Repeat("abcdefgh\\\n", 10_000))); err == nil || err.Error() != "line 1 is longer than 16384 bytes" {
		t.Error(err)
	}
	if _, err := Group(strings.NewReader("a:x:1:" + strings.Repeat("b,", maxMembers+1) + "\n")); err == nil {
		t.Error("a group of too many members passes")
	}
}

func TestAccountFilesThatAreNone(t *testing.T) {
	for body, want := range map[string]string{
		"root:x:0:0:root:/root:/bin/sh\nnonsense\n:x:1:1:::\n": "2 lines are not accounts, the first is line 2",
		"root:x:zero:0:root:/root:/bin/sh\n":                   "1 lines are not accounts, the first is line 1",
		"a:x:1:1:::\n" + strings.Repeat("x", 5000):             "line 2 is longer than 4096 bytes",
	} {
		_, _, err := Passwd(strings.NewReader(body))
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, _, err := Shadow(strings.NewReader("root\n")); err == nil {
		t.Error("a shadow line of one field passes")
	}
}

func TestShellCommands(t *testing.T) {
	for command, want := range map[string]bool{
		"curl -fsSL https://x | sh": true, "wget -qO- https://x | sudo -E bash -": true, "curl x | tee f | sh": false, "bash <(curl -s x)": true,
		"sh -c \"$(curl -fsSL x)\"": true, "curl x | python3 -": true, "curl x -o f && sh f": false, "curl x | gpg --dearmor": false, "curl x | tar xz": false,
		"curl x | shasum -c": false,
	} {
		if got := RunsDownload(command); got != want {
			t.Errorf("%q: %t", command, got)
		}
	}
	for command, want := range map[string]string{
		"mysql -u root -psecret": "mysql", "mysql -p": "", "mysql -p$PW": "", "mysql --password=\"$PW\" x": "", "curl -u a:b https://x": "curl",
		"curl -u \"$U:$P\" x": "", "curl -u a:$P x": "", "sshpass -p s ssh": "sshpass", "redis-cli -a s ping": "redis-cli", "mkdir -p secret": "",
	} {
		if got := PasswordInOption(command); got != want {
			t.Errorf("%q: %q", command, got)
		}
	}
	for command, want := range map[string]bool{
		"echo root:secret | chpasswd": true, "echo 'root:secret' | sudo chpasswd": true, "echo \"root:$P\" | chpasswd": false, "useradd -m -p abc ann": true,
		"useradd -m -p '' ann": false, "useradd -m ann": false, "echo x | passwd --stdin root": true, "usermod -p '*' root": false, "chpasswd < file": false,
	} {
		if got := SetsPassword(command); got != want {
			t.Errorf("%q: %t", command, got)
		}
	}
}
