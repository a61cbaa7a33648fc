package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server that starts with rules it cannot use says so, once, and goes on.
func TestServeTellsOfRefusedRules(t *testing.T) {
	data := t.TempDir()
	rules := filepath.Join(data, "rules")
	if err := errors.Join(os.Mkdir(rules, 0o700), os.WriteFile(filepath.Join(rules, "a.yar"), []byte("rule a { condition: cuckoo.x }\nrule b { condition: false }\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	s, err := serveInBackground([]string{"--data", data, "serve", "--listen", "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("ended with %d", code)
	}
	if got := s.errs.String(); strings.Count(got, "some rules cannot be used") != 1 || !strings.Contains(got, "refused=1 ") {
		t.Errorf("said %q", got)
	}
}
