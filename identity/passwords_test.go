package identity

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"plimsoll"
)

func TestPasswordsVerifyWhatTheyHashed(t *testing.T) {
	p, ctx := NewPasswords(2), t.Context()
	hash, err := p.Hash(ctx, "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q has another form or cost", hash)
	}
	for _, c := range []struct {
		password, hash string
		want           bool
	}{
		{"correct horse battery", hash, true},
		{"correct horse batterz", hash, false},
		{"", hash, false},
		{strings.Repeat("x", MaxPasswordBytes+1), hash, false},
		{"correct horse battery", "", false},
	} {
		got, err := p.Verify(ctx, c.password, c.hash)
		if err != nil || got != c.want {
			t.Errorf("Verify(%.30q, %.10q) = %v, %v; want %v", c.password, c.hash, got, err, c.want)
		}
	}
}

// TestVerifyReadsOtherCosts: hashes made elsewhere, or by another release, still verify.
// The vector is that of the reference implementation's tests (argon2id, version 19, 65536 KiB, 2 passes, 1 lane).
func TestVerifyReadsOtherCosts(t *testing.T) {
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	got, err := NewPasswords(1).Verify(t.Context(), "password", hash)
	if err != nil || !got {
		t.Errorf("Verify = %v, %v", got, err)
	}
}

func TestHashRefusesShortAndLong(t *testing.T) {
	for _, bad := range []string{"", "elevenchars", "äöüäöüäöüäö", strings.Repeat("x", MaxPasswordBytes+1)} {
		_, err := NewPasswords(1).Hash(t.Context(), bad)
		if plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("Hash(%.20q) = %v", bad, err)
		}
	}
}

func TestPasswordsWaitForASlot(t *testing.T) {
	p := NewPasswords(1)
	p.slots <- struct{}{} // somebody else computes
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Verify(ctx, "correct horse battery", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify past the cap = %v, want to give up with the context", err)
	}
}

func TestPasswordsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPasswords(2)
		p.slots <- struct{}{}
		p.slots <- struct{}{}
		var done atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := p.Verify(t.Context(), "correct horse battery", ""); err != nil {
					t.Error(err)
				}
				done.Add(1)
			})
		}
		synctest.Wait() // until all six wait for a slot
		if n := done.Load(); n != 0 {
			t.Errorf("%d hashes were computed past the cap", n)
		}
		<-p.slots
		<-p.slots
		wg.Wait()
		if n := len(p.slots); n != 0 {
			t.Errorf("%d slots were not given back", n)
		}
	})
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2i$v=19$m=1,t=1,p=1$$")
	f.Add("$2a$10$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if h.String() != s {
			t.Errorf("%q reads back as %q", s, h)
		}
		if h.memory > 256*1024 || h.passes > 16 || h.passes == 0 || h.threads == 0 || h.threads > 16 {
			t.Errorf("a stored hash may ask for %+v", h)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p := NewPasswords(1)
	for b.Loop() {
		if _, err := p.Verify(b.Context(), "correct horse battery", ""); err != nil {
			b.Fatal(err)
		}
	}
}
