package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSettings(t *testing.T) {
	got, err := parseSettings([]byte("listen: :8443\nshare-expires: 2027-01-31T00:00:00Z\nlimit: 0x10\nallow-host: [a:1, \"b,c:2\"]\nscan-on-sync: no\nproject:\nauth-host: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]setting{
		"listen": {values: []string{":8443"}}, "share-expires": {values: []string{"2027-01-31T00:00:00Z"}}, "limit": {values: []string{"0x10"}},
		"allow-host": {values: []string{"a:1", "b,c:2"}, list: true}, "scan-on-sync": {values: []string{"no"}}, "auth-host": {list: true},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(setting{})); d != "" {
		t.Error(d)
	}
}

func FuzzParseSettings(f *testing.F) {
	for _, seed := range []string{"output: json\n", "allow-host: [a, b]\n", "a: &x b\nc: *x\n", "a: {b: c}\n", "- a\n", "a: !!binary aGk=\n", "\xff", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		settings, err := parseSettings(raw)
		for key, s := range settings {
			if err != nil || (!s.list && len(s.values) != 1) {
				t.Errorf("%q: %+v, %v", key, s, err)
			}
		}
	})
}

func TestSettingsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(strings.Repeat("# padding\n", maxSettings/10+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := fails(t, "version", "--config", path); !strings.Contains(said, "larger than 1 MiB") {
		t.Error(said)
	}
}

func TestSecretIsBounded(t *testing.T) {
	for _, tt := range [][2]string{
		{"s3cret\n", "s3cret"}, {"s3cret\r\nmore\n", "s3cret"}, {"s3cret", "s3cret"}, {" spaced ", " spaced "},
		{"", ""}, {"\n", ""}, {strings.Repeat("x", maxSecret+1), ""},
	} {
		got, err := (&application{in: strings.NewReader(tt[0])}).readSecret(true)
		if got != tt[1] || (err == nil) != (tt[1] != "") {
			t.Errorf("%.20q: %.20q, %v", tt[0], got, err)
		}
	}
}
