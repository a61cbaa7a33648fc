package seal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"plimsoll"
)

// metaKey is the name under which a database stores the id of the key of its secrets.
const metaKey = "sealing_key"

// Suffixes of the files beside the key.
const (
	nextSuffix = ".next"
	oldSuffix  = ".old"
)

// Meta is the part of the store that keeps values about the database itself.
type Meta interface {
	// Meta returns what is stored under key; NotFound if nothing is.
	Meta(ctx context.Context, key string) (string, error)

	// EnsureMeta stores value under key if there is none yet and returns what is stored.
	EnsureMeta(ctx context.Context, key, value string) (string, error)
}

// Vault is the part of the store that holds sealed values.
type Vault interface {
	// Reseal replaces every sealed value by the result of f, and the Meta value of key by to,
	// in one transaction. It returns the number of sealed values. Conflict if the Meta value is
	// not from.
	Reseal(ctx context.Context, key, from, to string, f func(sealed, ad []byte) ([]byte, error)) (int, error)
}

// Open returns the key of the database's secrets, from the file at path. It makes a key for a
// database that has none, and finishes an interrupted rotation. Conflict if no file has the key
// with the stored id.
func Open(ctx context.Context, path string, meta Meta) (*Key, error) {
	wanted, err := meta.Meta(ctx, metaKey)
	if plimsoll.ErrorCode(err) == plimsoll.NotFound {
		return bindFirstKey(ctx, path, meta)
	}
	if err != nil {
		return nil, fmt.Errorf("read which sealing key the database has: %w", err)
	}
	found := "none"
	for _, place := range []struct{ file, aside string }{
		{path, ""}, {path + nextSuffix, path + oldSuffix}, {path + oldSuffix, path + nextSuffix},
	} {
		k, err := loadIfPresent(place.file)
		switch {
		case err != nil:
			return nil, err
		case k == nil:
			continue
		case k.ID() != wanted:
			if place.file == path {
				found = k.ID()
			}
			continue
		case place.file != path:
			if err := promoteKeyFile(place.file, path, place.aside); err != nil {
				return nil, fmt.Errorf("finish the rotation of the sealing key %s: %w", path, err)
			}
		}
		return k, nil
	}
	return nil, otherKeyError("this database's secrets were", wanted, found)
}

// bindFirstKey loads or makes the key and stores its id in a database that has none.
func bindFirstKey(ctx context.Context, path string, meta Meta) (*Key, error) {
	k, err := Load(path)
	if err != nil {
		return nil, err
	}
	stored, err := meta.EnsureMeta(ctx, metaKey, k.ID())
	if err != nil {
		return nil, fmt.Errorf("bind the sealing key to the database: %w", err)
	}
	if stored != k.ID() {
		return nil, otherKeyError("this database's secrets were", stored, k.ID())
	}
	return k, nil
}

// Rotate makes a new key and seals every value of the vault with it. It keeps the previous key as
// path.old. No other process may use the vault's key at the same time.
//
// Rotate may be interrupted at any point. Before the vault's transaction the old key stays valid
// and the next Rotate uses the new file; after it, Open moves the new key to path.
func Rotate(ctx context.Context, path string, current *Key, vault Vault) (next *Key, values int, err error) {
	// The key is on disk, and synced, before any value is sealed with it.
	if next, err = Load(path + nextSuffix); err != nil {
		return nil, 0, err
	}
	if next.ID() == current.ID() {
		return nil, 0, plimsoll.Errorf(plimsoll.Conflict, "%s has the key that is in use", path+nextSuffix).
			WithHint("remove that file and rotate again")
	}
	values, err = vault.Reseal(ctx, metaKey, current.ID(), next.ID(), func(sealed, ad []byte) ([]byte, error) {
		plain, err := current.Open(sealed, ad)
		if err != nil {
			return nil, err
		}
		return next.Seal(plain, ad), nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("seal again: %w", err)
	}
	if err := promoteKeyFile(path+nextSuffix, path, path+oldSuffix); err != nil {
		return nil, 0, plimsoll.Errorf(plimsoll.Internal, "put the new sealing key in place: %w", err).
			WithHint("the secrets are sealed with the new key in %s; the next start tries again", path+nextSuffix)
	}
	return next, values, nil
}

// promoteKeyFile renames the file at path to aside, and from to path. If it is interrupted
// between the two, there is no file at path, and Open looks at the others.
func promoteKeyFile(from, path, aside string) error {
	dir := filepath.Dir(path)
	if err := os.Rename(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := syncDir(dir); err != nil { // otherwise a power failure could keep the second rename without the first
		return err
	}
	if err := os.Rename(from, path); err != nil {
		return err
	}
	return syncDir(dir)
}
