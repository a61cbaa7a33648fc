package plimsoll_test

import (
	"strings"
	"testing"

	"plimsoll"
)

func TestForbids(t *testing.T) {
	rules := append(plimsoll.DefaultSoftwarePolicy(), plimsoll.SoftwareRule{Name: "logging", Packages: []string{"log4j-*"}})
	if err := plimsoll.ValidateSoftwarePolicy(rules); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		kind       plimsoll.SetKind
		name, want string
	}{
		{plimsoll.SetOS, "netcat-openbsd", "netcat"}, {plimsoll.SetOS, "Nmap", "nmap"}, {plimsoll.SetOS, "gcc-12", "compiler"}, {plimsoll.SetOS, "gcc-12-base", ""},
		{plimsoll.SetOS, "libgcc-s1", ""}, {plimsoll.SetOS, "gdb", "debugger"}, {plimsoll.SetOS, "telnet", "telnet"}, {plimsoll.SetOS, "xmrig", "miner"},
		{plimsoll.SetOS, "bash", ""}, {plimsoll.SetLanguage, "nmap", ""}, {plimsoll.SetLanguage, "log4j-core", "logging"}, {plimsoll.SetOS, "log4j", ""},
		{plimsoll.SetOS, "proxychains4", "attack tools"},
	}
	for _, test := range tests {
		r, ok := plimsoll.Forbids(rules, test.kind, plimsoll.Package{Name: test.name})
		if r.Name != test.want || ok != (test.want != "") {
			t.Errorf("%s of %s: %q, want %q", test.name, test.kind, r.Name, test.want)
		}
	}
}

func TestValidateSoftwarePolicy(t *testing.T) {
	many := make([]plimsoll.SoftwareRule, plimsoll.MaxSoftwareRules+1)
	for name, rules := range map[string][]plimsoll.SoftwareRule{
		"too many": many, "no name": {{Packages: []string{"x"}}}, "no packages": {{Name: "x"}}, "twice": {{Name: "x", Packages: []string{"x"}}, {Name: "x", Packages: []string{"y"}}},
		"star alone": {{Name: "x", Packages: []string{"*"}}}, "star within": {{Name: "x", Packages: []string{"a*b"}}}, "empty": {{Name: "x", Packages: []string{""}}},
		"long": {{Name: strings.Repeat("x", 257), Packages: []string{"x"}}}, "kind": {{Name: "x", Packages: []string{"x"}, Kind: "other"}},
	} {
		if plimsoll.ErrorCode(plimsoll.ValidateSoftwarePolicy(rules)) != plimsoll.Invalid {
			t.Errorf("%s passes", name)
		}
	}
}
