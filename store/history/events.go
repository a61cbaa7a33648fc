package history

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// extendUntilScanned extends the sets of the artifact that the tag pointed to before until the
// artifact that it points to now is scanned: a moved tag resolves nothing by itself.
func (t *timeline) extendUntilScanned() {
	for i, h := range t.held {
		if h.until == notEnded || !t.movedAt(h.until) || t.heldAt(h.until) {
			continue
		}
		next := int64(notEnded)
		for _, other := range t.held {
			if other.from > h.until {
				next = min(next, other.from)
			}
		}
		if next != notEnded || !t.judged {
			t.held[i].until = next
		}
	}
}

func (t *timeline) movedAt(at int64) bool {
	return slices.ContainsFunc(t.moves, func(m tagMove) bool { return m.at == at })
}

// heldAt reports whether the image had any set.
func (t *timeline) heldAt(at int64) bool {
	return slices.ContainsFunc(t.held, func(h heldSet) bool { return h.from <= at && at < h.left })
}

// moveAt returns what the tag pointed to; the zero value before the image was first seen.
func (t *timeline) moveAt(at int64) (m tagMove) {
	for _, one := range t.moves {
		if one.at <= at {
			m = one
		}
	}
	return m
}

// knownAt reports whether the image had been scanned as it was then.
func (t *timeline) knownAt(at int64) bool {
	return t.heldAt(at) || (len(t.held) == 0 && t.judged && len(t.moves) > 0 && t.moves[0].at <= at)
}

// heldReason returns why the sets of the image changed at a time.
func (t *timeline) heldReason(at int64) plimsoll.ChangeReason {
	m := t.moveAt(at)
	first, again := true, false
	for _, h := range t.held {
		first = first && h.from >= at
		again = again || (h.from >= m.at && h.from < at)
	}
	switch {
	case first:
		return plimsoll.ReasonFirstSeen
	case again || len(t.moves) == 0 || m == t.moves[0]:
		return plimsoll.ReasonScannedAgain
	default:
		return plimsoll.ReasonMoved
	}
}

// eventSubject is what events are about: a vulnerability in all packages of one name.
type eventSubject struct{ vulnerability, ecosystem, name string }

// findingSpan is a finding of the image with its bounds.
type findingSpan struct {
	state       plimsoll.HistoryState
	began, ends findingBound
}

// spans cuts the findings to the times at which the image had their sets.
func (t *timeline) spans() map[eventSubject][]findingSpan {
	out := map[eventSubject][]findingSpan{}
	for _, p := range t.findings {
		about := eventSubject{p.state.Vulnerability, p.state.Ecosystem, p.state.Package}
		for _, h := range t.held {
			if h.set != p.set {
				continue
			}
			one := findingSpan{state: p.state, began: p.began, ends: p.ends}
			if h.from >= p.began.at {
				one.began = findingBound{at: h.from, reason: t.heldReason(h.from)}
			}
			if h.until <= p.ends.at && h.until != notEnded {
				one.ends = findingBound{at: h.until, reason: t.heldReason(h.until)}
			}
			if one.began.at < one.ends.at {
				out[about] = append(out[about], one)
			}
		}
	}
	return out
}

// events returns everything that happened, in no order.
func (t *timeline) events() []plimsoll.HistoryEvent {
	var out []plimsoll.HistoryEvent
	for about, spans := range t.spans() {
		for _, at := range spanBounds(spans) {
			was, now := statesOf(spans, at-1), statesOf(spans, at)
			e := plimsoll.HistoryEvent{
				At: sqldb.FromMillis(at), Vulnerability: about.vulnerability, Ecosystem: about.ecosystem, Package: about.name,
				Kind: plimsoll.EventChanged, Was: was, Now: now,
			}
			switch {
			case slices.EqualFunc(was, now, sameState):
				continue
			case len(was) == 0:
				e.Kind = plimsoll.EventAppeared
			case len(now) == 0:
				e.Kind = plimsoll.EventResolved
			}
			e.Reason, e.Revision = reasonAt(spans, at, e)
			e.Digest = t.moveAt(at).digest
			out = append(out, e)
		}
	}
	return out
}

