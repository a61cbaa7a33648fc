// Package scratch creates temporary files without a name: the system frees their space when they are closed, however the
// process ends. The packages that read layers and archives use it.
package scratch

import (
	"fmt"
	"os"
)

// File creates an empty file in the system's temporary directory and removes its name. Its errors are those of the system.
func File() (*os.File, error) {
	f, err := os.CreateTemp("", "plimsoll-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close() //nolint:errcheck // the error of the removal is reported
		return nil, fmt.Errorf("unlink a temporary file: %w", err)
	}
	return f, nil
}
