package parse

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"plimsoll"
)

func fuzzParser(f *testing.F, parse func(io.Reader) ([]plimsoll.ConfigLine, error), seeds ...string) {
	f.Helper()
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, _ := parse(strings.NewReader(text))
		if len(list) > maxLines {
			t.Errorf("%d directives", len(list))
		}
		for _, l := range list {
			if l.Line < 1 || len(l.Args) > maxWords+1 {
				t.Errorf("directive %+v", l)
			}
			for _, word := range append(l.Args, l.Key, l.Scope) {
				if len(word) > 3*maxWord || !utf8.ValidString(word) {
					t.Errorf("word %q", word)
				}
			}
		}
	})
}

func FuzzSSH(f *testing.F) {
	fuzzParser(f, SSH, "Port 22\nMatch User \"a b\"\n PermitRootLogin=yes # x\n", "Include *.conf\n\x00\xff\n")
}

func FuzzLoginDefs(f *testing.F) { fuzzParser(f, LoginDefs, "PASS_MAX_DAYS\t90\n# x\nUMASK 022\n") }

func FuzzPAM(f *testing.F) {
	fuzzParser(f, PAM, "auth [success=1 default=ignore] pam_unix.so nullok\n@include x\n-session optional /lib/pam_x.so passwd=a\n", "auth required \\\n pam_deny.so", "auth [a")
}

func FuzzPairs(f *testing.F) { fuzzParser(f, Pairs, "minlen = 8\nenforce_for_root\npassword = x\n") }

func FuzzSudoers(f *testing.F) {
	fuzzParser(f, Sudoers, "Defaults env_keep += \"A B\", !authenticate\nCmnd_Alias X = /bin/a, \\\n /bin/b : Y = /c\n%g ALL=(root:all) NOPASSWD: NOEXEC: X, /bin/c \\: * : h = /d\n#include x\n#1 ALL=ALL\n", "a=(", "a b=NOPASSWD:")
}

func FuzzCrontab(f *testing.F) {
	for _, system := range []bool{true, false} {
		f.Add("@daily root /bin/x\n* * * * * root curl x | sh\nPATH=/bin\n", system)
	}
	f.Fuzz(func(t *testing.T, text string, system bool) {
		list, _ := Crontab(strings.NewReader(text), system)
		for _, l := range list {
			if l.Key == "job" && system != (l.Scope != "") {
				t.Errorf("job %+v", l)
			}
		}
	})
}

func FuzzAptSources(f *testing.F) {
	fuzzParser(f, AptSources, "deb [trusted=yes] http://a:b@c/ x y\n", "Types: deb\nURIs: http://a\n http://b\nTrusted: yes\n\n", " x", "deb [")
}

func FuzzAptConf(f *testing.F) {
	fuzzParser(f, AptConf, "A { B \"c\"; /* x\n*/ D:: { \"e\" }; };\nA::B c; // d\n#clear x;", "{{{{}}}};\"")
}

func FuzzIni(f *testing.F) {
	fuzzParser(f, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return Ini(r, "gpgcheck", "baseurl") }, "[a]\nbaseurl=http://u:p@h/\n http://b\ngpgcheck=0\n[", " x")
}

func FuzzSwitches(f *testing.F) {
	fuzzParser(f, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return Switches(r, "insecure") }, "--insecure\ninsecure = true\n")
}

func FuzzScript(f *testing.F) {
	fuzzParser(f, Script, "export DB_PASSWORD=\"x y\"\numask 002\nPATH=.:/bin\nsshpass -p x ssh\necho a:b | chpasswd\ncurl -u a:b c\n", "\\\n\\\n")
}

func FuzzTrust(f *testing.F) { fuzzParser(f, Trust, "+ +\nhost user\n-x\n") }
func FuzzAuthorizedKeys(f *testing.F) {
	fuzzParser(f, AuthorizedKeys, "command=\"x\" ssh-rsa AAAA b\n")
}
func FuzzNames(f *testing.F) { fuzzParser(f, Names, "https://u:p@h/x\n@edge http://h\n") }
func FuzzLines(f *testing.F) { fuzzParser(f, AnyLine, "a\n#b\n") }

func FuzzPrivateKeys(f *testing.F) {
	fuzzParser(f, PrivateKeys, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n-----END RSA PRIVATE KEY-----\n", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END ")
}

func FuzzCredentials(f *testing.F) {
	f.Add("machine a login b password hunter2\n_authToken=hunter2\n{\"auth\":\"hunter2\"}\n", false)
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		list, _ := Credentials(strings.NewReader(text), whole)
		for _, l := range list {
			if strings.Contains(argsText(l), "hunter2") {
				t.Errorf("a secret is kept: %+v", l)
			}
		}
	})
}

func argsText(l plimsoll.ConfigLine) string { return strings.Join(l.Args, " ") }

func fuzzAccounts(f *testing.F, parse func(io.Reader) (plimsoll.AccountFile, []Hash, error), seeds ...string) {
	f.Helper()
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, hashes, _ := parse(strings.NewReader(text))
		for _, h := range hashes {
			if file.Accounts[h.Account].Scheme == "" {
				t.Errorf("account %+v has the hash %q", file.Accounts[h.Account], h.Text)
			}
		}
		for _, a := range file.Accounts {
			if a.Name == "" || a.UID < -1 || a.Scheme != "" && a.EmptyPassword || !utf8.ValidString(a.Name+a.Shell+a.Home) {
				t.Errorf("account %+v", a)
			}
		}
		for _, g := range file.Groups {
			if g.Name == "" || g.GID < -1 || len(g.Members) > maxMembers {
				t.Errorf("group %+v", g)
			}
		}
	})
}

func FuzzPasswd(f *testing.F) {
	fuzzAccounts(f, Passwd, "root:x:0:0:root:/root:/bin/sh\n+\nopen::7:7::/:", "a:$1$a$b:1:1:::\n")
}

func FuzzShadow(f *testing.F) {
	fuzzAccounts(f, Shadow, "root:$6$a$b:1:0:99999:7:::\nopen::\n", "a:$y$j9T$a$b:x:-1:99999999999:::\n")
}

func FuzzGroup(f *testing.F) {
	fuzzAccounts(f, func(r io.Reader) (plimsoll.AccountFile, []Hash, error) {
		file, err := Group(r)
		return file, nil, err
	}, "root:x:0:a,b\nx:!:5:\n-\n")
}

func FuzzGShadow(f *testing.F) {
	fuzzAccounts(f, func(r io.Reader) (plimsoll.AccountFile, []Hash, error) {
		file, err := GShadow(r)
		return file, nil, err
	}, "root:*::a,b\nx:$1$a$b:c:\n")
}
