package judgement

import (
	"context"
	"database/sql"
	"slices"
	"sync"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Counter counts the distinct vulnerabilities over the sets of artifacts, at one gate. It forms
// the union itself, not with COUNT(DISTINCT): the vulnerabilities of a set are read once for all
// artifacts that share it.
type Counter struct {
	at Gate

	mu       sync.Mutex
	sets     map[int64][]int32 // the vulnerabilities of a set, as small numbers
	stored   int               // numbers in sets
	numbers  map[string]int32  // by canonical id
	verdicts map[int64]int32   // number of the vulnerability of a verdict
}

// CountedSQL is the condition on a row of artifact_set h that its set is counted: it does not contain declared packages.
const CountedSQL = `NOT EXISTS (SELECT 1 FROM package_set counted WHERE counted.id = h.set_id AND counted.kind = '` + string(plimsoll.SetDeclared) + `')`

// maxCounted bounds what a counter keeps, in numbers of 4 bytes.
const maxCounted = 32 << 20

// NewCounter makes a counter that has read nothing yet.
func NewCounter(at Gate) *Counter {
	return &Counter{at: at, sets: map[int64][]int32{}, numbers: map[string]int32{}, verdicts: map[int64]int32{}}
}

// Count returns the number of vulnerabilities of each holder, an artifact or an index. The query
// selects pairs of holder and set.
func (c *Counter) Count(ctx context.Context, tx *sqldb.Tx, setsOf string, holders []int64) (map[int64]int, error) {
	sets, err := SetsOfHolders(ctx, tx, setsOf, holders)
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, list := range sets {
		all = append(all, list...)
	}
	if err := c.Load(ctx, tx, all); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := make(map[int64]int, len(holders))
	seenBy := make([]int64, len(c.numbers))
	for _, holder := range holders {
		n := 0
		for _, set := range sets[holder] {
			for _, id := range c.sets[set] {
				if seenBy[id] != holder {
					seenBy[id] = holder
					n++
				}
			}
		}
		counts[holder] = n
	}
	return counts, nil
}

// SetsOfHolders returns the sets of each holder, as the query selects them.
func SetsOfHolders(ctx context.Context, tx *sqldb.Tx, query string, holders []int64) (map[int64][]int64, error) {
	sets := make(map[int64][]int64, len(holders))
	return sets, sqldb.QueryChunks(ctx, tx, query, nil, holders, func(rows *sql.Rows) error {
		var holder, set int64
		err := rows.Scan(&holder, &set)
		sets[holder] = append(sets[holder], set)
		return err
	})
}

const selectVerdictsOfSetsSQL = `SELECT s.set_id, s.verdict_id FROM set_vulnerability s
	WHERE s.set_id IN (:keys) AND ` + InSightSQL

// Load reads the vulnerabilities of those sets that are not loaded yet.
func (c *Counter) Load(ctx context.Context, tx *sqldb.Tx, sets []int64) error {
	return sqldb.EachChunk(c.Missing(sets), func(part []int64) error {
		found := make(map[int64][]int64, len(part))
		err := sqldb.QueryChunks(ctx, tx, selectVerdictsOfSetsSQL, nil, part, func(rows *sql.Rows) error {
			var set, verdict int64
			err := rows.Scan(&set, &verdict)
			found[set] = append(found[set], verdict)
			return err
		}, c.at, c.at)
		if err != nil {
			return err
		}
		if err := c.numberVerdicts(ctx, tx, found); err != nil {
			return err
		}
		c.addSets(part, found)
		return nil
	})
}

// Missing returns the sets that are not loaded yet, each once.
func (c *Counter) Missing(sets []int64) []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	sets = slices.DeleteFunc(slices.Clone(sets), func(id int64) bool { _, ok := c.sets[id]; return ok })
	slices.Sort(sets)
	return slices.Compact(sets)
}

const selectVerdictVulnerabilitiesSQL = `SELECT id, vulnerability FROM verdict WHERE id IN (:keys)`

// numberVerdicts reads the vulnerability ids of verdicts and gives each id a number.
func (c *Counter) numberVerdicts(ctx context.Context, tx *sqldb.Tx, found map[int64][]int64) error {
	var unknown []int64
	c.mu.Lock()
	for _, verdicts := range found {
		for _, v := range verdicts {
			if _, ok := c.verdicts[v]; !ok {
				unknown = append(unknown, v)
			}
		}
	}
	c.mu.Unlock()
	slices.Sort(unknown)
	return sqldb.QueryChunks(ctx, tx, selectVerdictVulnerabilitiesSQL, nil, slices.Compact(unknown), func(rows *sql.Rows) error {
		var verdict int64
		var id string
		if err := rows.Scan(&verdict, &id); err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		n, ok := c.numbers[id]
		if !ok {
			n = int32(len(c.numbers)) //nolint:gosec // there are fewer vulnerability ids
			c.numbers[id] = n
		}
		c.verdicts[verdict] = n
		return nil
	})
}

// addSets adds the numbers of each set, each number once.
func (c *Counter) addSets(sets []int64, found map[int64][]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, set := range sets {
		list := make([]int32, len(found[set]))
		for i, v := range found[set] {
			list[i] = c.verdicts[v]
		}
		slices.Sort(list)
		list = slices.Clip(slices.Compact(list))
		c.sets[set], c.stored = list, c.stored+len(list)
	}
}

// Trim drops what was loaded if that exceeds maxCounted.
func (c *Counter) Trim() {
	if c.stored > maxCounted {
		c.sets, c.stored = map[int64][]int32{}, 0
	}
}
