package match

import (
	"slices"

	"plimsoll"
)

// holder holds one installed version of a scheme against affected entries. It keeps
// parsed bounds: the same ones return for every package of a source.
type holder struct {
	scheme scheme
	bounds map[string]bound
}

// bound is a parsed version of an advisory.
type bound struct {
	version
	err error
}

// verdict is what affected entries say about a version.
type verdict struct {
	affected bool
	fixed    string // the version that leaves every matching range; "" if none is known
	unjudged bool   // a bound cannot be ordered
}

func (h *holder) bound(s string) bound {
	b, ok := h.bounds[s]
	if !ok {
		b.version, b.err = h.scheme.version(s)
		h.bounds[s] = b
	}
	return b
}

// hold evaluates one affected entry: a version is affected if it is listed or if a
// range holds it. Without ranges another spelling of a listed version counts as well.
func (h *holder) hold(installed string, a plimsoll.Affected) verdict {
	v := h.bound(installed)
	out := verdict{affected: slices.Contains(a.Versions, installed)}
	listed := out.affected
	if v.err != nil {
		out.unjudged = true
		return out
	}
	if len(a.Ranges) == 0 && !listed {
		out.affected = slices.ContainsFunc(a.Versions, func(other string) bool { return h.same(v.version, other) })
	}
	for _, r := range a.Ranges {
		if h.scheme.modules && otherModularity(installed, r) {
			continue
		}
		in, fixed, err := h.holdRange(v.version, r)
		if err != nil {
			out.unjudged = true
			continue
		}
		if in || listed {
			out.fixed = h.later(out.fixed, fixed)
		}
		out.affected = out.affected || in
	}
	return out
}

// same reports whether two spellings are of one version ("1.0" and "1.0.0" of PyPI).
func (h *holder) same(v version, other string) bool {
	w, err := h.scheme.version(other)
	if err != nil {
		return false
	}
	d, err := v.order(w)
	return err == nil && d == 0
}

// otherModularity reports whether the range speaks of packages of module streams and
// the installed package is none, or the reverse: both are built from one name, and their
// releases say nothing about each other. A range without a bound speaks of both.
func otherModularity(installed string, r plimsoll.Range) bool {
	is := modular(installed)
	for _, e := range r.Events {
		if v := eventVersion(e); v != "" && v != "0" && v != "*" {
			return modular(v) != is
		}
	}
	return false
}

// step is an event of a range with its parsed version.
type step struct {
	plimsoll.Event
	at    version
	first bool // introduced "0": before every version
}

// holdRange follows https://ossf.github.io/osv-schema/#evaluation. fixed is the smallest
// fixed version after v, whether or not the range holds v.
func (h *holder) holdRange(v version, r plimsoll.Range) (in bool, fixed string, err error) {
	if r.Type != "ECOSYSTEM" && r.Type != "SEMVER" {
		return false, "", nil
	}
	limited, below := false, false
	steps := make([]step, 0, len(r.Events))
	for _, e := range r.Events {
		if e.Limit == "*" {
			continue
		}
		s := step{Event: e, first: e.Introduced == "0"}
		if !s.first {
			b := h.bound(eventVersion(e))
			if b.err != nil {
				return false, "", b.err
			}
			s.at = b.version
		}
		if e.Limit == "" {
			steps = append(steps, s)
			continue
		}
		d, err := v.order(s.at)
		if err != nil {
			return false, "", err
		}
		limited, below = true, below || d < 0
	}
	if limited && !below && !unlimited(r) {
		return false, "", nil
	}
	if err := sortSteps(steps); err != nil {
		return false, "", err
	}
	return walk(v, steps)
}

// walk switches the state at every event that v has reached.
func walk(v version, steps []step) (in bool, fixed string, err error) {
	for _, s := range steps {
		d := 1
		if !s.first {
			if d, err = v.order(s.at); err != nil {
				return false, "", err
			}
		}
		switch {
		case s.Introduced != "" && d >= 0:
			in = true
		case s.Fixed != "" && d >= 0, s.LastAffected != "" && d > 0:
			in = false
		case s.Fixed != "" && fixed == "":
			fixed = s.Fixed
		}
	}
	return in, fixed, nil
}

// sortSteps orders by version; events of one version keep the record's order.
func sortSteps(steps []step) error {
	var failed error
	slices.SortStableFunc(steps, func(a, b step) int {
		switch {
		case a.first && b.first:
			return 0
		case a.first:
			return -1
		case b.first:
			return 1
		}
		d, err := a.at.order(b.at)
		if err != nil {
			failed = err
		}
		return d
	})
	return failed
}

// later returns the later of two versions; "" is the earliest. Of two that cannot be
// ordered it keeps the first.
func (h *holder) later(a, b string) string {
	if a == "" || b == "" {
		return max(a, b)
	}
	x, y := h.bound(a), h.bound(b)
	if x.err != nil || y.err != nil {
		return a
	}
	if d, err := x.order(y.version); err == nil && d < 0 {
		return b
	}
	return a
}

func unlimited(r plimsoll.Range) bool {
	return slices.ContainsFunc(r.Events, func(e plimsoll.Event) bool { return e.Limit == "*" })
}

func eventVersion(e plimsoll.Event) string {
	switch {
	case e.Introduced != "":
		return e.Introduced
	case e.Fixed != "":
		return e.Fixed
	case e.LastAffected != "":
		return e.LastAffected
	default:
		return e.Limit
	}
}
