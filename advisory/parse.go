package advisory

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll"
)

// Bounds of one record. A record beyond them is refused, except that long texts are cut
// and long ids are dropped.
const (
	MaxRecord   = 16 << 20 // bytes of JSON
	maxIDs      = 10_000   // of each kind
	maxID       = 256      // bytes
	maxAffected = 50_000
	maxRanges   = 10_000 // ranges of an affected entry, and events of a range
	maxVersions = 200_000
	maxVersion  = 1024 // bytes
	maxName     = 1024 // bytes of a package or ecosystem name
	maxRatings  = 100
	maxSummary  = 1 << 10 // bytes
	maxDetails  = 64 << 10
	maxURL      = 2 << 10
)

// Parse reads one OSV record. It drops ranges of type GIT, removes surrounding space and
// control characters from strings, and cuts the summary at 1 KiB and the details at 64 KiB.
// Errors are Invalid, or TooLarge for a record beyond the bounds.
func Parse(raw []byte) (plimsoll.Advisory, error) {
	if len(raw) > MaxRecord {
		return plimsoll.Advisory{}, recordTooLarge("bytes", len(raw), MaxRecord)
	}
	r, err := decodeRecord(string(raw))
	if err != nil {
		return plimsoll.Advisory{}, err
	}
	a := plimsoll.Advisory{
		ID:        cleanLine(r.ID),
		Modified:  r.Modified,
		Published: r.Published,
		Withdrawn: r.Withdrawn,
		Summary:   cleanText(r.Summary, maxSummary),
		Details:   cleanText(r.Details, maxDetails),
		URL:       referenceURL(r.Refs),
	}
	if a.ID == "" || len(a.ID) > maxID {
		return plimsoll.Advisory{}, plimsoll.Errorf(plimsoll.Invalid, "advisory: record has no id, or one longer than %d bytes", maxID)
	}
	for _, list := range [...]struct {
		to   *[]string
		from []string
	}{{&a.Aliases, r.Aliases}, {&a.Upstream, r.Upstream}, {&a.Related, r.Related}} {
		if *list.to, err = parseIDs(list.from); err != nil {
			return plimsoll.Advisory{}, err
		}
	}
	if a.Ratings, err = parseRatings(r.Severity, r.DatabaseSpecific); err != nil {
		return plimsoll.Advisory{}, err
	}
	if word := erratumRating(a); word != "" {
		a.Ratings = append(a.Ratings, plimsoll.Rating{Type: "vendor", Value: word})
	}
	a.Affected, err = parseAffected(r.Affected)
	return a, err
}

// erratumRating returns the rating at the beginning of the summary of a Red Hat-style
// erratum ("Important: firefox security update"), which has it nowhere else: one of the four
// words of https://access.redhat.com/security/updates/classification, else "".
func erratumRating(a plimsoll.Advisory) string {
	word, _, ok := strings.Cut(a.Summary, ": ")
	if !ok || !a.Erratum() || slices.ContainsFunc(a.Ratings, func(r plimsoll.Rating) bool { return r.Type == "vendor" }) {
		return ""
	}
	switch word {
	case "Critical", "Important", "Moderate", "Low":
		return word
	default:
		return ""
	}
}

func parseIDs(list []string) ([]string, error) {
	if len(list) > maxIDs {
		return nil, recordTooLarge("ids", len(list), maxIDs)
	}
	var out []string
	for _, id := range list {
		if id = cleanLine(id); id != "" && len(id) <= maxID {
			out = append(out, id)
		}
	}
	return out, nil
}

// parseRatings returns the severity entries followed by the vendor's ratings.
func parseRatings(scores []decodedScore, more ...specificFields) ([]plimsoll.Rating, error) {
	if len(scores) > maxRatings {
		return nil, recordTooLarge("severity entries", len(scores), maxRatings)
	}
	var out []plimsoll.Rating
	for _, s := range scores {
		if kind, value := cleanLine(s.Type), cleanLine(s.Score); kind != "" && value != "" && len(kind)+len(value) <= maxName {
			out = append(out, plimsoll.Rating{Type: kind, Value: value})
		}
	}
	for _, s := range more {
		for _, word := range [...]string{s.severity, s.urgency} {
			if word = cleanLine(word); word != "" && len(word) <= maxID {
				out = append(out, plimsoll.Rating{Type: "vendor", Value: word})
			}
		}
	}
	return out, nil
}

