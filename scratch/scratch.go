// Package scratch makes temporary files that have no name: what is in one is gone once it is closed, however
// the process ends. In the flow it stands below what reads layers and archives.
package scratch

import (
	"fmt"
	"os"
)

// File makes an empty file in the system's folder for temporary ones. Its errors are those of the system.
func File() (*os.File, error) {
	f, err := os.CreateTemp("", "plimsoll-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close() //nolint:errcheck // the removal's error is the one to tell
		return nil, fmt.Errorf("unlink a temporary file: %w", err)
	}
	return f, nil
}
