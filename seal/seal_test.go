package seal_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"plimsoll"
	"plimsoll/seal"
)

func testKey(t testing.TB, fill byte) *seal.Key {
	t.Helper()
	k, err := seal.New(bytes.Repeat([]byte{fill}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedValueOpensInItsPlaceOnly(t *testing.T) {
	k := testKey(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		plain, ad, other := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), rapid.SliceOf(rapid.Byte()).Draw(t, "ad"), rapid.SliceOf(rapid.Byte()).Draw(t, "other")
		sealed := k.Seal(plain, ad)
		if len(sealed) != len(plain)+seal.Overhead {
			t.Fatalf("sealed length %d of %d bytes", len(sealed), len(plain))
		}
		if bytes.Equal(sealed, k.Seal(plain, ad)) {
			t.Fatal("two sealed values are equal: the nonce repeats")
		}
		got, err := k.Open(sealed, ad)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %x, %v; want %x", got, err, plain)
		}
		if _, err := k.Open(sealed, other); err == nil && !bytes.Equal(ad, other) {
			t.Fatal("opened with other additional data")
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	k := testKey(t, 1)
	sealed := k.Seal([]byte("hunter2hunter2"), []byte("registry 7 example.com"))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := k.Open(changed, []byte("registry 7 example.com")); err == nil {
			t.Errorf("byte %d changed and still opened", i)
		}
	}
	for n := range sealed {
		if _, err := k.Open(sealed[:n], []byte("registry 7 example.com")); err == nil {
			t.Errorf("opened when cut to %d bytes", n)
		}
	}
	_, err := testKey(t, 2).Open(sealed, []byte("registry 7 example.com"))
	if plimsoll.ErrorCode(err) != plimsoll.Conflict || plimsoll.ErrorHint(err) == "" {
		t.Errorf("another key: %v, hint %q", err, plimsoll.ErrorHint(err))
	}
	if id, err := seal.KeyID(sealed); err != nil || id != k.ID() {
		t.Errorf("KeyID = %q, %v; want %q", id, err, k.ID())
	}
}

func FuzzOpen(f *testing.F) {
	k := testKey(f, 1)
	f.Add(k.Seal([]byte("x"), nil))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if plain, err := k.Open(sealed, []byte("nobody sealed for this place")); err == nil {
			t.Errorf("opened a forged value as %q", plain)
		}
	})
}

func TestKeyPrintsItsIDOnly(t *testing.T) {
	k := testKey(t, 'A')
	holder := struct{ K *seal.Key }{k}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, v := range []any{k, *k, holder} {
			got := fmt.Sprintf(format, v)
			if strings.Contains(got, "AAAA") || strings.Contains(got, "4141") || strings.Contains(got, "65 65") {
				t.Errorf("%s prints the key: %s", format, got)
			}
		}
	}
}

func TestLoadMakesTheKeyOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, err := seal.Load(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("several keys were made: %v", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != seal.KeySize {
		t.Fatalf("key file: %v, %v", info, err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind beside the key: %v, %v", entries, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	whole := bytes.Repeat([]byte{7}, seal.KeySize)
	for _, c := range []struct {
		name  string
		bytes []byte
		mode  os.FileMode
		want  string
		hint  string
	}{
		{"readable by all", whole, 0o644, "mode 0644", "chmod 600"},
		{"readable by group", whole, 0o640, "mode 0640", "chmod 600"},
		{"short", whole[:31], 0o600, "exactly 32 bytes", "backup"},
		{"long", append(whole, '\n'), 0o600, "exactly 32 bytes", "backup"},
		{"empty", nil, 0o600, "exactly 32 bytes", "backup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "seal.key")
			if err := os.WriteFile(path, c.bytes, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil { // past the umask
				t.Fatal(err)
			}
			_, err := seal.Load(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Load = %v, want %q", err, c.want)
			}
			if hint := plimsoll.ErrorHint(err); !strings.Contains(hint, c.hint) {
				t.Errorf("hint %q, want %q", hint, c.hint)
			}
		})
	}
	if _, err := seal.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder as key file: %v", err)
	}
}
