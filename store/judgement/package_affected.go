package judgement

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const selectPackagesByCVESQL = `SELECT DISTINCT s.package_id FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
	WHERE s.to_revision IS NULL AND v.vulnerability IN (:keys)`

// PackagesAffected returns the ids of the stored packages that are judged differently, perhaps,
// after changes of advisories, in no order: those by one of the keys' names, their own or their
// source's, and those with a finding of one of the CVEs.
func (s *Store) PackagesAffected(ctx context.Context, c plimsoll.AdvisoryChanges) ([]int64, error) {
	affected := map[int64]bool{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		packages, err := packagesByKeys(ctx, tx, c.Keys)
		if err != nil {
			return err
		}
		found, err := sqldb.CollectChunks(ctx, tx, selectPackagesByCVESQL, nil, c.CVEs, sqldb.ScanID)
		for _, id := range slices.Concat(packages, found) {
			affected[id] = true
		}
		return err
	})
	return slices.Collect(maps.Keys(affected)), err
}

// PackageIDs returns the ids of every stored package, those of one name next to each other.
func (s *Store) PackageIDs(ctx context.Context) ([]int64, error) {
	var out []int64
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id FROM package ORDER BY ecosystem, name`)
		out, err = sqldb.Collect(rows, err, sqldb.ScanID)
		return err
	})
	return out, err
}

// Packages returns the stored packages with these ids, in no order; an unknown id is missing.
func (s *Store) Packages(ctx context.Context, ids []int64) ([]plimsoll.StoredPackage, error) {
	const query = `SELECT id, ` + packageColumnsSQL + ` FROM package WHERE id IN (:keys)`
	var out []plimsoll.StoredPackage
	err := s.db.Read(ctx, func(tx *sqldb.Tx) (err error) {
		out, err = sqldb.CollectChunks(ctx, tx, query, nil, ids, func(rows *sql.Rows) (p plimsoll.StoredPackage, err error) {
			err = rows.Scan(append([]any{&p.ID}, PackageTargets(&p.Package)...)...)
			return p, err
		})
		return err
	})
	return out, err
}

// packagesByKeys returns the ids of stored packages that have one of the keys.
func packagesByKeys(ctx context.Context, tx *sqldb.Tx, keys []plimsoll.AdvisoryKey) ([]int64, error) {
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

// selectEcosystemsSQL jumps from one ecosystem to the next in the index of packages.
const selectEcosystemsSQL = `WITH RECURSIVE e (name) AS (
	SELECT MIN(ecosystem) FROM package
	UNION ALL
	SELECT (SELECT MIN(ecosystem) FROM package WHERE ecosystem > e.name) FROM e WHERE e.name IS NOT NULL)
	SELECT name FROM e WHERE name IS NOT NULL`

func storedEcosystems(ctx context.Context, tx *sqldb.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, selectEcosystemsSQL)
	return sqldb.Collect(rows, err, sqldb.ScanValue[string])
}

// packagesByName is for ecosystems whose names are stored as keys have them.
func packagesByName(ctx context.Context, tx *sqldb.Tx, ecosystem string, names []string) ([]int64, error) {
	var out []int64
	for _, column := range [...]string{"name", "source"} {
		query := `SELECT id FROM package WHERE ecosystem = ? AND ` + column + ` IN (:keys)`
		found, err := sqldb.CollectChunks(ctx, tx, query, []any{ecosystem}, names, sqldb.ScanID)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// packagesByForm is for ecosystems that compare names in a form of their own: it reads
// all names.
func packagesByForm(ctx context.Context, tx *sqldb.Tx, ecosystem string, names []string) ([]int64, error) {
	want := map[string]bool{}
	for _, name := range names {
		want[name] = true
	}
	var out []int64
	rows, err := tx.Query(ctx, `SELECT id, name FROM package WHERE ecosystem = ?`, ecosystem)
	err = sqldb.Each(rows, err, func(rows *sql.Rows) error {
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
