package match

import (
	"slices"

	"plimsoll"
)

// rangeEvaluator evaluates affected entries for installed versions of one ecosystem. It
// caches parsed versions, because all packages of a source have the same ones.
type rangeEvaluator struct {
	scheme ecosystemScheme
	parsed map[string]parsedBound
}

// parsedBound is a parsed version, or the error of parsing it.
type parsedBound struct {
	orderedVersion
	err error
}

// entryVerdict is the result of evaluating an affected entry for a version.
type entryVerdict struct {
	affected bool
	fixed    string // the version that leaves every matching range; "" if none is known
	unjudged bool   // a bound cannot be ordered
}

func (h *rangeEvaluator) parseBound(s string) parsedBound {
	b, ok := h.parsed[s]
	if !ok {
		b.orderedVersion, b.err = h.scheme.version(s)
		h.parsed[s] = b
	}
	return b
}

// evaluate evaluates one affected entry: a version is affected if it is listed or in a range.
// In an entry without ranges, a version that compares equal to a listed one counts too.
func (h *rangeEvaluator) evaluate(installed string, a plimsoll.Affected) entryVerdict {
	v := h.parseBound(installed)
	out := entryVerdict{affected: slices.Contains(a.Versions, installed)}
	listed := out.affected
	if v.err != nil {
		out.unjudged = true
		return out
	}
	if len(a.Ranges) == 0 && !listed {
		out.affected = slices.ContainsFunc(a.Versions, func(other string) bool { return h.equalVersion(v.orderedVersion, other) })
	}
	for _, r := range a.Ranges {
		if h.scheme.hasModules && differsInModularity(installed, r) {
			continue
		}
		in, fixed, err := h.evaluateRange(v.orderedVersion, r)
		if err != nil {
			out.unjudged = true
			continue
		}
		if in || listed {
			out.fixed = h.laterVersion(out.fixed, fixed)
		}
		out.affected = out.affected || in
	}
	return out
}

// equalVersion reports whether two spellings are the same version ("1.0" and "1.0.0" in PyPI).
func (h *rangeEvaluator) equalVersion(v orderedVersion, other string) bool {
	w, err := h.scheme.version(other)
	if err != nil {
		return false
	}
	d, err := v.compare(w)
	return err == nil && d == 0
}

// differsInModularity reports whether the range is about packages of module streams and the
// installed package is not of one, or the reverse. Both have the same name, but their versions
// cannot be compared. A range without a version applies to both.
func differsInModularity(installed string, r plimsoll.Range) bool {
	is := isModuleBuild(installed)
	for _, e := range r.Events {
		if v := eventVersion(e); v != "" && v != "0" && v != "*" {
			return isModuleBuild(v) != is
		}
	}
	return false
}

// rangeStep is a range event with its parsed version.
type rangeStep struct {
	plimsoll.Event
	version orderedVersion
	first   bool // introduced "0": before every version
}

// evaluateRange follows https://ossf.github.io/osv-schema/#evaluation. in reports whether the
// range contains v; fixed is the smallest fixed version after v, also if it does not.
func (h *rangeEvaluator) evaluateRange(v orderedVersion, r plimsoll.Range) (in bool, fixed string, err error) {
	if r.Type != "ECOSYSTEM" && r.Type != "SEMVER" {
		return false, "", nil
	}
	limited, below := false, false
	steps := make([]rangeStep, 0, len(r.Events))
	for _, e := range r.Events {
		if e.Limit == "*" {
			continue
		}
		s := rangeStep{Event: e, first: e.Introduced == "0"}
		if !s.first {
			b := h.parseBound(eventVersion(e))
			if b.err != nil {
				return false, "", b.err
			}
			s.version = b.orderedVersion
		}
		if e.Limit == "" {
			steps = append(steps, s)
			continue
		}
		d, err := v.compare(s.version)
		if err != nil {
			return false, "", err
		}
		limited, below = true, below || d < 0
	}
	if limited && !below && !hasNoLimit(r) {
		return false, "", nil
	}
	if err := sortSteps(steps); err != nil {
		return false, "", err
	}
	return evaluateSteps(v, steps)
}

// evaluateSteps applies each event up to v, in order of version.
func evaluateSteps(v orderedVersion, steps []rangeStep) (in bool, fixed string, err error) {
	for _, s := range steps {
		d := 1
		if !s.first {
			if d, err = v.compare(s.version); err != nil {
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

// sortSteps sorts by version; events with the same version keep their order in the advisory.
func sortSteps(steps []rangeStep) error {
	var failed error
	slices.SortStableFunc(steps, func(a, b rangeStep) int {
		switch {
		case a.first && b.first:
			return 0
		case a.first:
			return -1
		case b.first:
			return 1
		}
		d, err := a.version.compare(b.version)
		if err != nil {
			failed = err
		}
		return d
	})
	return failed
}

// laterVersion returns the later of two versions; "" comes before all others. If they cannot
// be ordered, it returns a.
func (h *rangeEvaluator) laterVersion(a, b string) string {
	if a == "" || b == "" {
		return max(a, b)
	}
	x, y := h.parseBound(a), h.parseBound(b)
	if x.err != nil || y.err != nil {
		return a
	}
	if d, err := x.compare(y.orderedVersion); err == nil && d < 0 {
		return b
	}
	return a
}

func hasNoLimit(r plimsoll.Range) bool {
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
