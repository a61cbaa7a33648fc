package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
)

// SetsTouched returns the ids of the stored package sets that changes of advisories may
// judge otherwise, sorted: those that hold a package by one of the keys' names, its own or
// its source's, and those with a finding of one of the CVEs. newest is the id of the set
// that was stored last, 0 if there is none; sets after it were not looked at.
func (s *Store) SetsTouched(ctx context.Context, c plimsoll.AdvisoryChanges) (ids []int64, newest int64, err error) {
	sets := map[int64]bool{}
	err = s.db.read(ctx, func(tx *Tx) error {
		if newest, err = newestSet(ctx, tx); err != nil {
			return err
		}
		packages, err := packagesOf(ctx, tx, c.Keys)
		if err != nil {
			return err
		}
		if err := addSets(ctx, tx, sets, `SELECT DISTINCT set_id FROM set_package WHERE package_id IN (`, packages); err != nil {
			return err
		}
		return addSets(ctx, tx, sets, `SELECT DISTINCT s.set_id FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
			WHERE s.to_revision IS NULL AND v.vulnerability IN (`, c.CVEs)
	})
	return slices.Sorted(maps.Keys(sets)), newest, err
}

func newestSet(ctx context.Context, tx *Tx) (id int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COALESCE(MAX(id), 0) FROM package_set`).Scan(&id)
	return id, err
}

func addSets[T any](ctx context.Context, tx *Tx, sets map[int64]bool, query string, keys []T) error {
	for part := range slices.Chunk(keys, chunk) {
		rows, err := tx.Query(ctx, query+marks(len(part))+`)`, anys(part)...)
		ids, err := collect(rows, err, scanID)
		if err != nil {
			return err
		}
		for _, id := range ids {
			sets[id] = true
		}
	}
	return nil
}

// packagesOf returns the ids of stored packages that have one of the keys.
func packagesOf(ctx context.Context, tx *Tx, keys []plimsoll.AdvisoryKey) ([]int64, error) {
	names := map[string][]string{}
	for _, k := range keys {
		names[k.Ecosystem] = append(names[k.Ecosystem], k.Name)
	}
	releases, err := storedEcosystems(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, release := range releases {
		names := names[plimsoll.BaseEcosystem(release)]
		var found []int64
		switch {
		case len(names) == 0:
		case plimsoll.NewAdvisoryKey(release, "A.a").Name != "A.a":
			found, err = packagesByForm(ctx, tx, release, names)
		default:
			found, err = packagesByName(ctx, tx, release, names)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// sqlEcosystems jumps from one ecosystem to the next in the index of packages.
const sqlEcosystems = `WITH RECURSIVE e (name) AS (
	SELECT MIN(ecosystem) FROM package
	UNION ALL
	SELECT (SELECT MIN(ecosystem) FROM package WHERE ecosystem > e.name) FROM e WHERE e.name IS NOT NULL)
	SELECT name FROM e WHERE name IS NOT NULL`

func storedEcosystems(ctx context.Context, tx *Tx) ([]string, error) {
	rows, err := tx.Query(ctx, sqlEcosystems)
	return collect(rows, err, func(rows *sql.Rows) (name string, err error) {
		err = rows.Scan(&name)
		return name, err
	})
}

// packagesByName is for ecosystems whose names stand in the database as keys have them.
func packagesByName(ctx context.Context, tx *Tx, ecosystem string, names []string) ([]int64, error) {
	var out []int64
	for _, column := range [...]string{"name", "source"} {
		for part := range slices.Chunk(names, chunk) {
			rows, err := tx.Query(ctx, `SELECT id FROM package WHERE ecosystem = ? AND `+column+` IN (`+marks(len(part))+`)`,
				append([]any{ecosystem}, anys(part)...)...)
			found, err := collect(rows, err, scanID)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	return out, nil
}

// packagesByForm is for ecosystems that compare names in a form of their own: it reads
// all names.
func packagesByForm(ctx context.Context, tx *Tx, ecosystem string, names []string) ([]int64, error) {
	want := map[string]bool{}
	for _, name := range names {
		want[name] = true
	}
	var out []int64
	rows, err := tx.Query(ctx, `SELECT id, name FROM package WHERE ecosystem = ?`, ecosystem)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var name string
		err := rows.Scan(&id, &name)
		if want[plimsoll.NewAdvisoryKey(ecosystem, name).Name] {
			out = append(out, id)
		}
		return err
	})
	return out, err
}

// StoredSets returns the sets with these ids, in their order; an unknown id is missing.
func (s *Store) StoredSets(ctx context.Context, ids []int64) ([]plimsoll.StoredSet, error) {
	var out []plimsoll.StoredSet
	err := s.db.read(ctx, func(tx *Tx) error {
		sets, err := readSets(ctx, tx, ids)
		for _, id := range ids {
			if set, ok := sets[id]; ok {
				out = append(out, plimsoll.StoredSet{ID: id, PackageSet: set})
			}
		}
		return err
	})
	return out, err
}
