package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
)

// PackagesTouched returns the ids of the stored packages that changes of advisories may judge
// otherwise, in no order: those by one of the keys' names, their own or their
// source's, and those with a finding of one of the CVEs.
func (s *Store) PackagesTouched(ctx context.Context, c plimsoll.AdvisoryChanges) ([]int64, error) {
	touched := map[int64]bool{}
	err := s.db.read(ctx, func(tx *Tx) error {
		packages, err := packagesOf(ctx, tx, c.Keys)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(c.CVEs, chunk) {
			rows, err := tx.Query(ctx, `SELECT DISTINCT s.package_id FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
				WHERE s.to_revision IS NULL AND v.vulnerability IN (`+marks(len(part))+`)`, anys(part)...)
			found, err := collect(rows, err, scanID)
			if err != nil {
				return err
			}
			packages = append(packages, found...)
		}
		for _, id := range packages {
			touched[id] = true
		}
		return nil
	})
	return slices.Collect(maps.Keys(touched)), err
}

// PackageIDs returns the ids of every stored package. Those of one name stand together.
func (s *Store) PackageIDs(ctx context.Context) ([]int64, error) {
	var out []int64
	err := s.db.read(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `SELECT id FROM package ORDER BY ecosystem, name`)
		out, err = collect(rows, err, scanID)
		return err
	})
	return out, err
}

// Packages returns the stored packages with these ids, in no order; an unknown id is missing.
func (s *Store) Packages(ctx context.Context, ids []int64) ([]plimsoll.StoredPackage, error) {
	var out []plimsoll.StoredPackage
	err := s.db.read(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(ids, chunk) {
			rows, err := tx.Query(ctx, `SELECT id, `+packageColumns+` FROM package WHERE id IN (`+marks(len(part))+`)`, anys(part)...)
			found, err := collect(rows, err, func(rows *sql.Rows) (p plimsoll.StoredPackage, err error) {
				err = rows.Scan(append([]any{&p.ID}, packageTargets(&p.Package)...)...)
				return p, err
			})
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	return out, err
}

// BehindSets returns the sets of SetsBehind, and the ids of their packages.
func (s *Store) BehindSets(ctx context.Context) (sets, packages []int64, err error) {
	err = s.db.read(ctx, func(tx *Tx) error {
		rows, err := tx.Query(ctx, `SELECT set_id FROM set_behind WHERE set_id > 0`)
		if sets, err = collect(rows, err, scanID); err != nil {
			return err
		}
		seen := map[int64]bool{}
		for part := range slices.Chunk(sets, chunk) {
			rows, err := tx.Query(ctx, `SELECT DISTINCT package_id FROM set_package WHERE set_id IN (`+marks(len(part))+`)`, anys(part)...)
			found, err := collect(rows, err, scanID)
			if err != nil {
				return err
			}
			for _, id := range found {
				seen[id] = true
			}
		}
		packages = slices.Sorted(maps.Keys(seen))
		return nil
	})
	return sets, packages, err
}

// ForgetBehind says that a rematch has judged these sets.
func (s *Store) ForgetBehind(ctx context.Context, sets []int64) error {
	return s.db.write(ctx, func(tx *Tx) error {
		for part := range slices.Chunk(sets, chunk) {
			if _, err := tx.Exec(ctx, `DELETE FROM set_behind WHERE set_id IN (`+marks(len(part))+`)`, anys(part)...); err != nil {
				return err
			}
		}
		return nil
	})
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
