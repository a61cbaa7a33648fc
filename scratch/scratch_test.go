package scratch

import (
	"io"
	"os"
	"testing"
)

// TestNoName checks that a file can be used and leaves no name behind.
func TestNoName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	f, err := File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("a name is left: %v %v", left, err)
	}
	if _, err := f.WriteString("content"); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(f, 0, 7)); err != nil || string(got) != "content" {
		t.Errorf("%q %v", got, err)
	}
	t.Setenv("TMPDIR", dir+"/nowhere")
	if _, err := File(); err == nil {
		t.Error("a file in a folder that is not there")
	}
}
