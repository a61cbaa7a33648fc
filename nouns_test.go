package plimsoll_test

import (
	"errors"
	"fmt"
	"testing"

	"plimsoll"
)

func TestErrorKeepsCodeHintAndCause(t *testing.T) {
	cause := errors.New("connection refused")
	err := fmt.Errorf("sync: %w", plimsoll.Errorf(plimsoll.Unavailable, "registry hub: %w", cause).WithHint("is it up?"))
	if got := plimsoll.ErrorCode(err); got != plimsoll.Unavailable {
		t.Errorf("code %q", got)
	}
	if got := plimsoll.ErrorHint(err); got != "is it up?" {
		t.Errorf("hint %q", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got := err.Error(); got != "sync: registry hub: connection refused" {
		t.Errorf("text %q", got)
	}
	if plimsoll.ErrorCode(nil) != "" || plimsoll.ErrorCode(cause) != plimsoll.Internal {
		t.Error("code of nil or of a stranger")
	}
}

func TestErrorfKeepsEveryCause(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	err := plimsoll.Errorf(plimsoll.Invalid, "%w and %w", one, two)
	if !errors.Is(err, one) || !errors.Is(err, two) || err.Error() != "one and two" {
		t.Errorf("%v", err)
	}
}

func TestFailKeepsTheInnerCode(t *testing.T) {
	inner := plimsoll.Fail(plimsoll.FailureAuth, errors.New("401"))
	if got := plimsoll.FailureOf(plimsoll.Fail(plimsoll.FailureDownload, fmt.Errorf("blob: %w", inner))); got != plimsoll.FailureAuth {
		t.Errorf("code %q", got)
	}
	if plimsoll.Fail(plimsoll.FailureAuth, nil) != nil {
		t.Error("nil became a failure")
	}
	if plimsoll.FailureDownload.State() != plimsoll.ScanUnreachable || plimsoll.FailureOversized.State() != plimsoll.ScanOversized ||
		plimsoll.FailurePackages.State() != plimsoll.ScanFailed || plimsoll.FailureCode("").State() != plimsoll.ScanDone {
		t.Error("states of failures")
	}
}

func TestPackageSetHash(t *testing.T) {
	a := plimsoll.Package{Ecosystem: "Debian:12", Name: "zlib1g", Version: "1.2", Source: "zlib"}
	b := plimsoll.Package{Ecosystem: "Debian:12", Name: "bash", Version: "5.2"}
	one := plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{a, b, a})
	two := plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{b, a})
	if one.Hash() != two.Hash() {
		t.Error("order or repetition changes the hash")
	}
	shifted := plimsoll.NewPackageSet(plimsoll.SetOS, []plimsoll.Package{{Ecosystem: "Debian:12", Name: "bash5", Version: ".2"}, a})
	if shifted.Hash() == two.Hash() || plimsoll.NewPackageSet(plimsoll.SetLanguage, two.Packages).Hash() == two.Hash() {
		t.Error("different sets share a hash")
	}
}

func TestSplitRepository(t *testing.T) {
	for path, want := range map[string][2]string{
		"nginx": {"library", "nginx"}, "team/web": {"team", "web"}, "team/sub/web": {"team", "sub/web"},
	} {
		if ns, name := plimsoll.SplitRepository(path); ns != want[0] || name != want[1] {
			t.Errorf("%s: %s, %s", path, ns, name)
		}
	}
}

func TestPrincipalRole(t *testing.T) {
	p := plimsoll.Principal{Grants: []plimsoll.Grant{
		{EnterpriseProject: "7", Role: plimsoll.RoleAdmin}, {EnterpriseProject: "8", Role: plimsoll.RoleReader},
	}}
	if p.Role("7") != plimsoll.RoleAdmin || p.Role("8") != plimsoll.RoleReader || p.Role("0") != "" {
		t.Error("roles by enterprise project")
	}
	if ids, all := p.EnterpriseProjects(plimsoll.RoleEditor); all || len(ids) != 1 || ids[0] != "7" {
		t.Errorf("editor in %v, all %v", ids, all)
	}
	p.Grants = append(p.Grants, plimsoll.Grant{Role: plimsoll.RoleReader})
	if p.Role("0") != plimsoll.RoleReader || p.Role("7") != plimsoll.RoleAdmin {
		t.Error("a grant for all adds to the others")
	}
	if _, all := p.EnterpriseProjects(plimsoll.RoleReader); !all {
		t.Error("a grant for all is all")
	}
}

func TestLeastFinished(t *testing.T) {
	if got := plimsoll.LeastFinished(plimsoll.ScanDone, plimsoll.ScanFailed, plimsoll.ScanRunning); got != plimsoll.ScanRunning {
		t.Errorf("%s", got)
	}
	if plimsoll.LeastFinished() != plimsoll.ScanNone {
		t.Error("of nothing")
	}
}

func TestSeverityAtLeast(t *testing.T) {
	if !plimsoll.SeverityCritical.AtLeast(plimsoll.SeverityHigh) || plimsoll.SeverityLow.AtLeast(plimsoll.SeverityHigh) ||
		plimsoll.SeverityUnknown.AtLeast(plimsoll.SeverityLow) || !plimsoll.SeverityUnknown.AtLeast(plimsoll.SeverityUnknown) {
		t.Error("order of severities")
	}
}
