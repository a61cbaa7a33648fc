package advisory

import (
	"time"

	"plimsoll"
)

// record is an OSV record as it is written.
type record struct {
	ID, Summary, Details           string
	Modified, Published, Withdrawn time.Time
	Aliases, Upstream, Related     []string
	Severity                       []score
	Affected                       []affected
	Refs                           []reference
	Database                       specific
}

type reference struct{ Type, URL string }

type score struct{ Type, Score string }

type affected struct {
	Ecosystem, Name     string
	Versions            []string
	Ranges              []plimsoll.Range
	Severity            []score
	Specific, OfDataset specific
}

// specific is what a source writes beside the schema. Only words of severity are read;
// anything else may have any form.
type specific struct{ severity, urgency string }

// decodeRecord reads the members that judgement and lists need. Names of members are
// exact; of a member that occurs twice the last counts.
func decodeRecord(s string) (r record, err error) {
	d := &decoder{s: s}
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch d.key() {
		case "id":
			r.ID = d.str()
		case "modified":
			r.Modified, _ = d.time()
		case "published":
			r.Published, _ = d.time()
		case "withdrawn":
			var ok bool
			if r.Withdrawn, ok = d.time(); !ok {
				d.fail("withdrawn at no time")
			}
		case "aliases":
			r.Aliases = d.strings()
		case "upstream":
			r.Upstream = d.strings()
		case "related":
			r.Related = d.strings()
		case "summary":
			r.Summary = d.str()
		case "details":
			r.Details = d.str()
		case "severity":
			r.Severity = d.scores()
		case "affected":
			r.Affected = listOf(d, decodeAffected)
		case "references":
			r.Refs = listOf(d, decodeReference)
		case "database_specific":
			r.Database = d.specific()
		default:
			d.skip()
		}
	}
	d.end()
	return r, d.err
}

func listOf[T any](d *decoder, one func(*decoder) T) (out []T) {
	for ok := d.open('['); ok; ok = d.more('[') {
		out = append(out, one(d))
	}
	return out
}

func (d *decoder) strings() []string { return listOf(d, (*decoder).str) }

// time reads an RFC 3339 time; null is the zero time, and so is a string that is none,
// which is not ok.
func (d *decoder) time() (t time.Time, ok bool) {
	text := d.str()
	if text == "" {
		return time.Time{}, true
	}
	if t.UnmarshalText([]byte(text)) != nil {
		return time.Time{}, false
	}
	return t, true
}

func (d *decoder) scores() []score {
	return listOf(d, func(d *decoder) (s score) {
		s.Type, s.Score = d.pair("type", "score")
		return s
	})
}

// pair reads two members of an object.
func (d *decoder) pair(first, second string) (a, b string) {
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch d.key() {
		case first:
			a = d.str()
		case second:
			b = d.str()
		default:
			d.skip()
		}
	}
	return a, b
}

func decodeReference(d *decoder) (r reference) {
	r.Type, r.URL = d.pair("type", "url")
	return r
}

func decodeAffected(d *decoder) (a affected) {
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch d.key() {
		case "package":
			a.Ecosystem, a.Name = d.pair("ecosystem", "name")
		case "versions":
			a.Versions = d.strings()
		case "ranges":
			a.Ranges = listOf(d, decodeRange)
		case "severity":
			a.Severity = d.scores()
		case "ecosystem_specific":
			a.Specific = d.specific()
		case "database_specific":
			a.OfDataset = d.specific()
		default:
			d.skip()
		}
	}
	return a
}

func decodeRange(d *decoder) (r plimsoll.Range) {
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch d.key() {
		case "type":
			r.Type = d.str()
		case "events":
			r.Events = listOf(d, decodeEvent)
		default:
			d.skip()
		}
	}
	return r
}

func decodeEvent(d *decoder) (e plimsoll.Event) {
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch d.key() {
		case "introduced":
			e.Introduced = d.str()
		case "fixed":
			e.Fixed = d.str()
		case "last_affected":
			e.LastAffected = d.str()
		case "limit":
			e.Limit = d.str()
		default:
			d.skip()
		}
	}
	return e
}

// specific never refuses well-formed JSON.
func (d *decoder) specific() (s specific) {
	if d.next() != '{' {
		d.skip()
		return s
	}
	for ok := d.open('{'); ok; ok = d.more('{') {
		switch key := d.key(); {
		case key != "severity" && key != "urgency", d.next() != '"':
			d.skip()
		case key == "severity":
			s.severity = d.quoted()
		default:
			s.urgency = d.quoted()
		}
	}
	return s
}
