package crypt

import (
	"strings"
	"testing"
)

func TestVectors(t *testing.T) {
	for _, v := range testVectors {
		if ok, err := Verify(v.password, v.hash); err != nil || !ok {
			t.Errorf("%s does not match %q: %v", v.hash, v.password, err)
		}
		other := "x" + v.password
		if ok, err := Verify(other, v.hash); err != nil || ok {
			t.Errorf("%s matches %q too: %v", v.hash, other, err)
		}
		if cost, err := Cost(v.hash); err != nil || cost <= 0 {
			t.Errorf("%s costs %d: %v", v.hash, cost, err)
		}
	}
}

func TestIdentify(t *testing.T) {
	for field, want := range map[string]Scheme{
		"": None, "*": Locked, "!": Locked, "!!": Locked, "x": Locked, "!$6$a$b": Locked, "nonsense": Locked,
		"$1$a$b": MD5, "$3$$b": NT, "$sha1$1$a$b": SHA1, "$md5,rounds=1$a$b": SunMD5, "$5$a$b": SHA256, "$6$a$b": SHA512,
		"$2b$10$": Bcrypt, "$2x$10$": Unknown, "$7$": Scrypt, "$gy$": GostYes, "$y$j9T$a$b": Yescrypt, "$argon2id$": Unknown,
		"abJnggxhB/yWI": DES, "_J9..rasmBYk8r9AiWNc": BSDI, "$6$" + strings.Repeat("a", maxHash): Locked,
	} {
		got := Identify(field)
		if got != want {
			t.Errorf("%.40q is %s, want %s", field, got, want)
		}
		if got.Checkable() && (!got.HasPassword() || got.Weak() && got != MD5) {
			t.Errorf("%s is not consistent", got)
		}
	}
}

// TestCostOfHostileHashes checks that Cost returns a high cost for hostile parameters, without
// computing a hash.
func TestCostOfHostileHashes(t *testing.T) {
	for _, hash := range []string{
		"$6$rounds=999999999$a$b", "$6$rounds=18446744073709551615$a$b", "$5$rounds=99999999999999999999$a$b",
		"$2b$31$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i", "$y$jzT$a$b", "$y$jSzzz$a$b", "$y$jzzzzzzzzz$a$b",
		"$y$j9T.zzzzz$a$b", "$y$j9T/zzzzz$a$b", "$2b$99$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i",
	} {
		if cost, err := Cost(hash); err == nil && cost < 10_000_000 {
			t.Errorf("%s costs %d", hash, cost)
		}
	}
	if _, err := yescryptHash("a", "$y$jHT$a$b"); err != ErrHash {
		t.Errorf("1 GiB of memory: %v", err)
	}
}

func TestLongPasswordsMatchNothing(t *testing.T) {
	if ok, err := Verify(strings.Repeat("a", maxAttempt+1), "$6$a$b"); ok || err != nil {
		t.Error(ok, err)
	}
}

func FuzzHash(f *testing.F) {
	for _, v := range testVectors {
		f.Add(v.hash)
	}
	f.Add("$y$j9T.$a")
	f.Add("$6$rounds=1$")
	f.Fuzz(func(t *testing.T, hash string) {
		cost, err := Cost(hash)
		if err != nil || cost > 5000 {
			return
		}
		if _, err := Verify("a", hash); err != nil && err != ErrHash {
			t.Errorf("%q: %v", hash, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, hash := range []string{
		"$1$a$b", "$5$a$b", "$6$a$b", "$2b$08$abcdefghijklmnopqrstuuVDEh7mK1tQQnH09DK7/h5XKeTkuYF9i",
		"$y$j9T$abcdefgh$UGYCVcUwcoG0k8SZZ.Uz3i0RYQNy1YmYj4I4poBPer2",
	} {
		b.Run(string(Identify(hash)), func(b *testing.B) {
			cost, _ := Cost(hash)
			b.ReportMetric(float64(cost), "µs-cost/op")
			for b.Loop() {
				_, _ = Verify("password", hash)
			}
		})
	}
}
