package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
)

func TestTrust(t *testing.T) {
	private, public := newKeys(t)
	_, other := newKeys(t)
	signed, unsigned := writeBundle(t, filledStore(t), private), writeBundle(t, filledStore(t), nil)
	for name, c := range map[string]struct {
		raw   []byte
		trust Trust
		want  error
	}{
		"signed":             {signed, Trust{Keys: []ed25519.PublicKey{other, public}}, nil},
		"another's":          {signed, Trust{Keys: []ed25519.PublicKey{other}}, ErrSignature},
		"nobody trusted":     {signed, Trust{}, ErrUnsigned},
		"unsigned":           {unsigned, Trust{Keys: []ed25519.PublicKey{public}}, ErrUnsigned},
		"unsigned, accepted": {unsigned, Trust{Unsigned: true}, nil},
		"signed, unchecked":  {signed, Trust{Unsigned: true}, nil},
	} {
		if _, err := importBundle(t, openStore(t), c.raw, c.trust); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := (Trust{Keys: []ed25519.PublicKey{public}, Unsigned: true}).verify(nil, nil); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a contradiction: %v", err)
	}
}

// rewriteBundle passes every entry of a bundle through change; nil leaves it out.
func rewriteBundle(t *testing.T, raw []byte, change func(name string, body []byte) (string, []byte)) []byte {
	t.Helper()
	dec, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	var out bytes.Buffer
	enc, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(enc)
	for r := tar.NewReader(dec); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, body := change(h.Name, body)
		if body == nil {
			continue
		}
		h.Name, h.Size = name, int64(len(body))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), enc.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestTampered: whatever is changed in a signed bundle, none of it is imported.
func TestTampered(t *testing.T) {
	private, public := newKeys(t)
	raw := writeBundle(t, filledStore(t), private)
	for name, change := range map[string]func(string, []byte) (string, []byte){
		"a record": func(n string, b []byte) (string, []byte) {
			return n, bytes.ReplaceAll(b, []byte(`"fixed":"2"`), []byte(`"fixed":"1"`))
		},
		"the manifest": func(n string, b []byte) (string, []byte) {
			return n, bytes.ReplaceAll(b, []byte(`"checked_at": "20`), []byte(`"checked_at": "21`))
		},
		"no manifest": func(n string, b []byte) (string, []byte) {
			if n == manifestName {
				return n, nil
			}
			return n, b
		},
		"no feed": func(n string, b []byte) (string, []byte) {
			if strings.HasSuffix(n, "0.jsonl") {
				return n, nil
			}
			return n, b
		},
		"another name": func(n string, b []byte) (string, []byte) { return strings.Replace(n, "feeds/0", "../../x", 1), b },
		"no signature": func(n string, b []byte) (string, []byte) {
			if n == sigName {
				return n, nil
			}
			return n, b
		},
		"a broken signature": func(n string, b []byte) (string, []byte) {
			if n == sigName {
				return n, []byte("{")
			}
			return n, b
		},
	} {
		db := openStore(t)
		if _, err := importBundle(t, db, rewriteBundle(t, raw, change), Trust{Keys: []ed25519.PublicKey{public}}); err == nil {
			t.Errorf("%s: imported", name)
		}
		if r, err := db.Revision(t.Context()); r != 0 || err != nil {
			t.Errorf("%s: revision %d, %v", name, r, err)
		}
	}
	same := rewriteBundle(t, raw, func(n string, b []byte) (string, []byte) { return n, b })
	if _, err := importBundle(t, openStore(t), same, Trust{Keys: []ed25519.PublicKey{public}}); err != nil {
		t.Errorf("nothing changed: %v", err)
	}
	for _, cut := range []int{0, 3, len(raw) / 2, len(raw) - 1} {
		if _, err := importBundle(t, openStore(t), raw[:cut], Trust{Keys: []ed25519.PublicKey{public}}); !errors.Is(err, ErrBroken) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
}

func TestKeysAreNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if _, err := NewKey(path); err != nil {
		t.Fatal(err)
	}
	if _, err := NewKey(path); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("twice: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := ReadPublicKey(path); plimsoll.ErrorCode(err) != plimsoll.Invalid {
		t.Errorf("a private key as a public one: %v", err)
	}
}
