package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app/imagescan"
)

type scanOptions struct {
	archive        string
	layout         string
	image          string
	platform       string
	failOn         string
	unknown        string // one of unknownSeverities
	allowNotJudged bool
	failOnStale    bool
	access         accessOptions
	parallel       int
	noCache        bool
	without        []string
	allSecrets     bool
}

func (a *application) scanCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan [REFERENCE]",
		Short: "Look inside one image, without a server",
		Long: `Scan reads one image from a registry or an archive, looks inside its layers and
judges it by the advisories in the data directory. What it finds in the layers is
kept there too, so that a layer is looked into once; nothing enters the inventory.

Exit status:
  0  looked everywhere and judged everything; no threshold was met
  1  a --fail-on threshold was met
  2  could not look, or not everywhere, or (without --allow-not-judged) not judge
     every package; also for any error, and (with --fail-on-stale) if the
     advisories are older than --stale-after

What could not be looked at outweighs a threshold, and a threshold outweighs what
could not be judged.`,
		Example: `  plimsoll scan registry.example.org/team/web:1.4.0
  plimsoll scan --archive image.tar --output json
  docker save team/web:1.4.0 | plimsoll scan --archive -
  plimsoll scan --layout ./image --image team/web:1.4.0
  plimsoll scan --fail-on high registry.example.org/team/web:1.4.0`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := ""
			if len(args) == 1 {
				ref = args[0]
			}
			return a.scan(cmd.Context(), ref, o)
		},
	}
	a.budgetFlags(cmd)
	a.staleFlag(cmd)
	a.rulesFlag(cmd)
	a.declaredFlag(cmd)
	a.clamdFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.archive, "archive", "", "read a docker-save or OCI layout tar file instead of a registry; - is standard input")
	f.StringVar(&o.layout, "layout", "", "read an OCI image layout directory instead of a registry")
	f.StringVar(&o.image, "image", "", "which image of an archive or layout, by name or digest, if it holds several")
	f.StringVar(&o.platform, "platform", "linux/amd64", "which platform of an index to scan")
	f.StringVar(&o.failOn, "fail-on", "", "exit 1 on a vulnerability of this severity or worse (critical, high, medium, low), on malware, on a secret, or on any finding")
	f.StringVar(&o.unknown, "unknown-severity", unknownFails, "with --fail-on and a severity, findings that no source has rated: fail (exit 1), warn (a line on standard error), pass")
	f.BoolVar(&o.allowNotJudged, "allow-not-judged", false, "do not fail because some packages could not be judged")
	f.BoolVar(&o.failOnStale, "fail-on-stale", false, "exit 2 if the advisories are older than --stale-after, or there are none")
	o.access.addFlags(cmd)
	f.IntVar(&o.parallel, "parallel", 0, "layers read at once; 0 = one a core, at most 4")
	f.StringSliceVar(&o.without, "without", nil, "do not look for these: malware, secret")
	f.BoolVar(&o.noCache, "no-cache", false, "look into every layer again, and keep nothing")
	completeFlag(cmd, "without", imagescan.Optional()...)
	f.BoolVar(&o.allSecrets, "all-secrets", false, "list secrets in every file, those of system packages and documents and examples of packages of languages included")
	completeFlag(cmd, "fail-on", "critical", "high", "medium", "low", "malware", "secret", "any")
	completeFlag(cmd, "unknown-severity", unknownSeverities...)
	completeFlag(cmd, "platform", "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/riscv64", "linux/s390x")
	return cmd
}

