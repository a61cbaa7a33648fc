package advisory

import (
	"time"

	"plimsoll"
)

// decodedRecord has the fields of an OSV record that Parse uses, before they are checked.
type decodedRecord struct {
	ID, Summary, Details           string
	Modified, Published, Withdrawn time.Time
	Aliases, Upstream, Related     []string
	Severity                       []decodedScore
	Affected                       []decodedAffected
	Refs                           []decodedReference
	DatabaseSpecific               specificFields
}

type decodedReference struct{ Type, URL string }

type decodedScore struct{ Type, Score string }

type decodedAffected struct {
	Ecosystem, Name                     string
	Versions                            []string
	Ranges                              []plimsoll.Range
	Severity                            []decodedScore
	EcosystemSpecific, DatabaseSpecific specificFields
}

// specificFields are the known members of a database_specific or ecosystem_specific
// object. Only the vendor's severity is read; other members may have any form.
type specificFields struct{ severity, urgency string }

// decodeRecord reads the members that matching and lists need. Names of members are
// case-sensitive; if a member occurs twice, the last one counts.
func decodeRecord(s string) (r decodedRecord, err error) {
	d := &jsonDecoder{s: s}
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case "id":
			r.ID = d.readString()
		case "modified":
			r.Modified, _ = d.readTime()
		case "published":
			r.Published, _ = d.readTime()
		case "withdrawn":
			var ok bool
			if r.Withdrawn, ok = d.readTime(); !ok {
				d.fail("withdrawn is not a time")
			}
		case "aliases":
			r.Aliases = d.readStrings()
		case "upstream":
			r.Upstream = d.readStrings()
		case "related":
			r.Related = d.readStrings()
		case "summary":
			r.Summary = d.readString()
		case "details":
			r.Details = d.readString()
		case "severity":
			r.Severity = d.readScores()
		case "affected":
			r.Affected = decodeList(d, decodeAffected)
		case "references":
			r.Refs = decodeList(d, decodeReference)
		case "database_specific":
			r.DatabaseSpecific = d.readSpecific()
		default:
			d.skipValue()
		}
	}
	d.expectEnd()
	return r, d.err
}

func decodeList[T any](d *jsonDecoder, one func(*jsonDecoder) T) (out []T) {
	for ok := d.enter('['); ok; ok = d.more('[') {
		out = append(out, one(d))
	}
	return out
}

func (d *jsonDecoder) readStrings() []string { return decodeList(d, (*jsonDecoder).readString) }

// readTime reads an RFC 3339 time. null and "" give the zero time; ok is false if the
// string is not a time.
func (d *jsonDecoder) readTime() (t time.Time, ok bool) {
	text := d.readString()
	if text == "" {
		return time.Time{}, true
	}
	if t.UnmarshalText([]byte(text)) != nil {
		return time.Time{}, false
	}
	return t, true
}

func (d *jsonDecoder) readScores() []decodedScore {
	return decodeList(d, func(d *jsonDecoder) (s decodedScore) {
		s.Type, s.Score = d.readPair("type", "score")
		return s
	})
}

// readPair reads an object and returns two of its members, which are strings.
func (d *jsonDecoder) readPair(first, second string) (a, b string) {
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case first:
			a = d.readString()
		case second:
			b = d.readString()
		default:
			d.skipValue()
		}
	}
	return a, b
}

func decodeReference(d *jsonDecoder) (r decodedReference) {
	r.Type, r.URL = d.readPair("type", "url")
	return r
}

func decodeAffected(d *jsonDecoder) (a decodedAffected) {
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case "package":
			a.Ecosystem, a.Name = d.readPair("ecosystem", "name")
		case "versions":
			a.Versions = d.readStrings()
		case "ranges":
			a.Ranges = decodeList(d, decodeRange)
		case "severity":
			a.Severity = d.readScores()
		case "ecosystem_specific":
			a.EcosystemSpecific = d.readSpecific()
		case "database_specific":
			a.DatabaseSpecific = d.readSpecific()
		default:
			d.skipValue()
		}
	}
	return a
}

func decodeRange(d *jsonDecoder) (r plimsoll.Range) {
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case "type":
			r.Type = d.readString()
		case "events":
			r.Events = decodeList(d, decodeEvent)
		default:
			d.skipValue()
		}
	}
	return r
}

func decodeEvent(d *jsonDecoder) (e plimsoll.Event) {
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch d.readKey() {
		case "introduced":
			e.Introduced = d.readString()
		case "fixed":
			e.Fixed = d.readString()
		case "last_affected":
			e.LastAffected = d.readString()
		case "limit":
			e.Limit = d.readString()
		default:
			d.skipValue()
		}
	}
	return e
}

// readSpecific accepts any well-formed JSON.
func (d *jsonDecoder) readSpecific() (s specificFields) {
	if d.peek() != '{' {
		d.skipValue()
		return s
	}
	for ok := d.enter('{'); ok; ok = d.more('{') {
		switch key := d.readKey(); {
		case key != "severity" && key != "urgency", d.peek() != '"':
			d.skipValue()
		case key == "severity":
			s.severity = d.readQuoted()
		default:
			s.urgency = d.readQuoted()
		}
	}
	return s
}