func parseAffected(list []decodedAffected) ([]plimsoll.Affected, error) {
	if len(list) > maxAffected {
		return nil, recordTooLarge("affected packages", len(list), maxAffected)
	}
	out := make([]plimsoll.Affected, 0, len(list))
	for _, f := range list {
		p := plimsoll.Affected{Ecosystem: cleanLine(f.Ecosystem), Name: cleanLine(f.Name)}
		if p.Ecosystem == "" || p.Name == "" {
			continue // a source repository, without a package
		}
		if len(p.Ecosystem) > maxName || len(p.Name) > maxName {
			return nil, recordTooLarge("bytes of a package name", len(p.Ecosystem)+len(p.Name), maxName)
		}
		var err error
		if p.Ratings, err = parseRatings(f.Severity, f.EcosystemSpecific, f.DatabaseSpecific); err != nil {
			return nil, err
		}
		if p.Versions, err = parseVersions(f.Versions); err != nil {
			return nil, err
		}
		if p.Ranges, err = parseRanges(f.Ranges); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func parseVersions(list []string) ([]string, error) {
	if len(list) > maxVersions {
		return nil, recordTooLarge("versions", len(list), maxVersions)
	}
	var out []string
	for _, v := range list {
		if v = cleanLine(v); len(v) > maxVersion {
			return nil, recordTooLarge("bytes of a version", len(v), maxVersion)
		} else if v != "" {
			out = append(out, v)
		}
	}
	return out, nil
}

func parseRanges(list []plimsoll.Range) ([]plimsoll.Range, error) {
	if len(list) > maxRanges {
		return nil, recordTooLarge("ranges", len(list), maxRanges)
	}
	var out []plimsoll.Range
	for _, r := range list {
		if r.Type != "ECOSYSTEM" && r.Type != "SEMVER" {
			continue
		}
		if len(r.Events) > maxRanges {
			return nil, recordTooLarge("events", len(r.Events), maxRanges)
		}
		events := make([]plimsoll.Event, 0, len(r.Events))
		for _, e := range r.Events {
			bounds, err := splitEvent(e)
			if err != nil {
				return nil, err
			}
			events = append(events, bounds...)
		}
		out = append(out, plimsoll.Range{Type: r.Type, Events: events})
	}
	return out, nil
}

// splitEvent makes one event per bound. The schema allows one bound per event; records
// with more occur.
func splitEvent(e plimsoll.Event) ([]plimsoll.Event, error) {
	var out []plimsoll.Event
	for _, b := range [...]struct {
		value string
		event func(string) plimsoll.Event
	}{
		{e.Introduced, func(v string) plimsoll.Event { return plimsoll.Event{Introduced: v} }},
		{e.Fixed, func(v string) plimsoll.Event { return plimsoll.Event{Fixed: v} }},
		{e.LastAffected, func(v string) plimsoll.Event { return plimsoll.Event{LastAffected: v} }},
		{e.Limit, func(v string) plimsoll.Event { return plimsoll.Event{Limit: v} }},
	} {
		v := cleanLine(b.value)
		if len(v) > maxVersion {
			return nil, recordTooLarge("bytes of a version", len(v), maxVersion)
		}
		if v != "" {
			out = append(out, b.event(v))
		}
	}
	return out, nil
}

// referenceURL returns the first ADVISORY reference, else the first reference. Only http
// and https URLs count.
func referenceURL(refs []decodedReference) string {
	first := ""
	for _, r := range refs {
		if len(r.URL) > maxURL {
			continue
		}
		u, err := url.Parse(cleanLine(r.URL))
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			continue
		}
		if r.Type == "ADVISORY" {
			return u.String()
		}
		if first == "" {
			first = u.String()
		}
	}
	return first
}

// cleanLine removes surrounding space and all control characters from a one-line string.
func cleanLine(s string) string {
	if isTrimmedASCII(s) {
		return s
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
}

// isTrimmedASCII reports whether s is printable ASCII without surrounding space. Most
// strings are, and cleanLine returns them as they are.
func isTrimmedASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

// cleanText cuts s to size bytes and removes surrounding space and control characters
// except line breaks and tabs.
func cleanText(s string, size int) string {
	if len(s) > size {
		s = strings.ToValidUTF8(s[:size], "")
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r > '~' }) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s))
}

func recordTooLarge(what string, count, limit int) error {
	return plimsoll.Errorf(plimsoll.TooLarge, "advisory: record has %d %s, the maximum is %d", count, what, limit)
}