func (a *application) scan(ctx context.Context, ref string, o scanOptions) error {
	limit, err := parseThreshold(o.failOn)
	if err != nil {
		return err
	}
	if !slices.Contains(unknownSeverities, o.unknown) {
		return plimsoll.Errorf(plimsoll.Invalid, "--unknown-severity %.40q is not fail, warn or pass", o.unknown)
	}
	limit.unknownFails = o.unknown == unknownFails
	if slices.Contains(o.without, o.failOn) {
		return plimsoll.Errorf(plimsoll.Invalid, "--fail-on %s needs what --without leaves out", o.failOn)
	}
	platform, err := plimsoll.ParsePlatform(o.platform)
	if err != nil {
		return err
	}
	access, err := a.registryAccess(o.access)
	if err != nil {
		return err
	}
	config, p := a.config(), a.newProgress()
	config.Without = o.without
	result, failure, err := imagescan.Scan(ctx, config, imagescan.Options{
		Source: imagescan.Source{
			Reference: ref, Archive: o.archive, Layout: o.layout, Image: o.image, Platform: platform, Access: access, Stdin: a.in,
		},
		Parallel: o.parallel, NoCache: o.noCache, AllSecrets: o.allSecrets, Program: fmt.Sprintf("%+v", readBuild()),
		Progress: func(image string, done, total int) {
			p.stage("scan "+image, fmt.Sprintf("%d of %d layers", done, total))
		},
	})
	p.done()
	if err != nil {
		return err
	}
	if err := a.printScan(result); err != nil {
		return err
	}
	a.warnStale(result.Advisories.Stale, result.Advisories.Age)
	if limit.severity != "" && o.unknown != unknownPasses {
		if n := countUnknown(result); n > 0 {
			a.note("%d vulnerabilities have no known severity (--unknown-severity %s)", n, o.unknown)
		}
	}
	if err := checkResult(result, limit, failure, o.allowNotJudged); err != nil || !o.failOnStale {
		return err
	}
	return checkCurrent(result.Advisories)
}

// What --unknown-severity accepts.
const (
	unknownFails  = "fail"
	unknownWarns  = "warn"
	unknownPasses = "pass"
)

var unknownSeverities = []string{unknownFails, unknownWarns, unknownPasses}

// countUnknown counts the distinct vulnerabilities that no source has rated.
func countUnknown(r imagescan.Result) int {
	return countDistinct(slices.DeleteFunc(slices.Clone(r.Vulnerabilities), func(v imagescan.Vulnerability) bool {
		return v.Severity != plimsoll.SeverityUnknown
	}))
}

// errThreshold ends a scan whose findings reach --fail-on.
var errThreshold = errors.New("findings reach the --fail-on threshold")

// threshold is what --fail-on asks for.
type threshold struct {
	severity plimsoll.Severity
	malware  bool
	secret   bool
	any      bool

	unknownFails bool // a vulnerability of unknown severity meets any severity
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

func (t threshold) isMet(r imagescan.Result) bool {
	infected := slices.ContainsFunc(r.Malware, isMalicious)
	failed := slices.ContainsFunc(r.Settings, func(s plimsoll.Setting) bool { return s.Result == plimsoll.SettingFailed })
	switch {
	case t.any:
		return len(r.Vulnerabilities) > 0 || infected || failed || len(r.Secrets) > 0
	case t.malware:
		return infected
	case t.secret:
		return len(r.Secrets) > 0
	case t.severity != "":
		return slices.ContainsFunc(r.Vulnerabilities, func(v imagescan.Vulnerability) bool {
			return v.Severity.AtLeast(t.severity) || t.unknownFails && v.Severity == plimsoll.SeverityUnknown
		})
	default:
		return false
	}
}

// isMalicious reports a visible file that a signature matched, or a package that is malware; what
// an upper layer removed does not count.
func isMalicious(m plimsoll.Malware) bool {
	return (m.Kind == plimsoll.MalwareMatch || m.Kind == plimsoll.MalwarePackage) && !m.Shadowed
}

// countFailed counts failed settings as images do: weak passwords and password complexity have counts of their own.
func countFailed(settings []plimsoll.Setting) int {
	n := 0
	for _, s := range settings {
		if s.Counted() {
			n++
		}
	}
	return n
}

// checkResult returns the error that the exit status follows from.
func checkResult(r imagescan.Result, t threshold, failure error, allowNotJudged bool) error {
	switch {
	case failure != nil:
		return failure
	case t.isMet(r):
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

// checkCurrent is what --fail-on-stale asks for.
func checkCurrent(s imagescan.AdvisoryState) error {
	switch {
	case s.None:
		return plimsoll.Errorf(plimsoll.Unavailable, "there are no advisories to judge by")
	case s.Stale:
		return plimsoll.Errorf(plimsoll.Unavailable, "the advisories are %s old", ageText(s.Age)).
			WithHint("update them, or move --stale-after")
	default:
		return nil
	}
}
