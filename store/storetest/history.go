package storetest

import (
	"fmt"
	"strings"
	"time"

	"plimsoll"
)

// past is a store with one registry whose clock moves an hour a step.
type past struct {
	*findings
	clock    *Clock
	registry plimsoll.Registry
}

func newPast(f *findings) *past {
	p := &past{findings: f, clock: UseClock(f.s), registry: plimsoll.Registry{
		Name: "hub", URL: "https://hub.example", Kind: plimsoll.RegistryOther,
		Tenant: findingTenant,
	}}
	f.must(f.s.AddRegistry(f.ctx, &p.registry))
	return p
}

// hour is a time of the test: hour 0 is its start.
func hour(n int) time.Time { return Start().Add(time.Duration(n) * time.Hour) }

// next advances the clock by an hour.
func (p *past) next() { p.clock.Advance(time.Hour) }

func (p *past) push(tag string, a plimsoll.Artifact, members ...plimsoll.Artifact) {
	p.Helper()
	c := plimsoll.RepositoryChange{Repository: "team/app", Artifacts: append(members, a), Tags: []plimsoll.TagSeen{{Tag: tag, Digest: a.Digest}}}
	p.must(p.s.ApplySync(p.ctx, p.registry, c, nil))
}

func (p *past) imageOf(tag string) plimsoll.Image {
	p.Helper()
	img, err := p.s.FindImage(p.ctx, plimsoll.ImageLookup{ProjectID: findingTenant.ProjectID, Ref: plimsoll.ImageRef{Tag: tag}})
	p.must(err)
	return img
}

// scan saves a scan of an artifact that was made with Artifact.
func (p *past) scan(word string, set plimsoll.PlacedSet, vs ...plimsoll.Vulnerability) {
	p.Helper()
	r := record(findingTenant, word, set, judged(1, vs...))
	r.Digest = Digest(word)
	p.save(r)
}

// events are "hour kind reason id package revision was>now" with states as "version severity".
func (p *past) events(img plimsoll.Image, id string) []string {
	p.Helper()
	page, err := p.s.ImageHistory(p.ctx, img, plimsoll.HistoryFilter{Vulnerability: id})
	p.must(err)
	out := []string{}
	states := func(list []plimsoll.HistoryState) string {
		var parts []string
		for _, s := range list {
			parts = append(parts, string(s.Severity))
		}
		return strings.Join(parts, ",")
	}
	for _, e := range page.Items {
		out = append(out, fmt.Sprintf("%d %s %s %s %s %d %s>%s", int(e.At.Sub(Start()).Hours()), e.Kind, e.Reason, e.Vulnerability, e.Package,
			e.Revision, states(e.Was), states(e.Now)))
	}
	return out
}

// findingsAt are "id package severity since-until" in hours, or "unknown".
func (p *past) findingsAt(img plimsoll.Image, at time.Time) []string {
	p.Helper()
	found, err := p.s.ImageFindingsAt(p.ctx, img, plimsoll.HistoryFilter{At: at})
	p.must(err)
	if !found.Known {
		return []string{"unknown"}
	}
	out := []string{}
	for _, s := range found.Items {
		until := "still"
		if s.Until != nil {
			until = fmt.Sprint(int(s.Until.Sub(Start()).Hours()))
		}
		out = append(out, fmt.Sprintf("%s %s %s %d-%s", s.Vulnerability, s.Package, s.Severity, int(s.Since.Sub(Start()).Hours()), until))
	}
	return out
}

// rematchFor is rematch for a reason.
func (p *past) rematchFor(reason plimsoll.ChangeReason, through plimsoll.Revision, vs ...plimsoll.Vulnerability) {
	p.Helper()
	r := p.begin(matcher, through)
	changes, err := p.s.SaveJudgements(p.ctx, p.judgementsOf(p.packages(), vs...))
	p.must(err)
	for i := range changes.Findings {
		changes.Findings[i].Reason = reason
	}
	_, err = p.s.SaveChanges(p.ctx, r, changes)
	p.must(err)
	p.finish(r)
}

