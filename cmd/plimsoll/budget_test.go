package main

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"plimsoll"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{"40GiB": 40 << 30, "256MiB": 256 << 20, "1 KiB": 1024, "5MB": 5e6, "12": 12, "7B": 7} {
		var s size
		if err := s.Set(text); err != nil || int64(s) != want {
			t.Errorf("%s: %d, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "1.5GiB", "9999999999GiB", "ten"} {
		var s size
		if err := s.Set(text); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%q: %d, %v", text, s, err)
		}
	}
	for n, want := range map[size]string{40 << 30: "40GiB", 3 << 20: "3MiB", 1000: "1000", 0: "0"} {
		if got := n.String(); got != want {
			t.Errorf("%d: %s", int64(n), got)
		}
	}
}

// TestBudgetFlags lowers each bound below what an image needs.
func TestBudgetFlags(t *testing.T) {
	img, err := random.Image(4096, 2)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(path, name.MustParseReference("example.org/a/b:1"), img); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ flag, says string }{
		{"--max-unpacked=1KiB", "unpacked"}, {"--max-layers=1", "layers"}, {"--max-entries=0", "not above zero"}, {"--max-file=x", "not a size"},
	} {
		var errs bytes.Buffer
		code := runProgram(t.Context(), []string{"--data", t.TempDir(), "scan", "--archive", path, tt.flag}, strings.NewReader(""), io.Discard, &errs)
		if code != exitError || !strings.Contains(errs.String(), tt.says) {
			t.Errorf("%s: exit %d, %s", tt.flag, code, errs.String())
		}
	}
	if code := runProgram(t.Context(), []string{"--data", t.TempDir(), "scan", "--archive", path}, strings.NewReader(""), io.Discard, io.Discard); code != exitOK {
		t.Errorf("without flags: exit %d", code)
	}
}
