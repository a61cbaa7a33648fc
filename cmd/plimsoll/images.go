package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app/terminal"
)

type imageOptions struct {
	filter   plimsoll.ImageFilter
	registry string
	digest   string
	state    []string
	origin   []string
	vul      bool
	malware  bool
	setting  bool
	since    time.Duration
	all      bool
}

func (a *application) imagesCommand() *cobra.Command {
	var o imageOptions
	cmd := &cobra.Command{
		Use:   "images",
		Short: "List the inventory",
		Long: `Images lists what registries hold and what is wrong with it, newest first. In the
counts a dash is "could not look", a zero is "looked, found nothing".`,
		Example: `  plimsoll images --namespace shop --latest
  plimsoll images --has-vulnerability --output json
  plimsoll images --state failed,unreachable,oversized`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := o.complete(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			if a.enterpriseProject != "" {
				filter.EnterpriseProjects = []string{a.enterpriseProject}
			}
			return a.withBackend(cmd.Context(), func(b backend) error { return a.images(cmd.Context(), b, filter, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.registry, "registry", "", "only images of this registry")
	f.StringVar(&o.filter.Namespace, "namespace", "", "only this namespace (the first segment of the repository)")
	f.StringVar(&o.filter.Name, "name", "", "only this image name (the rest of the repository)")
	f.StringVar(&o.filter.Tag, "tag", "", "only this tag")
	f.StringVar(&o.digest, "digest", "", "only images with this manifest digest")
	f.BoolVar(&o.filter.LatestOnly, "latest", false, "only the newest tag of each repository")
	f.StringSliceVar(&o.state, "state", nil, "only these scan states: "+strings.Join(stateWords(), ", "))
	f.StringSliceVar(&o.origin, "origin", nil, "only these origins: "+strings.Join(originWords(), ", "))
	f.BoolVar(&o.vul, "has-vulnerability", false, "only images with vulnerabilities; =false: judged and without")
	f.BoolVar(&o.malware, "has-malware", false, "only images with malicious files; =false: judged and without")
	f.BoolVar(&o.setting, "has-unsafe-setting", false, "only images with failed settings; =false: judged and without")
	f.DurationVar(&o.since, "updated-within", 0, "only images updated within this time, e.g. 72h")
	f.IntVar(&o.filter.Limit, "limit", 50, "rows to show, 1 to 200")
	f.IntVar(&o.filter.Offset, "offset", 0, "rows to skip")
	f.BoolVar(&o.all, "all", false, "show every row, whatever --limit says")
	completeFlag(cmd, "state", stateWords()...)
	completeFlag(cmd, "origin", originWords()...)
	return cmd
}

func stateWords() []string { return toStrings(plimsoll.ScanStates()) }

func originWords() []string {
	return toStrings([]plimsoll.Origin{plimsoll.OriginPrivate, plimsoll.OriginShared, plimsoll.OriginInstance, plimsoll.OriginLocal})
}

// complete turns flags into a filter. A bool that was not given does not filter.
func (o imageOptions) complete(given func(flag string) bool) (plimsoll.ImageFilter, error) {
	f := o.filter
	for _, s := range o.state {
		if !slices.Contains(stateWords(), s) {
			return f, plimsoll.Errorf(plimsoll.Invalid, "--state %.40q is not one of %s", s, strings.Join(stateWords(), ", "))
		}
		f.States = append(f.States, plimsoll.ScanState(s))
	}
	for _, s := range o.origin {
		if !slices.Contains(originWords(), s) {
			return f, plimsoll.Errorf(plimsoll.Invalid, "--origin %.40q is not one of %s", s, strings.Join(originWords(), ", "))
		}
		f.Origins = append(f.Origins, plimsoll.Origin(s))
	}
	for flag, to := range map[string]struct {
		value bool
		field **bool
	}{
		"has-vulnerability":  {o.vul, &f.HasVulnerability},
		"has-malware":        {o.malware, &f.HasMalware},
		"has-unsafe-setting": {o.setting, &f.HasSetting},
	} {
		if given(flag) {
			*to.field = &to.value
		}
	}
	if o.digest != "" {
		var err error
		if f.Digest, err = plimsoll.ParseDigest(o.digest); err != nil {
			return f, err
		}
	}
	if o.since < 0 {
		return f, plimsoll.Errorf(plimsoll.Invalid, "--updated-within %s is negative", o.since)
	}
	if o.since > 0 {
		f.UpdatedFrom = time.Now().Add(-o.since)
	}
	if o.all {
		f.Limit = plimsoll.MaxLimit
	}
	if f.Limit < 1 || f.Limit > plimsoll.MaxLimit {
		return f, plimsoll.Errorf(plimsoll.Invalid, "limit %d is outside 1 to %d", f.Limit, plimsoll.MaxLimit).
			WithHint("--all shows every row")
	}
	return f, nil
}

func (a *application) images(ctx context.Context, b backend, f plimsoll.ImageFilter, o imageOptions) error {
	if o.registry != "" {
		id, err := registryID(ctx, b, o.registry)
		if err != nil {
			return err
		}
		f.RegistryID = id
	}
	page, err := b.Images(ctx, f)
	for err == nil && o.all && page.Next != "" {
		f.After, f.Offset = page.Next, 0
		var next plimsoll.Page[plimsoll.Image]
		next, err = b.Images(ctx, f)
		page.Items, page.Next = append(page.Items, next.Items...), next.Next
	}
	if err != nil {
		return err
	}
	return a.printImages(page)
}

func registryID(ctx context.Context, b backend, name string) (int64, error) {
	registries, err := b.Registries(ctx)
	if err != nil {
		return 0, err
	}
	for _, r := range registries {
		if r.Name == name {
			return r.ID, nil
		}
	}
	return 0, plimsoll.Errorf(plimsoll.NotFound, "no registry %.80q", name).WithHint("list them with `plimsoll registry list`")
}

func (a *application) printImages(page plimsoll.Page[plimsoll.Image]) error {
	if a.output == "json" {
		page.Items, page.Next = nonNil(page.Items), ""
		return a.printJSON(page)
	}
	t := a.newTable("image", "tag", "digest", "size", "state", "vulns", "unsafe", "malware", "updated")
	for _, i := range page.Items {
		vul, settings, malware := painted("-"), painted("-"), painted("-")
		if c := i.Counts; c != nil {
			vul, settings = a.alarm(c.Vulnerabilities, text.FgYellow), a.alarm(c.Settings, text.FgYellow)
			malware = a.alarm(c.Malware, text.FgRed)
		}
		addRow(t, i.Namespace+"/"+i.Name, i.Tag, i.Digest.Short(), bytesText(i.Size), a.stateText(i), vul, settings, malware, timeText(i.UpdatedAt))
	}
	t.Render()
	_, err := fmt.Fprintf(a.out, "%d of %d images%s\n", len(page.Items), page.Total, summaryText(page.Items))
	return err
}

// alarm is a count in a colour, unless it is zero.
func (a *application) alarm(n int, c text.Color) painted {
	if n == 0 {
		return "0"
	}
	return a.colour(fmt.Sprint(n), c)
}

// stateText is the scan state with the reason where it did not end well.
func (a *application) stateText(i plimsoll.Image) painted {
	switch {
	case i.Unscannable != "":
		return painted(terminal.Printable("not scanned: " + i.Unscannable))
	case i.Failure != "":
		return a.colour(terminal.Printable(string(i.State)+": "+string(i.Failure)), text.FgRed)
	default:
		return painted(terminal.Printable(string(i.State)))
	}
}

// summaryText counts what deserves a look among the rows shown.
func summaryText(images []plimsoll.Image) string {
	var vul, settings, malware, blind int
	for _, i := range images {
		c := i.Counts
		if c == nil {
			c = &plimsoll.Counts{}
			blind++
		}
		vul, settings, malware = vul+min(c.Vulnerabilities, 1), settings+min(c.Settings, 1), malware+min(c.Malware, 1)
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{vul, "with vulnerabilities"}, {settings, "with unsafe settings"}, {malware, "with malware"}, {blind, "not judged"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}
