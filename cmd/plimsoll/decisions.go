package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
)

func (a *application) decisionsCommand() *cobra.Command {
	return newGroup("decisions", "Decide what to do about findings, and list decisions",
		a.decisionsAdd(), a.decisionsList(), a.decisionsRemove())
}

type decisionOptions struct {
	decision plimsoll.Decision
	image    string
	registry string
	status   string
	why      string
	packages string
	expires  string
}

func (a *application) decisionsAdd() *cobra.Command {
	var o decisionOptions
	cmd := &cobra.Command{
		Use:   "add ID",
		Short: "Decide about a vulnerability",
		Long: `Add makes a decision about a vulnerability, named by its CVE, an alias or an advisory,
in the whole enterprise project, or where the flags limit it to. What is not_affected, fixed,
ignored or accepted is taken off the counts of images, and off no list. A decision about
the same thing and place is replaced. --expires takes a time (2026-12-31 or RFC 3339) or
how long from now (720h).`,
		Example: `  plimsoll decisions add CVE-2026-1000 --status ignored --reason "no network" --expires 720h
  plimsoll decisions add CVE-2026-1000 --status not_affected --image team/app:2.0 \
      --justification vulnerable_code_not_in_execute_path
  plimsoll decisions add DSA-5417-1 --status accepted --package openssl --repository team/app`,
		Args: cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			o.decision.Finding = args[0]
			d, err := o.complete(ctx, b, time.Now())
			if err != nil {
				return err
			}
			made, err := b.AddDecision(ctx, d)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(made)
			}
			a.note("decision %d: %s is %s", made.ID, made.Finding, made.Status)
			return nil
		}),
	}
	f, s := cmd.Flags(), &o.decision.Scope
	f.StringVar(&o.status, "status", "", "what is so: "+strings.Join(toStrings(plimsoll.DecisionStatuses()), ", "))
	f.StringVar(&o.why, "justification", "", "why it is not_affected: "+strings.Join(toStrings(plimsoll.Justifications()), ", "))
	f.StringVar(&o.decision.Reason, "reason", "", "why, in your words")
	f.StringVar(&o.image, "image", "", "only in this image: repository:tag, sha256:digest or record id")
	f.StringVar(&o.registry, "registry", "", "only in images of this registry")
	f.StringVar(&s.Repository, "repository", "", "only in images of this repository")
	f.StringVar(&s.Package, "package", "", "only in this package: name, name@version or package URL")
	f.StringVar(&o.packages, "packages", "", "only in packages of a kind: os or language")
	f.StringVar(&o.expires, "expires", "", "when it ends by itself")
	_ = cmd.MarkFlagRequired("status") //nolint:errcheck // the flag is declared above
	completeFlag(cmd, "status", toStrings(plimsoll.DecisionStatuses())...)
	completeFlag(cmd, "justification", toStrings(plimsoll.Justifications())...)
	completeFlag(cmd, "packages", string(plimsoll.SetOS), string(plimsoll.SetLanguage))
	return cmd
}

// complete turns flags into a decision.
func (o decisionOptions) complete(ctx context.Context, b backend, now time.Time) (plimsoll.Decision, error) {
	d := o.decision
	d.Kind, d.Status, d.Justification = plimsoll.FindingVulnerability, plimsoll.DecisionStatus(o.status), plimsoll.Justification(o.why)
	d.Scope.Packages = plimsoll.SetKind(o.packages)
	var err error
	if d.ExpiresAt, err = parseExpiry(o.expires, now); err != nil {
		return d, err
	}
	if o.image != "" {
		if d.Scope.Repository != "" || o.registry != "" {
			return d, plimsoll.Errorf(plimsoll.Invalid, "--image names an image: --repository and --registry say no more")
		}
		if digest := digestOfRef(o.image); digest != "" {
			d.Scope.Digest = digest
			return d, nil
		}
		img, err := findImage(ctx, b, o.image)
		if err != nil {
			return d, err
		}
		d.Scope.RegistryID, d.Scope.Repository, d.Scope.Tag = img.RegistryID, img.Repository, img.Tag
	}
	if o.registry != "" {
		list, err := b.Registries(ctx)
		if err != nil {
			return d, err
		}
		for _, r := range list {
			if r.Name == o.registry {
				d.Scope.RegistryID = r.ID
			}
		}
		if d.Scope.RegistryID == 0 {
			return d, plimsoll.Errorf(plimsoll.NotFound, "there is no registry %.80q", o.registry).WithHint("see `plimsoll registry list`")
		}
	}
	return d, nil
}

func parseExpiry(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, plimsoll.Errorf(plimsoll.Invalid, "--expires %.40q is neither a time nor a duration", s).WithHint("like 2026-12-31, or 720h")
}