// spanBounds returns the times at which something begins or ends, sorted.
func spanBounds(spans []findingSpan) []int64 {
	var out []int64
	for _, s := range spans {
		out = append(out, s.began.at)
		if s.ends.at != notEnded {
			out = append(out, s.ends.at)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// reasonAt returns why an event happened: of several reasons, one about advisories.
func reasonAt(spans []findingSpan, at int64, e plimsoll.HistoryEvent) (plimsoll.ChangeReason, plimsoll.Revision) {
	var cause findingBound
	for _, s := range spans {
		for _, b := range [...]findingBound{s.ends, s.began} { // the cause of a begin is more specific than that of the end it replaces
			if b.at == at && b.revision >= cause.revision {
				cause = b
			}
		}
	}
	if e.Kind != plimsoll.EventChanged || cause.revision == 0 || cause.reason == plimsoll.ReasonMatcher {
		return cause.reason, cause.revision
	}
	differ := func(of func(plimsoll.HistoryState) any) bool {
		return !slices.EqualFunc(e.Was, e.Now, func(a, b plimsoll.HistoryState) bool { return of(a) == of(b) })
	}
	switch {
	case differ(func(s plimsoll.HistoryState) any { return [2]any{s.Severity, s.Score} }):
		return plimsoll.ReasonSeverity, cause.revision
	case differ(func(s plimsoll.HistoryState) any { return s.FixedVersion }):
		return plimsoll.ReasonFixedVersion, cause.revision
	default:
		return plimsoll.ReasonChangedAdvisory, cause.revision
	}
}

func compareState(a, b plimsoll.HistoryState) int {
	return cmp.Or(strings.Compare(a.Version, b.Version), strings.Compare(a.FixedVersion, b.FixedVersion),
		strings.Compare(string(a.Severity), string(b.Severity)), cmp.Compare(a.Score, b.Score), slices.Compare(a.Advisories, b.Advisories))
}

// sameState leaves times out.
func sameState(a, b plimsoll.HistoryState) bool { return compareState(a, b) == 0 }

// statesOf returns the findings at a time, each once, with their times.
func statesOf(spans []findingSpan, at int64) []plimsoll.HistoryState {
	out := []plimsoll.HistoryState{}
	for _, s := range spans {
		if s.began.at <= at && at < s.ends.at {
			out = append(out, s.state)
		}
	}
	slices.SortFunc(out, compareState)
	out = slices.CompactFunc(out, sameState)
	if len(out) == 0 {
		return out
	}
	since, until := continuousSpan(spans, at)
	for i := range out {
		out[i].Since = sqldb.FromMillis(since)
		if until != notEnded {
			end := sqldb.FromMillis(until)
			out[i].Until = &end
		}
	}
	return out
}

// continuousSpan returns the time around an instant that spans cover without a gap.
func continuousSpan(spans []findingSpan, at int64) (since, until int64) {
	since, until = at, at
	for grown := true; grown; {
		grown = false
		for _, s := range spans {
			if s.began.at <= until && s.ends.at >= since && (s.began.at < since || s.ends.at > until) {
				since, until, grown = min(since, s.began.at), max(until, s.ends.at), true
			}
		}
	}
	return since, until
}

// statesAt returns every finding at a time, in no order.
func (t *timeline) statesAt(at int64) []plimsoll.HistoryState {
	var out []plimsoll.HistoryState
	for _, spans := range t.spans() {
		out = append(out, statesOf(spans, at)...)
	}
	return out
}

// newestFirstKey is a text that is smaller the newer the time.
func newestFirstKey(t time.Time) string { return fmt.Sprintf("%020d", math.MaxInt64-t.UnixMilli()) }

// pageByKey sorts items by their keys and returns the page after the filter's cursor, which is
// the key of the last item of the page before.
func pageByKey[T any](items []T, f plimsoll.HistoryFilter, key func(T) []string) (page []T, next string, err error) {
	limit := cmp.Or(f.Limit, plimsoll.MaxLimit)
	if limit < 1 || limit > plimsoll.MaxLimit {
		return nil, "", plimsoll.Errorf(plimsoll.Invalid, "limit %d is outside 1 to %d", limit, plimsoll.MaxLimit)
	}
	slices.SortFunc(items, func(a, b T) int { return slices.Compare(key(a), key(b)) })
	if f.After != "" {
		after, err := openCursor(f.After)
		if err != nil {
			return nil, "", err
		}
		items = slices.DeleteFunc(items, func(v T) bool { return slices.Compare(key(v), after) <= 0 })
	}
	page = items[:min(limit, len(items))]
	if len(page) < len(items) {
		next = base64.RawURLEncoding.EncodeToString([]byte(sqldb.EncodeJSON(key(page[len(page)-1]))))
	}
	if page == nil {
		page = []T{}
	}
	return page, next, nil
}

// maxCursor bounds a cursor, in bytes: names of packages are the longest part.
const maxCursor = 8 << 10

func openCursor(text string) (key []string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text[:min(len(text), maxCursor)])
	if err == nil {
		err = json.Unmarshal(raw, &key)
	}
	if err != nil || len(text) > maxCursor {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the cursor is not from an answer of this server").WithHint("start without one")
	}
	return key, nil
}
