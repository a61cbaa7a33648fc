package advisories

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"plimsoll"
)

// packedRecord is a record in stored form.
type packedRecord struct {
	*plimsoll.FeedRecord
	ecosystems    string
	body, details []byte
	statements    []packedStatement // by key
}

// packedStatement is the part of a record about one package, or about one CVE: the
// ecosystem is empty then.
type packedStatement struct {
	key  plimsoll.AdvisoryKey
	body []byte
}

func (a *Store) packRecord(r *plimsoll.FeedRecord) (packedRecord, error) {
	out := packedRecord{FeedRecord: r, details: a.pack([]byte(r.Advisory.Details))}
	head := r.Advisory
	head.Feed, head.Details, head.Affected = "", "", nil
	var err error
	if out.body, err = a.packJSON(head); err != nil || !r.Advisory.Withdrawn.IsZero() {
		return out, err
	}
	groups := map[plimsoll.AdvisoryKey][]plimsoll.Affected{}
	var ecosystems []string
	ratings := slices.Clone(r.Advisory.Ratings)
	for _, f := range r.Advisory.Affected {
		key := plimsoll.NewAdvisoryKey(f.Ecosystem, f.Name)
		groups[key] = append(groups[key], f)
		if !r.Advisory.Malicious() { // a feed of malware does not list vulnerabilities
			ecosystems = append(ecosystems, f.Ecosystem)
		}
		ratings = append(ratings, f.Ratings...)
	}
	for key, group := range groups {
		entries, err := a.packJSON(group)
		if err != nil {
			return out, err
		}
		out.statements = append(out.statements, packedStatement{key, entries})
	}
	slices.Sort(ecosystems)
	out.ecosystems = strings.Join(slices.Compact(ecosystems), "\n")
	cves, vectors, err := cvssOf(r.Advisory, ratings)
	for _, cve := range cves {
		out.statements = append(out.statements, packedStatement{plimsoll.AdvisoryKey{Name: cve}, vectors})
	}
	slices.SortFunc(out.statements, func(a, b packedStatement) int {
		return cmp.Or(strings.Compare(a.key.Ecosystem, b.key.Ecosystem), strings.Compare(a.key.Name, b.key.Name))
	})
	return out, err
}

// cvssOf returns the record's distinct CVSS vectors in JSON and the CVEs they are for.
func cvssOf(a plimsoll.Advisory, ratings []plimsoll.Rating) ([]string, []byte, error) {
	var vectors []plimsoll.Rating
	for _, r := range ratings {
		if strings.HasPrefix(r.Type, "CVSS_") && !slices.Contains(vectors, r) {
			vectors = append(vectors, r)
		}
	}
	cves := a.CVEs()
	if len(vectors) == 0 || len(cves) == 0 {
		return nil, nil, nil
	}
	b, err := json.Marshal(vectors)
	return cves, b, err
}
