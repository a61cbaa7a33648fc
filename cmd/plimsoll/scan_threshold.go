package main

import (
	"errors"
	"slices"

	"plimsoll"
)

// errThreshold ends a scan whose findings reach --fail-on.
var errThreshold = errors.New("findings reach the --fail-on threshold")

// threshold is what --fail-on asks for.
type threshold struct {
	severity plimsoll.Severity
	malware  bool
	secret   bool
	any      bool
}

func parseThreshold(s string) (threshold, error) {
	switch s {
	case "":
		return threshold{}, nil
	case "any":
		return threshold{any: true}, nil
	case "malware":
		return threshold{malware: true}, nil
	case "secret":
		return threshold{secret: true}, nil
	}
	if severity := plimsoll.Severity(s); slices.Contains(plimsoll.Severities(), severity) && severity != plimsoll.SeverityUnknown {
		return threshold{severity: severity}, nil
	}
	return threshold{}, plimsoll.Errorf(plimsoll.Invalid, "--fail-on %.40q is not critical, high, medium, low, malware, secret or any", s)
}

func (t threshold) met(r scanOutput) bool {
	infected := slices.ContainsFunc(r.Malware, malicious)
	failed := slices.ContainsFunc(r.Settings, func(s plimsoll.Setting) bool { return s.Result == plimsoll.SettingFailed })
	switch {
	case t.any:
		return len(r.Vulnerabilities) > 0 || infected || failed || len(r.Secrets) > 0
	case t.malware:
		return infected
	case t.secret:
		return len(r.Secrets) > 0
	case t.severity != "":
		return slices.ContainsFunc(r.Vulnerabilities, func(v vulnOutput) bool { return v.Severity.AtLeast(t.severity) })
	default:
		return false
	}
}

// malicious is a visible file that a signature matched, or a package that is malware; what
// an upper layer removed does not count.
func malicious(m plimsoll.Malware) bool {
	return (m.Kind == plimsoll.MalwareMatch || m.Kind == plimsoll.MalwarePackage) && !m.Shadowed
}

// failedSettings counts as images do: weak passwords and password complexity have counts of their own.
func failedSettings(settings []plimsoll.Setting) int {
	n := 0
	for _, s := range settings {
		if s.Counted() {
			n++
		}
	}
	return n
}

// verdict turns what was found into the exit status.
func verdict(r scanOutput, t threshold, failure error, allowNotJudged bool) error {
	switch {
	case failure != nil:
		return failure
	case t.met(r):
		return errThreshold
	case len(r.NotJudged) > 0 && !allowNotJudged:
		reason, hint := r.NotJudged[0].Reason, "pass --allow-not-judged if that is acceptable"
		if reason == plimsoll.NotJudgedEcosystem {
			hint = "import advisories with `plimsoll advisories import`, or pass --allow-not-judged"
		}
		return plimsoll.Errorf(plimsoll.Unavailable, "%d packages could not be judged: %s", len(r.NotJudged), reason).WithHint("%s", hint)
	default:
		return nil
	}
}
