package advisory

import (
	"encoding/json"
	"time"

	"plimsoll"
)

// osvRecord is an OSV record as Encode writes it.
type osvRecord struct {
	Schema    string        `json:"schema_version"`
	ID        string        `json:"id"`
	Modified  time.Time     `json:"modified,omitzero"`
	Published time.Time     `json:"published,omitzero"`
	Withdrawn time.Time     `json:"withdrawn,omitzero"`
	Aliases   []string      `json:"aliases,omitempty"`
	Upstream  []string      `json:"upstream,omitempty"`
	Related   []string      `json:"related,omitempty"`
	Summary   string        `json:"summary,omitempty"`
	Details   string        `json:"details,omitempty"`
	Severity  []osvScore    `json:"severity,omitempty"`
	Affected  []osvAffected `json:"affected,omitempty"`
	Refs      []osvRef      `json:"references,omitempty"`
	Database  *osvSpecific  `json:"database_specific,omitempty"`
}

type osvScore struct {
	Type  string `json:"type"`
	Score string `json:"score"`
}

type osvRef struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type osvAffected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
	} `json:"package"`
	Versions  []string         `json:"versions,omitempty"`
	Ranges    []plimsoll.Range `json:"ranges,omitempty"`
	Severity  []osvScore       `json:"severity,omitempty"`
	Ecosystem *osvSpecific     `json:"ecosystem_specific,omitempty"`
	Database  *osvSpecific     `json:"database_specific,omitempty"`
}

type osvSpecific struct {
	Severity string `json:"severity,omitempty"`
	Urgency  string `json:"urgency,omitempty"`
}

// Encode writes the advisory as an OSV record, from which Parse reads the same advisory.
// What Parse drops (all references but one, GIT ranges) is not part of an advisory.
func Encode(a plimsoll.Advisory) ([]byte, error) {
	r := osvRecord{
		Schema: "1.7.0", ID: a.ID, Modified: a.Modified, Published: a.Published, Withdrawn: a.Withdrawn,
		Aliases: a.Aliases, Upstream: a.Upstream, Related: a.Related, Summary: a.Summary, Details: a.Details,
	}
	if a.URL != "" {
		r.Refs = []osvRef{{"ADVISORY", a.URL}}
	}
	var words []string
	r.Severity, words = encodeRatings(a.Ratings)
	r.Database = takeSpecific(&words)
	for _, f := range a.Affected {
		var out osvAffected
		out.Package.Ecosystem, out.Package.Name, out.Versions, out.Ranges = f.Ecosystem, f.Name, f.Versions, f.Ranges
		out.Severity, words = encodeRatings(f.Ratings)
		out.Ecosystem, out.Database = takeSpecific(&words), takeSpecific(&words)
		r.Affected = append(r.Affected, out)
	}
	return json.Marshal(r)
}

// encodeRatings separates CVSS scores from vendor ratings ("Important"), which the OSV
// severity field does not allow.
func encodeRatings(ratings []plimsoll.Rating) (scores []osvScore, words []string) {
	for _, r := range ratings {
		if r.Type == "vendor" {
			words = append(words, r.Value)
		} else {
			scores = append(scores, osvScore{r.Type, r.Value})
		}
	}
	return scores, words
}

// takeSpecific removes up to two vendor ratings from words and returns them as the
// members that Parse reads, in the same order; nil if there are none.
func takeSpecific(words *[]string) *osvSpecific {
	if len(*words) == 0 {
		return nil
	}
	out := &osvSpecific{Severity: (*words)[0]}
	*words = (*words)[1:]
	if len(*words) > 0 {
		out.Urgency, *words = (*words)[0], (*words)[1:]
	}
	return out
}
