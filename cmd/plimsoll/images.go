package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
)

type imageOptions struct {
	filter  plimsoll.ImageFilter
	state   []string
	origin  []string
	vul     bool
	malware bool
	setting bool
	since   time.Duration
	all     bool
}

func (a *app) imagesCommand() *cobra.Command {
	var o imageOptions
	cmd := &cobra.Command{
		Use:   "images",
		Short: "List the inventory",
		Example: `  plimsoll images --namespace shop --latest
  plimsoll images --has-vulnerability --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.images(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.filter.Namespace, "namespace", "", "only this namespace (the first segment of the repository)")
	f.StringVar(&o.filter.Name, "name", "", "only this image name (the rest of the repository)")
	f.StringVar(&o.filter.Tag, "tag", "", "only this tag")
	f.BoolVar(&o.filter.LatestOnly, "latest", false, "only the newest tag of each repository")
	f.StringSliceVar(&o.state, "state", nil, "only these scan states: none, pending, running, done, failed, unreachable, oversized")
	f.StringSliceVar(&o.origin, "origin", nil, "only these origins: private, shared, instance, local")
	f.BoolVar(&o.vul, "has-vulnerability", false, "only images with vulnerabilities; =false: judged and without")
	f.BoolVar(&o.malware, "has-malware", false, "only images with malicious files; =false: judged and without")
	f.BoolVar(&o.setting, "has-unsafe-setting", false, "only images with failed settings; =false: judged and without")
	f.DurationVar(&o.since, "updated-within", 0, "only images updated within this time, e.g. 72h")
	f.IntVar(&o.filter.Limit, "limit", 50, "rows to show, 1 to 200")
	f.IntVar(&o.filter.Offset, "offset", 0, "rows to skip")
	f.BoolVar(&o.all, "all", false, "show every row, whatever --limit says")
	complete(cmd, "state", "none", "pending", "running", "done", "failed", "unreachable", "oversized")
	complete(cmd, "origin", "private", "shared", "instance", "local")
	return cmd
}

func (o imageOptions) complete(cmd *cobra.Command) (plimsoll.ImageFilter, error) {
	f := o.filter
	for _, s := range o.state {
		f.States = append(f.States, plimsoll.ScanState(s))
	}
	for _, s := range o.origin {
		f.Origins = append(f.Origins, plimsoll.Origin(s))
	}
	given := func(name string, value bool) *bool {
		if !cmd.Flags().Changed(name) {
			return nil
		}
		return &value
	}
	f.HasVulnerability, f.HasMalware, f.HasSetting = given("has-vulnerability", o.vul), given("has-malware", o.malware), given("has-unsafe-setting", o.setting)
	if o.since > 0 {
		f.UpdatedFrom = time.Now().Add(-o.since)
	}
	if o.all {
		f.Limit = plimsoll.MaxLimit
	}
	if f.Limit < 1 {
		return f, plimsoll.Errorf(plimsoll.Invalid, "limit %d is outside 1 to %d", f.Limit, plimsoll.MaxLimit)
	}
	return f, nil
}

func (a *app) images(cmd *cobra.Command, o imageOptions) error {
	filter, err := o.complete(cmd)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	return a.with(ctx, func(b backend) error {
		if a.enterpriseProject != "" {
			filter.EnterpriseProjects = []string{a.enterpriseProject}
		}
		page, err := b.Images(ctx, filter)
		for err == nil && o.all && len(page.Items) < page.Total {
			var next plimsoll.Page[plimsoll.Image]
			filter.Offset += plimsoll.MaxLimit
			if next, err = b.Images(ctx, filter); len(next.Items) == 0 {
				break
			}
			page.Items = append(page.Items, next.Items...)
		}
		if err != nil {
			return err
		}
		return a.printImages(page)
	})
}

func (a *app) printImages(page plimsoll.Page[plimsoll.Image]) error {
	if a.output == "json" {
		if page.Items == nil {
			page.Items = []plimsoll.Image{}
		}
		return a.printJSON(page)
	}
	t := a.table("image", "tag", "digest", "size", "state", "vulns", "unsafe", "malware", "updated")
	for _, i := range page.Items {
		state := string(i.State)
		switch {
		case i.Unscannable != "":
			state = "not scanned: " + i.Unscannable
		case i.Failure != "":
			state += ": " + string(i.Failure)
		}
		var vul, settings, malware *int
		if c := i.Counts; c != nil {
			vul, settings, malware = &c.Vulnerabilities, &c.Settings, &c.Malware
		}
		row(t, i.Namespace+"/"+i.Name, i.Tag, i.Digest.Short(), bytesText(i.Size), state, count(vul), count(settings), count(malware), timeText(i.UpdatedAt))
	}
	t.Render()
	_, err := fmt.Fprintf(a.out, "%d of %d images\n", len(page.Items), page.Total)
	return err
}
