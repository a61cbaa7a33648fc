package advisories

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Evidence returns what packages with these keys are compared with, at the newest
// revision. It is one state of the database, also while imports run.
func (a *Store) Evidence(ctx context.Context, keys []plimsoll.AdvisoryKey) (plimsoll.Evidence, error) {
	e := plimsoll.Evidence{Ratings: map[string][]plimsoll.Rating{}, Threats: map[string]plimsoll.Threat{}, Releases: map[string]bool{}}
	err := a.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		if e.Revision, err = newestRevision(ctx, tx); err != nil {
			return err
		}
		if err := evidenceReleases(ctx, tx, keys, e.Releases); err != nil {
			return err
		}
		parts, err := a.parts(ctx, tx, e.Revision, keys)
		if err != nil {
			return err
		}
		e.Advisories = joinParts(parts)
		cves := cvesOf(e.Advisories)
		if err := evidenceThreats(ctx, tx, e.Revision, cves, e.Threats); err != nil {
			return err
		}
		return evidenceRatings(ctx, tx, e.Revision, cves, e.Ratings)
	})
	return e, err
}

const selectReleasesSQL = `SELECT ecosystem FROM feed_release`

func evidenceReleases(ctx context.Context, tx *sqldb.Tx, keys []plimsoll.AdvisoryKey, out map[string]bool) error {
	asked := map[string]bool{}
	for _, k := range keys {
		asked[k.Ecosystem] = true
	}
	rows, err := tx.Query(ctx, selectReleasesSQL)
	_, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
		var name string
		err = rows.Scan(&name)
		if asked[plimsoll.BaseEcosystem(name)] {
			out[name] = true
		}
		return none, err
	})
	return err
}

// evidencePart is the part of a record about one key.
type evidencePart struct {
	key      plimsoll.AdvisoryKey
	record   int64
	advisory plimsoll.Advisory // Affected: the entries of the key
}

// joinParts joins the parts of each record, in the order of the records.
func joinParts(parts []evidencePart) []plimsoll.Advisory {
	slices.SortStableFunc(parts, func(a, b evidencePart) int { return cmp.Compare(a.record, b.record) })
	out := make([]plimsoll.Advisory, 0, len(parts))
	for i, p := range parts {
		if i > 0 && parts[i-1].record == p.record {
			last := &out[len(out)-1]
			last.Affected = append(slices.Clip(last.Affected), p.advisory.Affected...)
			continue
		}
		out = append(out, p.advisory)
	}
	return out
}

const selectPartsSQL = `
SELECT s.name, r.id, r.feed, r.from_revision, r.body, s.body
FROM lookup k JOIN record r ON r.id = k.record_id
JOIN statement s ON s.record_id = k.record_id AND s.ecosystem = k.ecosystem AND s.name = k.name
WHERE k.name IN (:keys) AND k.ecosystem = ?
  AND r.from_revision <= ? AND (r.to_revision IS NULL OR r.to_revision > ?)`

// parts reads what the cache does not have, an ecosystem and a chunk of names at a time.
func (a *Store) parts(ctx context.Context, tx *sqldb.Tx, at plimsoll.Revision, keys []plimsoll.AdvisoryKey) ([]evidencePart, error) {
	out, missing := a.cache.get(at, keys)
	names := map[string][]string{}
	for _, k := range missing {
		names[k.Ecosystem] = append(names[k.Ecosystem], k.Name)
	}
	for ecosystem, names := range names {
		read, err := sqldb.CollectChunks(ctx, tx, selectPartsSQL, nil, names, a.scanPart, ecosystem, at, at)
		if err != nil {
			return nil, err
		}
		for i := range read {
			read[i].key.Ecosystem = ecosystem
		}
		out = append(out, read...)
		a.cache.put(at, ecosystem, names, read)
	}
	return out, nil
}

func (a *Store) scanPart(rows *sql.Rows) (p evidencePart, err error) {
	var feed string
	var since plimsoll.Revision
	var body, entries sql.RawBytes
	if err := rows.Scan(&p.key.Name, &p.record, &feed, &since, &body, &entries); err != nil {
		return p, err
	}
	if err := a.unpackJSON(body, &p.advisory); err != nil {
		return p, err
	}
	p.advisory.Feed, p.advisory.Since = feed, since
	return p, a.unpackJSON(entries, &p.advisory.Affected)
}

// cvesOf are the CVEs that the advisories name.
func cvesOf(advisories []plimsoll.Advisory) []string {
	var cves []string
	for _, a := range advisories {
		cves = append(cves, a.CVEs()...)
	}
	slices.Sort(cves)
	return slices.Compact(cves)
}

const selectRatingsSQL = `
SELECT k.name, s.body FROM lookup k JOIN record r ON r.id = k.record_id
JOIN statement s ON s.record_id = k.record_id AND s.ecosystem = k.ecosystem AND s.name = k.name
WHERE k.name IN (:keys) AND k.ecosystem = '' AND r.from_revision <= ? AND (r.to_revision IS NULL OR r.to_revision > ?)
ORDER BY k.name, k.record_id`

// evidenceRatings reads the vectors of the CVEs.
func evidenceRatings(ctx context.Context, tx *sqldb.Tx, at plimsoll.Revision, cves []string, out map[string][]plimsoll.Rating) error {
	return sqldb.QueryChunks(ctx, tx, selectRatingsSQL, nil, cves, func(rows *sql.Rows) error {
		var cve string
		var text sql.RawBytes
		if err := rows.Scan(&cve, &text); err != nil {
			return err
		}
		var found []plimsoll.Rating
		err := json.Unmarshal(text, &found)
		out[cve] = append(out[cve], found...)
		return err
	}, at, at)
}
