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

// Load reads the key file at path, or makes one with a random key if there is none. The file has
// exactly KeySize bytes, and only its owner may have access to it.
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

// loadIfPresent reads the key file at path; nil if there is no file.
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
	// Checked before opening: opening a named pipe would wait for its writer.
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
		return nil, plimsoll.Errorf(plimsoll.Invalid, "mode %04o gives others than the owner access to the key", mode).
			WithHint("chmod 600 %s", path)
	}
	secret, err := io.ReadAll(io.LimitReader(f, KeySize+1))
	if err != nil {
		return nil, err
	}
	if len(secret) != KeySize {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the file does not have exactly %d bytes", KeySize).
			WithHint("restore the key file from a backup: the secrets sealed with it cannot be read without it")
	}
	return secret, nil
}

// createKey makes a complete key file at path or none, even if the machine stops half-way. It
// links the file instead of renaming it, because a rename would replace a key that another
// process has made in the meantime.
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
