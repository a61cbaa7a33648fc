package baseline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"plimsoll"
)

const helloWorld = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"

func shadowHash(user, hash string) plimsoll.AccountHash {
	return plimsoll.AccountHash{Path: ShadowPath, User: user, Hash: plimsoll.Hidden(hash), Changed: 9}
}

func TestJudgeListed(t *testing.T) {
	weak := []plimsoll.WeakPassword{{User: "ann", Scheme: "sha512crypt", Masked: "H**********!", Reason: reasonListed, Changed: 9}}
	ann, bob := shadowHash("ann", helloWorld), shadowHash("bob", strongHashes["sha512crypt"])
	for name, c := range map[string]struct {
		words    []string
		hashes   []plimsoll.AccountHash
		missing  int
		want     plimsoll.SettingResult
		evidence string
	}{
		"found":               {[]string{"x", "Hello world!"}, []plimsoll.AccountHash{bob, ann}, 0, plimsoll.SettingFailed, "ann has a weak password"},
		"found, one missing":  {[]string{"Hello world!"}, []plimsoll.AccountHash{ann}, 1, plimsoll.SettingFailed, "1 accounts were not kept"},
		"other words":         {[]string{"x"}, []plimsoll.AccountHash{ann, bob}, 0, plimsoll.SettingPass, ""},
		"no list":             {nil, []plimsoll.AccountHash{ann}, 0, plimsoll.SettingNotApplicable, ""},
		"no passwords":        {[]string{"x"}, nil, 0, plimsoll.SettingNotApplicable, ""},
		"an older scan":       {[]string{"x"}, nil, 1, plimsoll.SettingNotLooked, "scan the image again"},
		"another algorithm":   {[]string{"x"}, []plimsoll.AccountHash{shadowHash("eve", "abJnggxhB/yWI")}, 0, plimsoll.SettingNotLooked, "descrypt are not checked"},
		"a hostile cost":      {[]string{"x"}, []plimsoll.AccountHash{shadowHash("eve", "$2b$14$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i")}, 0, plimsoll.SettingNotLooked, "costs too much"},
		"hostile, others not": {[]string{"Hello world!"}, []plimsoll.AccountHash{shadowHash("eve", "$2b$31$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i"), ann}, 0, plimsoll.SettingFailed, "costs too much"},
	} {
		s, err := JudgeListed(t.Context(), c.words, c.hashes, c.missing)
		if err != nil || s.Result != c.want || s.Rule != plimsoll.RuleListedPassword || s.Kind != plimsoll.KindWeakPassword || !strings.Contains(strings.Join(s.Evidence, "\n"), c.evidence) {
			t.Errorf("%s: %+v %v", name, s, err)
		}
		if c.want == plimsoll.SettingFailed && fmt.Sprint(s.Passwords) != fmt.Sprint(weak) {
			t.Errorf("%s: %+v", name, s.Passwords)
		}
		if text := fmt.Sprintf("%+v", s); strings.Contains(text, "$6$") || strings.Contains(text, "Hello world!") {
			t.Errorf("%s shows a hash or a word: %s", name, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := JudgeListed(ctx, []string{"x"}, []plimsoll.AccountHash{ann}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cut off: %v", err)
	}
}

// TestKeptHashesAreBounded: accounts beyond the limit are still counted, so that JudgeListed can report them.
func TestKeptHashesAreBounded(t *testing.T) {
	long := "root:$6$" + strings.Repeat("x", plimsoll.MaxAccountHash) + ":1\n"
	got := analyzeFiles(t, withBody(newEntry(ShadowPath, plimsoll.EntryFile, 0o600), long+shadowOf(plimsoll.MaxAccountHashes+5, "$9$x$abcd")))
	if len(got.Hashes) != plimsoll.MaxAccountHashes || len(got.Accounts[0].Accounts) != plimsoll.MaxAccountHashes+6 {
		t.Errorf("%d hashes of %d accounts", len(got.Hashes), len(got.Accounts[0].Accounts))
	}
	// A later entry of the path replaces an earlier one.
	twice := analyzeFiles(t, withBody(newEntry(ShadowPath, plimsoll.EntryFile, 0o600), "a:$1$a$b:1\n"), withBody(newEntry(ShadowPath, plimsoll.EntryFile, 0o600), "b:*:1\n"))
	if len(twice.Hashes) != 0 {
		t.Errorf("hashes of a file that was replaced: %d", len(twice.Hashes))
	}
}
