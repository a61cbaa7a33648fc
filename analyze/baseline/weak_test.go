package baseline

import (
	"fmt"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze/baseline/parse"
)

// strongHashes contains, by scheme, a hash with default parameters whose password is no candidate.
var strongHashes = map[string]string{
	"md5crypt":    "$1$abcd$SwRG.yy0q6pJ8rg/8TwLf/",
	"sha256crypt": "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc9",
	"sha512crypt": "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz2",
	"bcrypt":      "$2b$10$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i",
	"yescrypt":    "$y$j9T$abcdefgh$UGYCVcUwcoG0k8SZZ.Uz3i0RYQNy1YmYj4I4poBPer3",
}

func shadowOf(n int, hash string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "user%d:%s:19000:0:99999:7:::\n", i, strings.Replace(hash, "abcd", fmt.Sprintf("%04d", i), 1))
	}
	return b.String()
}

func guessShadow(t testing.TB, shadow string) []plimsoll.Account {
	t.Helper()
	file, hashes, err := parse.Shadow(strings.NewReader(shadow))
	if err != nil {
		t.Fatal(err)
	}
	guessPasswords(&file, hashes)
	return file.Accounts
}

func TestGuess(t *testing.T) {
	// Made with libxcrypt.
	for hash, want := range map[string]Candidate{
		"$6$rounds=1000$abcd$kNX7RAtKMvQ27KX8u15za53A16.CTwAg75Ta.A/NFPth5KRFVp/HPh3pyx9q.WT3yI/t5lZyp3yPG3/nuPlGL.": {"P@ssw0rd", reasonCommon},
		"$5$rounds=1000$abcd$P7h3sBDzrZq75sB09/qy0y6x3sX.UKEZEur.pLQ8Uk4":                                            {"ann123", reasonName},
		"$1$abcd$CwbBDotm4UoKv5fATTtzT.":                              {"", reasonEmpty},
		"$y$j75$LdJMENpB$4ohdGGdE7qTtX0XWoNwRJBQgBu5bzijTOEfPNcCwUm0": {"changeme", reasonCommon},
	} {
		if g := Guess(hash, Candidates("ann"), accountAllowance); !g.Found || g.Candidate != want {
			t.Errorf("%s: %+v", hash, g)
		}
	}
	const hello = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
	if g := Guess(hello, ListedCandidates([]string{"x", "Hello world!"}), accountAllowance); !g.Found || g.Reason != reasonListed || g.Unchecked != "" {
		t.Errorf("a project's list: %+v", g)
	}
	if g := Guess(hello, ListedCandidates([]string{"x", "Hello world!"}), 2500); g.Found || g.Unchecked == "" || g.Spent != 2000 {
		t.Errorf("a short allowance: %+v", g)
	}
	for hash, want := range map[string]string{
		"$6$rounds=999999999$a$b":                                      "one attempt at sha512crypt with these parameters costs too much",
		"$2b$31$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i": "one attempt at bcrypt with these parameters costs too much",
		"$y$jSzzz$a$b":  "no valid hash of yescrypt",
		"$y$jQT$a$b":    "one attempt at yescrypt with these parameters costs too much",
		"$gy$j9T$a$b":   "hashes of gost-yescrypt are not checked",
		"abJnggxhB/yWI": "hashes of descrypt are not checked",
	} {
		if g := Guess(hash, Candidates("ann"), accountAllowance); g.Unchecked != want || g.Spent != 0 {
			t.Errorf("%s: %+v", hash, g)
		}
	}
}

func TestGuessPasswords(t *testing.T) {
	const same = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc9"
	got := guessShadow(t, "ann:"+same+":19000\nbob:*:1\neve:"+same+":1\n")
	if got[0].Same != 1 || got[2].Same != 1 || got[1].Same != 0 || got[0].Weak != nil || got[0].Unchecked != "" {
		t.Errorf("%+v", got)
	}
	if maskPassword("123456") != "1****6" || maskPassword("12345") != "*****" || maskPassword("") != "" {
		t.Error("mask")
	}
}

// TestTwentyAccounts checks that guessing for twenty accounts costs no more than the allowance. Cost
// is counted, so the test needs no clock; BenchmarkTwentyAccounts shows that the count is about right.
func TestTwentyAccounts(t *testing.T) {
	for _, scheme := range []string{"sha512crypt", "yescrypt"} {
		hash := strongHashes[scheme]
		var spent int64
		file, hashes, err := parse.Shadow(strings.NewReader(shadowOf(20, hash)))
		if err != nil || len(hashes) != 20 {
			t.Fatal(scheme, err)
		}
		left := int64(databaseAllowance)
		for i, h := range hashes {
			g := Guess(h.Text, Candidates(file.Accounts[i].Name), left/int64(20-i))
			left -= g.Spent
			spent += g.Spent
			if g.Found {
				t.Errorf("%s: %+v", scheme, g)
			}
		}
		if spent > databaseAllowance {
			t.Errorf("20 accounts of %s cost %d", scheme, spent)
		}
	}
}

// TestHostileShadow checks that a million lines are refused at the limit of accounts, and that few
// hashes are computed.
func TestHostileShadow(t *testing.T) {
	text := strings.Repeat("a:$1$abcd$SwRG.yy0q6pJ8rg/8TwLf/\n", 1_000_000)
	file, hashes, err := parse.Shadow(strings.NewReader(text))
	if err == nil || len(hashes) > 100_000 {
		t.Fatalf("%d hashes, %v", len(hashes), err)
	}
	for i := range hashes { // all different, so that no result is reused
		file.Accounts[i].Name = fmt.Sprint("a", i)
	}
	guessPasswords(&file, hashes)
	unchecked := 0
	for _, a := range file.Accounts {
		if a.Unchecked != "" {
			unchecked++
		}
	}
	if unchecked < len(file.Accounts)-maxGuessedAccounts {
		t.Errorf("%d of %d are not checked", unchecked, len(file.Accounts))
	}
}

func BenchmarkTwentyAccounts(b *testing.B) {
	for scheme, hash := range strongHashes {
		shadow := shadowOf(20, hash)
		b.Run(scheme, func(b *testing.B) {
			for b.Loop() {
				guessShadow(b, shadow)
			}
		})
	}
}
