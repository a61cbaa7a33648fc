package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"plimsoll"
)

// Load reads the key file at path, and makes one with a random key if there is none.
// The file holds KeySize bytes and nothing else; others than its owner must not be able to read it.
func Load(path string) (*Key, error) {
	secret, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path); err != nil {
			return nil, fmt.Errorf("make sealing key %s: %w", path, err)
		}
		secret, err = readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("sealing key %s: %w", path, err)
	}
	return New(secret)
}

// loadIfPresent is Load without making a key: it returns nil if there is no file.
func loadIfPresent(path string) (*Key, error) {
	secret, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sealing key %s: %w", path, err)
	}
	return New(secret)
}

func readKey(path string) ([]byte, error) {
	// Asked before opening: opening a pipe would wait for its writer.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "mode %04o lets others than the owner at the key", mode).
			WithHint("chmod 600 %s", path)
	}
	secret, err := io.ReadAll(io.LimitReader(f, KeySize+1))
	if err != nil {
		return nil, err
	}
	if len(secret) != KeySize {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the file does not hold exactly %d bytes", KeySize).
			WithHint("put the key file back from a backup: what it sealed cannot be read without it")
	}
	return secret, nil
}

// createKey leaves at path a whole key or nothing, even if the machine stops
// half-way. A key that another process made meanwhile is left alone, which is why
// the file is linked and not renamed: a rename would replace it.
func createKey(path string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // the linked name stays
	secret := make([]byte, KeySize)
	rand.Read(secret) //nolint:errcheck,gosec // crypto/rand never returns an error
	if _, err := f.Write(secret); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return plimsoll.Errorf(plimsoll.Internal, "%w", err).
			WithHint("on a file system without hard links make the file by hand: (umask 077; head -c %d /dev/urandom > %s)", KeySize, path)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
