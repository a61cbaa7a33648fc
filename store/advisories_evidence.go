package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"plimsoll"
)

// nameChunk is how many values an IN list holds at most.
const nameChunk = 500

// inNameChunks runs do with a query whose %s is an IN list of each chunk of the values.
func inNameChunks(values []string, do func(query string, args []any) error, query string) error {
	for part := range slices.Chunk(values, nameChunk) {
		args := make([]any, len(part), len(part)+3)
		for i, v := range part {
			args[i] = v
		}
		if err := do(fmt.Sprintf(query, marks(len(part))), args); err != nil {
			return err
		}
	}
	return nil
}

// Evidence returns what packages with these keys are held against, at the newest
// revision: one state, however long imports run beside it.
func (a *Advisories) Evidence(ctx context.Context, keys []plimsoll.AdvisoryKey) (plimsoll.Evidence, error) {
	e := plimsoll.Evidence{Ratings: map[string][]plimsoll.Rating{}, Threats: map[string]plimsoll.Threat{}, Releases: map[string]bool{}}
	err := a.db.read(ctx, func(tx *Tx) (err error) {
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
		e.Advisories = assemble(parts)
		cves := cvesOf(e.Advisories)
		if err := evidenceThreats(ctx, tx, e.Revision, cves, e.Threats); err != nil {
			return err
		}
		return evidenceRatings(ctx, tx, e.Revision, cves, e.Ratings)
	})
	return e, err
}

func evidenceReleases(ctx context.Context, tx *Tx, keys []plimsoll.AdvisoryKey, out map[string]bool) error {
	asked := map[string]bool{}
	for _, k := range keys {
		asked[k.Ecosystem] = true
	}
	rows, err := tx.Query(ctx, `SELECT ecosystem FROM feed_release`)
	_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
		var name string
		err = rows.Scan(&name)
		if asked[plimsoll.BaseEcosystem(name)] {
			out[name] = true
		}
		return none, err
	})
	return err
}

// evidencePart is what one record says about one key.
type evidencePart struct {
	key      plimsoll.AdvisoryKey
	record   int64
	advisory plimsoll.Advisory // Affected: the entries of the key
}

// assemble joins the parts of each record, in the order of the records.
func assemble(parts []evidencePart) []plimsoll.Advisory {
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

// parts reads what the cache does not hold, an ecosystem and a chunk of names at a time.
func (a *Advisories) parts(ctx context.Context, tx *Tx, at plimsoll.Revision, keys []plimsoll.AdvisoryKey) ([]evidencePart, error) {
	out, missing := a.cache.get(at, keys)
	names := map[string][]string{}
	for _, k := range missing {
		names[k.Ecosystem] = append(names[k.Ecosystem], k.Name)
	}
	for ecosystem, names := range names {
		var read []evidencePart
		err := inNameChunks(names, func(query string, args []any) error {
			rows, err := tx.Query(ctx, query, append(args, ecosystem, at, at)...)
			found, err := collect(rows, err, a.scanPart)
			read = append(read, found...)
			return err
		}, selectParts)
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

const selectParts = `
SELECT s.name, r.id, r.feed, r.from_revision, r.body, s.body
FROM lookup k JOIN record r ON r.id = k.record_id
JOIN statement s ON s.record_id = k.record_id AND s.ecosystem = k.ecosystem AND s.name = k.name
WHERE k.name IN (%s) AND k.ecosystem = ?
  AND r.from_revision <= ? AND (r.to_revision IS NULL OR r.to_revision > ?)`

func (a *Advisories) scanPart(rows *sql.Rows) (p evidencePart, err error) {
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

const selectRatings = `
SELECT k.name, s.body FROM lookup k JOIN record r ON r.id = k.record_id
JOIN statement s ON s.record_id = k.record_id AND s.ecosystem = k.ecosystem AND s.name = k.name
WHERE k.name IN (%s) AND k.ecosystem = '' AND r.from_revision <= ? AND (r.to_revision IS NULL OR r.to_revision > ?)
ORDER BY k.name, k.record_id`

// cvesOf are the CVEs that the advisories name.
func cvesOf(advisories []plimsoll.Advisory) []string {
	var cves []string
	for _, a := range advisories {
		cves = append(cves, a.CVEs()...)
	}
	slices.Sort(cves)
	return slices.Compact(cves)
}

// evidenceRatings reads the vectors of the CVEs.
func evidenceRatings(ctx context.Context, tx *Tx, at plimsoll.Revision, cves []string, out map[string][]plimsoll.Rating) error {
	return inNameChunks(cves, func(query string, args []any) error {
		rows, err := tx.Query(ctx, query, append(args, at, at)...)
		_, err = collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
			var cve string
			var text sql.RawBytes
			if err := rows.Scan(&cve, &text); err != nil {
				return none, err
			}
			var found []plimsoll.Rating
			err = json.Unmarshal(text, &found)
			out[cve] = append(out[cve], found...)
			return none, err
		})
		return err
	}, selectRatings)
}

// evidenceCache keeps the parts of keys at one revision: package sets share most of theirs.
type evidenceCache struct {
	mu       sync.Mutex
	revision plimsoll.Revision
	parts    map[plimsoll.AdvisoryKey][]evidencePart
	size     int
}

// maxCached bounds the cache, in parts; one takes about 2 KB.
const maxCached = 32_768

func (c *evidenceCache) get(at plimsoll.Revision, keys []plimsoll.AdvisoryKey) (found []evidencePart, missing []plimsoll.AdvisoryKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		parts, ok := c.parts[k]
		if !ok || c.revision != at {
			missing = append(missing, k)
			continue
		}
		found = append(found, parts...)
	}
	return found, missing
}

// put keeps the parts of the names, also that a name has none. A full cache starts anew.
func (c *evidenceCache) put(at plimsoll.Revision, ecosystem string, names []string, read []evidencePart) {
	if len(read)+len(names) > maxCached {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revision != at || c.size+len(read)+len(names) > maxCached || c.parts == nil {
		c.revision, c.size, c.parts = at, 0, map[plimsoll.AdvisoryKey][]evidencePart{}
	}
	byName := map[string][]evidencePart{}
	for _, p := range read {
		byName[p.key.Name] = append(byName[p.key.Name], p)
	}
	for _, name := range names {
		c.parts[plimsoll.AdvisoryKey{Ecosystem: ecosystem, Name: name}] = byName[name]
	}
	c.size += len(read) + len(names)
}