// digestOfRef reads a digest, also at the end of a reference.
func digestOfRef(ref string) plimsoll.Digest {
	d, err := plimsoll.ParseDigest(ref[strings.LastIndexByte(ref, '@')+1:])
	if err != nil {
		return ""
	}
	return d
}

// findImage finds an image by repository:tag, digest or record id; of several the newest.
func findImage(ctx context.Context, b backend, ref string) (plimsoll.Image, error) {
	f := plimsoll.ImageFilter{Limit: 1}
	if id, err := strconv.ParseInt(ref, 10, 64); err == nil && id > 0 {
		f.IDs = []int64{id}
	} else if f.Digest = digestOfRef(ref); f.Digest == "" {
		repository, tag, _ := plimsoll.SplitTag(ref)
		f.Tag = tag
		f.Namespace, f.Name = plimsoll.SplitRepository(repository)
	}
	page, err := b.Images(ctx, f)
	if err != nil {
		return plimsoll.Image{}, err
	}
	if len(page.Items) == 0 {
		return plimsoll.Image{}, plimsoll.Errorf(plimsoll.NotFound, "no image %.200q", ref).
			WithHint("images are named repository:tag, sha256:digest or by record id; see `plimsoll images`")
	}
	return page.Items[0], nil
}

func (a *application) decisionsList() *cobra.Command {
	f := plimsoll.DecisionFilter{}
	var status string
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List decisions, newest first",
		Args:  cobra.NoArgs,
		RunE: a.onBackend(func(ctx context.Context, b backend, _ []string) error {
			f.Status = plimsoll.DecisionStatus(status)
			if a.enterpriseProject != "" {
				f.EnterpriseProjects = []string{a.enterpriseProject}
			}
			list, err := listDecisions(ctx, b, f, all)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(list)
			}
			t := a.newTable("id", "finding", "status", "where", "by", "since", "until", "reason")
			for _, d := range list {
				addRow(t, d.ID, d.Finding, string(d.Status), scopeText(d), d.Author, timeText(d.CreatedAt), untilText(d), joinedText(string(d.Justification), d.Reason))
			}
			t.Render()
			return nil
		}),
	}
	fl := cmd.Flags()
	fl.StringVar(&f.Finding, "finding", "", "only those about this id, as it was decided about")
	fl.StringVar(&status, "status", "", "only those with this status")
	fl.StringVar(&f.Document, "document", "", "only those of this VEX document")
	fl.BoolVar(&f.Ended, "ended", false, "also those that were withdrawn, were replaced or have expired")
	fl.IntVar(&f.Limit, "limit", 50, "rows to show, 1 to 200")
	fl.Int64Var(&f.Before, "before", 0, "only ids below this: the next page")
	fl.BoolVar(&all, "all", false, "show every row, whatever --limit says")
	completeFlag(cmd, "status", toStrings(plimsoll.DecisionStatuses())...)
	return cmd
}

// listDecisions reads a page, or all pages.
func listDecisions(ctx context.Context, b backend, f plimsoll.DecisionFilter, all bool) ([]plimsoll.Decision, error) {
	if all {
		f.Limit = plimsoll.MaxLimit
	}
	out := []plimsoll.Decision{}
	for {
		page, err := b.Decisions(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if !all || len(page) < f.Limit {
			return out, nil
		}
		f.Before = page[len(page)-1].ID
	}
}

// scopeText says where a decision holds.
func scopeText(d plimsoll.Decision) string {
	s := d.Scope
	where := s.Repository
	if s.Tag != "" {
		where += ":" + s.Tag
	}
	if s.Digest != "" {
		where = joinedText(where, s.Digest.Short())
	}
	if s.RegistryID != 0 && s.Repository == "" {
		where = joinedText(where, "registry "+strconv.FormatInt(s.RegistryID, 10))
	}
	if where = joinedText(where, s.Package, string(s.Packages)); where != "" {
		return where
	}
	if d.EnterpriseProject == "" {
		return "everywhere in the project"
	}
	return "everywhere"
}

func untilText(d plimsoll.Decision) string {
	switch {
	case !d.EndedAt.IsZero():
		return timeText(d.EndedAt) + " by " + d.EndedBy
	default:
		return timeText(d.ExpiresAt)
	}
}

func joinedText(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}

func (a *application) decisionsRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "Withdraw a decision",
		Args:  cobra.ExactArgs(1),
		RunE: a.onBackend(func(ctx context.Context, b backend, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id <= 0 {
				return plimsoll.Errorf(plimsoll.Invalid, "%.40q is no id of a decision", args[0]).WithHint("see `plimsoll decisions list`")
			}
			if err := b.RemoveDecision(ctx, id); err != nil {
				return err
			}
			a.note("decision %d is withdrawn", id)
			return nil
		}),
	}
}
