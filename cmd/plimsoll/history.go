package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app/terminal"
)

func (a *application) historyCommand() *cobra.Command {
	var at string
	limit := 50
	cmd := &cobra.Command{
		Use:   "history IMAGE [CVE]",
		Short: "Show when and why the vulnerabilities of an image came and went",
		Long: `History lists what happened to the vulnerabilities of one image, newest first: when
each appeared, changed or was resolved, and whether an advisory, the matcher or another
artifact behind the tag was the reason. With --at it lists what was wrong with the image
at that time, and since and until when.

IMAGE is repository:tag, a manifest digest, or a record id.`,
		Example: `  plimsoll history team/web:1.4.0
  plimsoll history team/web:1.4.0 CVE-2026-0001 --output json
  plimsoll history team/web:1.4.0 --at 2026-05-01`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			image, err := imageID(ctx, b, args[0])
			if err != nil {
				return err
			}
			var f plimsoll.HistoryFilter
			if len(args) == 2 {
				f.Vulnerability = args[1]
			}
			if limit < 1 {
				return plimsoll.Errorf(plimsoll.Invalid, "limit %d is below 1", limit)
			}
			if at == "" {
				return a.history(ctx, b, image, f, limit)
			}
			if f.At, err = parseInstant(at, time.Now()); err != nil {
				return err
			}
			return a.findingsAt(ctx, b, image, f, limit)
		}),
	}
	cmd.Flags().StringVar(&at, "at", "", "what was wrong at this time: RFC 3339, a date (its beginning, UTC), or so long ago, e.g. 36h")
	cmd.Flags().IntVar(&limit, "limit", limit, "rows to show")
	return cmd
}

// parseInstant reads a time, a date or a duration before now.
func parseInstant(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, plimsoll.Errorf(plimsoll.Invalid, "--at %.40q is no time", s).WithHint("for example 2026-05-01T12:00:00Z, 2026-05-01 or 36h")
}

// imageID finds the image that people name by repository:tag, digest or record id.
func imageID(ctx context.Context, b backend, name string) (string, error) {
	if _, err := strconv.ParseInt(name, 10, 64); err == nil {
		return name, nil
	}
	if d, err := plimsoll.ParseDigest(name); err == nil {
		return d.Hex(), nil
	}
	repository, tag, ok := plimsoll.SplitTag(name)
	if !ok {
		return "", plimsoll.Errorf(plimsoll.Invalid, "%.200q names no image", name).WithHint("repository:tag, a manifest digest, or a record id")
	}
	f := plimsoll.ImageFilter{Tag: tag, Limit: 1}
	f.Namespace, f.Name = plimsoll.SplitRepository(repository)
	page, err := b.Images(ctx, f)
	if err != nil {
		return "", err
	}
	if len(page.Items) == 0 {
		return "", plimsoll.Errorf(plimsoll.NotFound, "no image %.200q", name).WithHint("list them with `plimsoll images`")
	}
	return strconv.FormatInt(page.Items[0].ID, 10), nil
}

func (a *application) history(ctx context.Context, b backend, image string, f plimsoll.HistoryFilter, limit int) error {
	all := plimsoll.HistoryPage{Items: []plimsoll.HistoryEvent{}}
	for more := true; more; more = all.Next != "" && len(all.Items) < limit {
		f.After, f.Limit = all.Next, min(limit-len(all.Items), plimsoll.MaxLimit)
		page, err := b.ImageHistory(ctx, image, f)
		if err != nil {
			return err
		}
		all.Items, all.Next = append(all.Items, page.Items...), page.Next
	}
	if a.output == "json" {
		return a.printJSON(all)
	}
	t := a.newTable("when", "event", "why", "vulnerability", "package", "was", "now", "revision", "digest")
	for _, e := range all.Items {
		revision := "-"
		if e.Revision != 0 {
			revision = fmt.Sprint(e.Revision)
		}
		addRow(t, timeText(e.At), a.eventText(e.Kind), string(e.Reason), e.Vulnerability, e.Package, statesText(e.Was), statesText(e.Now), revision, e.Digest.Short())
	}
	t.Render()
	return a.countLine(len(all.Items), "events", all.Next)
}

func (a *application) findingsAt(ctx context.Context, b backend, image string, f plimsoll.HistoryFilter, limit int) error {
	all := plimsoll.FindingsAt{Items: []plimsoll.HistoryState{}}
	for more := true; more; more = all.Next != "" && len(all.Items) < limit {
		f.After, f.Limit = all.Next, min(limit-len(all.Items), plimsoll.MaxLimit)
		page, err := b.ImageFindingsAt(ctx, image, f)
		if err != nil {
			return err
		}
		page.Items = append(all.Items, page.Items...)
		all = page
	}
	if a.output == "json" {
		return a.printJSON(all)
	}
	if !all.Known {
		_, err := fmt.Fprintf(a.out, "at %s the image, as it was then, had not been looked at\n", timeText(all.At))
		return err
	}
	t := a.newTable("vulnerability", "package", "version", "severity", "fixed in", "since", "until")
	for _, s := range all.Items {
		until := "-"
		if s.Until != nil {
			until = timeText(*s.Until)
		}
		addRow(t, s.Vulnerability, s.Package, s.Version, string(s.Severity), s.FixedVersion, timeText(s.Since), until)
	}
	t.Render()
	return a.countLine(len(all.Items), "findings", all.Next)
}

func (a *application) countLine(n int, what, next string) error {
	more := ""
	if next != "" {
		more = ", and more: --limit shows them"
	}
	_, err := fmt.Fprintf(a.out, "%d %s%s\n", n, what, more)
	return err
}

func (a *application) eventText(k plimsoll.EventKind) painted {
	switch k {
	case plimsoll.EventAppeared:
		return a.colour(string(k), text.FgYellow)
	case plimsoll.EventResolved:
		return a.colour(string(k), text.FgGreen)
	default:
		return painted(terminal.Printable(string(k)))
	}
}

// statesText is "version severity", of several versions each.
func statesText(states []plimsoll.HistoryState) string {
	var parts []string
	for _, s := range states {
		parts = append(parts, s.Version+" "+string(s.Severity))
	}
	return strings.Join(parts, ", ")
}