func testHistory(f *findings) {
	p := newPast(f)
	high, low := plimsoll.SeverityHigh, plimsoll.SeverityLow
	bash, bashLow, curl := vulnerable("bash", "CVE-1", high), vulnerable("bash", "CVE-1", low), vulnerable("curl", "CVE-2", high)
	curl.Aliases = []string{"GHSA-2"}
	p.push("v1", Artifact("one"))
	p.next()
	p.scan("one", placed(plimsoll.SetOS, "bash", "curl"), bash)
	p.next()
	p.rematchFor(plimsoll.ReasonNewAdvisory, 2, bashLow, curl)
	p.next()
	p.rematchFor(plimsoll.ReasonWithdrawn, 3, bashLow)
	p.next()
	p.rematchFor(plimsoll.ReasonNewAdvisory, 4, bashLow, curl)
	p.next()
	p.push("v1", Artifact("two"))
	img := p.imageOf("v1")
	p.next()
	p.scan("two", placed(plimsoll.SetOS, "curl"), curl)
	p.next()
	p.scan("two", placed(plimsoll.SetOS, "curl", "dash"), curl, vulnerable("dash", "CVE-3", high))

	wantEqual(f, []string{
		"7 appeared scanned_again CVE-3 dash 0 >high",
		"6 resolved moved CVE-1 bash 0 low>",
		"4 appeared new_advisory CVE-2 curl 4 >high",
		"3 resolved withdrawn CVE-2 curl 3 high>",
		"2 changed severity CVE-1 bash 2 high>low",
		"2 appeared new_advisory CVE-2 curl 2 >high",
		"1 appeared first_seen CVE-1 bash 0 >high",
	}, p.events(img, ""))
	wantEqual(f, p.events(img, "CVE-2"), p.events(img, "ghsa-2"))
	wantEqual(f, 3, len(p.events(img, "cve-2")))
	for at, want := range map[time.Time][]string{
		hour(0).Add(-1): {"unknown"},
		hour(0):         {"unknown"},
		hour(1):         {"CVE-1 bash high 1-6"},
		hour(2):         {"CVE-1 bash low 1-6", "CVE-2 curl high 2-3"},
		hour(3):         {"CVE-1 bash low 1-6"},
		hour(4):         {"CVE-1 bash low 1-6", "CVE-2 curl high 4-still"},
		hour(5):         {"unknown"}, // the tag moved to an artifact that was never scanned
		hour(6):         {"CVE-2 curl high 4-still"},
		{}:              {"CVE-2 curl high 4-still", "CVE-3 dash high 7-still"},
	} {
		wantEqual(f, want, p.findingsAt(img, at))
	}

	// Again writes nothing, and another tenant's image has no past.
	before := f.rows(`SELECT * FROM image_set`)
	p.next()
	p.scan("two", placed(plimsoll.SetOS, "curl", "dash"), curl, vulnerable("dash", "CVE-3", high))
	p.push("v1", Artifact("two"))
	wantEqual(f, before, f.rows(`SELECT * FROM image_set`))
	stranger := img
	stranger.ProjectID = otherTenant.ProjectID
	_, err := f.s.ImageHistory(f.ctx, stranger, plimsoll.HistoryFilter{})
	f.wantError(plimsoll.NotFound, err)
	_, err = f.s.ImageFindingsAt(f.ctx, stranger, plimsoll.HistoryFilter{})
	f.wantError(plimsoll.NotFound, err)
}

// testIndexHistory: an index has the past of its members, and a tag that moves to what is
// known already changes at once.
func testIndexHistory(f *findings) {
	p := newPast(f)
	high := plimsoll.SeverityHigh
	bash, curl := vulnerable("bash", "CVE-1", high), vulnerable("curl", "CVE-2", high)
	one, two := Artifact("one"), Artifact("two")
	p.push("v1", Index("index", one, two), one, two)
	p.push("plain", two)
	p.next()
	p.scan("one", placed(plimsoll.SetOS, "bash"), bash)
	p.scan("two", placed(plimsoll.SetOS, "curl"), curl)
	p.next()
	p.rematchFor(plimsoll.ReasonWithdrawn, 2, curl)
	p.next()
	wantEqual(f, []string{"2 resolved withdrawn CVE-1 bash 2 high>", "1 appeared first_seen CVE-1 bash 0 >high", "1 appeared first_seen CVE-2 curl 0 >high"},
		p.events(p.imageOf("v1"), ""))
	p.push("plain", one)
	wantEqual(f, []string{"3 resolved moved CVE-2 curl 0 high>", "1 appeared first_seen CVE-2 curl 0 >high"}, p.events(p.imageOf("plain"), ""))
	wantEqual(f, []string{"CVE-2 curl high 1-3"}, p.findingsAt(p.imageOf("plain"), hour(2)))
	wantEqual(f, nil, p.findingsAt(p.imageOf("plain"), time.Time{}))
}

func testHistoryPages(f *findings) {
	p := newPast(f)
	p.push("v1", Artifact("one"))
	var names []string
	var vs []plimsoll.Vulnerability
	for i := range 7 {
		names = append(names, fmt.Sprint("package-", i))
		vs = append(vs, vulnerable(names[i], fmt.Sprint("CVE-", i), plimsoll.SeverityHigh))
	}
	p.scan("one", placed(plimsoll.SetOS, names...), vs...)
	p.next()
	p.rematchFor(plimsoll.ReasonWithdrawn, 2)
	img := p.imageOf("v1")
	whole, err := f.s.ImageHistory(f.ctx, img, plimsoll.HistoryFilter{})
	f.must(err)
	if len(whole.Items) != 14 || whole.Next != "" {
		f.Fatalf("%d events, next %q", len(whole.Items), whole.Next)
	}
	var paged []plimsoll.HistoryEvent
	var found []plimsoll.HistoryState
	for filter := (plimsoll.HistoryFilter{Limit: 3}); ; {
		page, err := f.s.ImageHistory(f.ctx, img, filter)
		f.must(err)
		paged = append(paged, page.Items...)
		if filter.After = page.Next; page.Next == "" {
			break
		}
	}
	wantEqual(f, whole.Items, paged)
	for filter := (plimsoll.HistoryFilter{Limit: 3, At: hour(0)}); ; {
		page, err := f.s.ImageFindingsAt(f.ctx, img, filter)
		f.must(err)
		found = append(found, page.Items...)
		if filter.After = page.Next; page.Next == "" {
			break
		}
	}
	if len(found) != 7 {
		f.Fatalf("%d findings over all pages, want 7", len(found))
	}
	for _, bad := range []plimsoll.HistoryFilter{{After: "?"}, {After: "bm9uZQ"}, {Limit: -1}, {Limit: 201}, {After: strings.Repeat("a", 9000)}} {
		_, err := f.s.ImageHistory(f.ctx, img, bad)
		f.wantError(plimsoll.Invalid, err)
	}
}
