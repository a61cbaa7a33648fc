package seal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/sqlite"
)

// installation is a database with sealed values in it, and its key.
type installation struct {
	t     *testing.T
	path  string // of the key
	store *store.Store
	keys  []string // access ids
	reg   plimsoll.Registry
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	s, err := sqlite.Inventory(ctx, filepath.Join(dir, "plimsoll.db"))
	ok(t, err)
	t.Cleanup(func() { ok(t, s.Close()) })
	h := &installation{t: t, path: filepath.Join(dir, "seal.key"), store: s, keys: []string{"AK0", "AK1", "AK2"}}
	k := h.open()
	day := time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC)
	_, err = s.EnsureDomain(ctx, plimsoll.Domain{ID: "d", Name: "d"})
	ok(t, err)
	ok(t, s.AddProject(ctx, plimsoll.Project{ID: "p", Name: "p", DomainID: "d", CreatedAt: day}))
	ok(t, s.AddUser(ctx, plimsoll.User{ID: "u", Name: "u", DomainID: "d", PasswordHash: "x", CreatedAt: day}))
	for _, id := range h.keys {
		key := plimsoll.AccessKey{Access: id, UserID: "u", CreatedAt: day}
		key.SealedSecret = k.Seal([]byte("secret of "+id), key.SealedFor())
		ok(t, s.AddAccessKey(ctx, key))
	}
	h.reg = plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "dock", URL: "https://dock.example:5000", Kind: plimsoll.RegistryOther, Username: "u"}
	ok(t, s.AddRegistry(ctx, &h.reg))
	ok(t, s.SealRegistry(ctx, h.reg.ID, k.Seal([]byte("secret of dock"), h.reg.SealedFor())))
	ok(t, s.AddRegistry(ctx, &plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "open", URL: "https://open.example", Kind: plimsoll.RegistryOther}))
	return h
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *installation) open() *seal.Key {
	h.t.Helper()
	k, err := seal.Open(h.t.Context(), h.path, h.store)
	ok(h.t, err)
	return k
}

// readable fails the test unless every secret opens with the key of the next start.
func (h *installation) readable() *seal.Key {
	h.t.Helper()
	ctx := h.t.Context()
	k := h.open()
	if info, err := os.Stat(h.path); err != nil || info.Mode().Perm() != 0o600 {
		h.t.Fatalf("key file: %v, %v", info, err)
	}
	plain := func(sealed, ad []byte, want string) {
		h.t.Helper()
		got, err := k.Open(sealed, ad)
		if err != nil || string(got) != want {
			h.t.Errorf("opens as %q, %v; want %q", got, err, want)
		}
	}
	for _, id := range h.keys {
		key, err := h.store.AccessKey(ctx, id)
		ok(h.t, err)
		plain(key.SealedSecret, key.SealedFor(), "secret of "+id)
	}
	reg, err := h.store.Registry(ctx, "p", h.reg.ID)
	ok(h.t, err)
	plain(reg.SealedSecret, reg.SealedFor(), "secret of dock")
	return k
}

func TestRotate(t *testing.T) {
	h := newInstallation(t)
	first := h.readable()
	for range 3 { // each replaces the key before
		before := h.open()
		next, n, err := seal.Rotate(t.Context(), h.path, before, h.store)
		ok(t, err)
		if n != len(h.keys)+1 || next.ID() == before.ID() || next.ID() == first.ID() {
			t.Errorf("%d values, key %s after %s", n, next.ID(), before.ID())
		}
		if now := h.readable(); now.ID() != next.ID() {
			t.Errorf("opened %s, rotated to %s", now.ID(), next.ID())
		}
		old, err := seal.Load(h.path + ".old")
		if err != nil || old.ID() != before.ID() {
			t.Errorf("kept %v, %v; want %s", old, err, before.ID())
		}
		if _, err := os.Stat(h.path + ".next"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the next key lies about: %v", err)
		}
	}
	if _, _, err := seal.Rotate(t.Context(), h.path, first, h.store); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("rotating from a key that is not in use: %v", err)
	}
	h.readable()
}

var errCut = errors.New("cut off")

// cut is a vault whose process dies: while values are sealed again, before the commit, or after it.
type cut struct {
	*store.Store
	atValue int  // the process dies at this value, counted from 1
	after   bool // or after the commit
}

func (c cut) Reseal(ctx context.Context, key, from, to string, f func(sealed, ad []byte) ([]byte, error)) (int, error) {
	seen := 0
	n, err := c.Store.Reseal(ctx, key, from, to, func(sealed, ad []byte) ([]byte, error) {
		if seen++; seen == c.atValue {
			return nil, errCut
		}
		return f(sealed, ad)
	})
	if err == nil && c.after {
		err = errCut
	}
	return n, err
}

