//go:build unix

package app

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"plimsoll"
)

// lockData locks the data directory for this process. The kernel drops the lock when
// the process ends, however it ends.
func lockData(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "lock the data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = plimsoll.Errorf(plimsoll.Conflict, "the data directory %s is in use by another plimsoll", dir).
			WithHint("speak to the running server: set PLIMSOLL_ENDPOINT and PLIMSOLL_TOKEN (or PLIMSOLL_USER and PLIMSOLL_PASSWORD), or stop it first")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
