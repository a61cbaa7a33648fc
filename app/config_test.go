package app

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultData(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	for xdg, want := range map[string]string{"/xdg": "/xdg/plimsoll", "relative": "/home/somebody/", "": "/home/somebody/"} {
		got, err := DefaultData(func(string) (string, bool) { return xdg, xdg != "" })
		if err != nil || !strings.HasPrefix(got, want) || filepath.Base(got) != "plimsoll" {
			t.Errorf("XDG_DATA_HOME=%s: %s, %v", xdg, got, err)
		}
	}
}