// TestRotationCutOff leaves things as a process leaves them that dies at each step, and starts again.
func TestRotationCutOff(t *testing.T) {
	rename := func(from, to string) func(h *installation) {
		return func(h *installation) { ok(h.t, os.Rename(h.path+from, h.path+to)) }
	}
	for name, c := range map[string]struct {
		vault  cut
		files  func(h *installation) // what happened to the files after the transaction
		isNext bool                  // the key in force afterwards
	}{
		"at the first value":      {cut{atValue: 1}, nil, false},
		"at the last value":       {cut{atValue: 4}, nil, false},
		"after the transaction":   {cut{after: true}, nil, true},
		"between the two renames": {cut{after: true}, rename("", ".old"), true},
		"after the renames":       {cut{after: true}, func(h *installation) { rename("", ".old")(h); rename(".next", "")(h) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newInstallation(t)
			before := h.open()
			c.vault.Store = h.store
			if _, _, err := seal.Rotate(t.Context(), h.path, before, c.vault); !errors.Is(err, errCut) {
				t.Fatalf("Rotate = %v", err)
			}
			if c.files != nil {
				c.files(h)
			}
			k := h.readable()
			if (k.ID() != before.ID()) != c.isNext {
				t.Errorf("key %s, before %s", k.ID(), before.ID())
			}
			next, _, err := seal.Rotate(t.Context(), h.path, k, h.store) // and it can be done again
			ok(t, err)
			if h.readable().ID() != next.ID() {
				t.Error("the second rotation did not hold")
			}
		})
	}
}

// TestCutOffWhileMakingTheKey: an unfinished file has another name, and is ignored.
func TestCutOffWhileMakingTheKey(t *testing.T) {
	h := newInstallation(t)
	ok(t, os.WriteFile(filepath.Join(filepath.Dir(h.path), ".seal.key.next-123"), []byte("half"), 0o600))
	_, _, err := seal.Rotate(t.Context(), h.path, h.readable(), h.store)
	ok(t, err)
	h.readable()
}

// TestOlderDatabase opens a database without the rotation: a backup, or one that lost the commit in a power failure.
func TestOlderDatabase(t *testing.T) {
	h := newInstallation(t)
	before := h.open()
	backup := filepath.Join(t.TempDir(), "backup.db")
	_, err := h.store.DB().Writer.ExecContext(t.Context(), `VACUUM INTO ?`, backup)
	ok(t, err)
	next, _, err := seal.Rotate(t.Context(), h.path, before, h.store)
	ok(t, err)
	newer := h.store
	h.store, err = sqlite.Inventory(t.Context(), backup)
	ok(t, err)
	t.Cleanup(func() { ok(t, h.store.Close()) })
	if h.readable().ID() != before.ID() {
		t.Error("the backup opens with another key")
	}
	older := h.store
	h.store = newer
	if h.readable().ID() != next.ID() {
		t.Error("the newer database is lost")
	}
	h.store = older
}

func TestOpenWantsTheKeyOfTheDatabase(t *testing.T) {
	h := newInstallation(t)
	own := h.open()
	ok(t, os.Rename(h.path, h.path+".lost"))
	_, err := seal.Open(t.Context(), h.path, h.store)
	if plimsoll.ErrorCode(err) != plimsoll.Conflict || plimsoll.ErrorHint(err) == "" {
		t.Errorf("no key: %v", err)
	}
	if _, err := os.Stat(h.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key was made that opens nothing: %v", err)
	}
	_, err = seal.Load(h.path)
	ok(t, err)
	if _, err = seal.Open(t.Context(), h.path, h.store); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("another key: %v", err)
	}
	ok(t, os.Rename(h.path+".lost", h.path))
	if h.readable().ID() != own.ID() {
		t.Error("opened another key")
	}
	ok(t, os.Chmod(h.path, 0o644))
	if _, err = seal.Open(t.Context(), h.path, h.store); err == nil {
		t.Error("a key that others can read was taken")
	}
}

// TestRotateNamesWhatDoesNotOpen: one value that was sealed for another place stops the rotation, whole.
func TestRotateNamesWhatDoesNotOpen(t *testing.T) {
	h := newInstallation(t)
	ctx := t.Context()
	k := h.open()
	moved, err := h.store.AccessKey(ctx, "AK0")
	ok(t, err)
	moved.Access = "AK9"
	ok(t, h.store.AddAccessKey(ctx, moved))
	_, _, err = seal.Rotate(ctx, h.path, k, h.store)
	if plimsoll.ErrorCode(err) != plimsoll.Internal || plimsoll.ErrorHint(err) == "" {
		t.Errorf("Rotate = %v, hint %q", err, plimsoll.ErrorHint(err))
	}
	if want := "access key AK9"; err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("no %q in %v", want, err)
	}
	ok(t, h.store.RemoveAccessKey(ctx, "AK9"))
	if h.readable().ID() != k.ID() {
		t.Error("half a rotation")
	}
}

// TestEverySealedColumnIsKnown compares the columns that a rotation seals again with the schema.
func TestEverySealedColumnIsKnown(t *testing.T) {
	h := newInstallation(t)
	rows, err := h.store.DB().Reader.QueryContext(t.Context(),
		`SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name LIKE '%sealed%' ORDER BY 1`)
	ok(t, err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var column string
		ok(t, rows.Scan(&column))
		got = append(got, column)
	}
	ok(t, rows.Err())
	if want := []string{"access_key.sealed_secret", "layer_hash.sealed_hashes", "password_list.sealed_words", "registry.sealed_secret"}; !slices.Equal(got, want) {
		t.Errorf("sealed columns %v; Store.Reseal knows %v", got, want)
	}
}
