package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app/terminal"
)

func (a *application) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain IMAGE ID",
		Short: "Explain why an image is affected by a vulnerability, or why not",
		Long: `Explain goes from the build step over layer, path and package to the advisory, the range
that holds the version, the fixed version, the severity with its source, and the decision
if there is one. If the image is not affected it says why, as far as that is known. IMAGE
is repository:tag, sha256:digest or a record id; ID is a CVE, an alias or an advisory.`,
		Example: `  plimsoll explain team/app:2.0 CVE-2026-1000
  plimsoll explain sha256:0d5f… DSA-5417-1 --output json`,
		Args: cobra.ExactArgs(2),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			img, err := findImage(ctx, b, args[0])
			if err != nil {
				return err
			}
			e, err := b.Explain(ctx, img, args[1])
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(e)
			}
			return a.printExplanation(e)
		}),
	}
}

func recordID(img plimsoll.Image) string { return strconv.FormatInt(img.ID, 10) }

// maxShown is how many checks of packages that are not affected people are shown.
const maxShown = 20

func (a *application) printExplanation(e plimsoll.Explanation) error {
	fmt.Fprintln(a.out, terminal.Printable(fmt.Sprintf("%s in %s:%s (%s)", e.Asked, e.Image.Repository, e.Image.Tag, e.Image.Digest.Short())))
	if len(e.IDs) > 0 && !slices.Equal(e.IDs, []string{e.Asked}) {
		a.line("means", strings.Join(e.IDs, ", "))
	}
	a.line("answer", e.Summary)
	a.line("advisories", fmt.Sprintf("at revision %d", e.Revision))
	for _, reason := range slices.Sorted(maps.Keys(e.NotJudged)) {
		a.line("not judged", fmt.Sprintf("%d packages: %s", e.NotJudged[reason], reason))
	}
	for _, f := range e.Findings {
		a.printFinding(f)
	}
	for i, c := range e.Checked {
		if i == maxShown {
			fmt.Fprintf(a.out, "\nand %d more packages; --output json has all\n", len(e.Checked)-maxShown)
			break
		}
		fmt.Fprintln(a.out)
		a.line("package", c.Package.Name+" "+c.Package.Version+" ("+c.Package.Ecosystem+")")
		if c.Reason != "" {
			a.line("not judged", c.Reason)
		}
		a.printChecks(c.Checks)
	}
	return nil
}

// line writes a name and what there is to say, made printable.
func (a *application) line(name, value string) {
	if value != "" {
		fmt.Fprintf(a.out, "  %-12s %s\n", name, terminal.Printable(value))
	}
}

func (a *application) printFinding(f plimsoll.ExplainedFinding) {
	fmt.Fprintln(a.out)
	fmt.Fprintln(a.out, a.colour(terminal.Printable(f.ID), text.Bold))
	a.line("build step", f.BuildStep)
	if f.LayerIndex >= 0 {
		a.line("layer", fmt.Sprintf("%d: %s", f.LayerIndex+1, f.Layer.Short()))
	}
	if f.Platform != (plimsoll.Platform{}) {
		a.line("platform", f.Platform.String())
	}
	a.line("path", f.Path)
	pkg := f.Package.Name + " " + f.Package.Version + " (" + f.Package.Ecosystem + ")"
	if f.Package.Source != "" && f.Package.Source != f.Package.Name {
		pkg += ", from source " + f.Package.Source + " " + f.Package.AdvisoryVersion()
	}
	a.line("package", pkg)
	a.printChecks(f.Checks)
	fixed := f.FixedVersion
	if fixed == "" {
		fixed = "no version that fixes this is known"
	}
	a.line("fixed in", fixed)
	severity := string(f.Severity)
	if f.Score > 0 {
		severity += fmt.Sprintf(" (CVSS %.1f)", f.Score)
	}
	a.line("severity", joinedText(severity, f.RatedBy))
	if f.Outdated {
		a.line("note", "the newest advisories do not say so any more; what is stored follows with the next rematch")
	}
	if d := f.Decision; d != nil {
		a.line("decision", fmt.Sprintf("%d: %s, %s, by %s", d.ID, joinedText(string(d.Status), string(d.Justification)), scopeText(*d), d.Author))
		a.line("reason", d.Reason)
		a.line("document", d.Document)
		if !d.ExpiresAt.IsZero() {
			a.line("expires", timeText(d.ExpiresAt))
		}
	}
}

func (a *application) printChecks(checks []plimsoll.AdvisoryCheck) {
	for _, c := range checks {
		if c.Result == plimsoll.CheckOtherRelease {
			continue // one line a release of the distribution; --output json has them
		}
		a.line("advisory", fmt.Sprintf("%s of feed %s, modified %s, since revision %d: %s", c.Advisory, c.Feed, timeText(c.Modified), c.Revision,
			strings.ReplaceAll(string(c.Result), "_", " ")))
		a.line("compared", joinedText(c.Name+" "+c.Version+" with "+c.Ecosystem, rangeText(c)))
	}
}

// rangeText writes the range of a check in words.
func rangeText(c plimsoll.AdvisoryCheck) string {
	var parts []string
	if c.Listed {
		parts = append(parts, "the version is in the advisory's list")
	}
	if c.Range != nil {
		for _, e := range c.Range.Events {
			switch {
			case e.Introduced == "0":
				parts = append(parts, "from the first version")
			case e.Introduced != "":
				parts = append(parts, "from "+e.Introduced)
			case e.Fixed != "":
				parts = append(parts, "before "+e.Fixed)
			case e.LastAffected != "":
				parts = append(parts, "up to "+e.LastAffected)
			case e.Limit != "":
				parts = append(parts, "limit "+e.Limit)
			}
		}
	}
	return strings.Join(parts, ", ")
}
