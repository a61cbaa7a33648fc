package judgement

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// Packages with a finding of one of the CVEs: their severity may have changed.
const selectPackagesByCVESQL = `SELECT DISTINCT s.package_id FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
	WHERE s.to_revision IS NULL AND v.vulnerability IN (:keys)`

const selectPackagesBySetSQL = `SELECT DISTINCT package_id FROM set_package WHERE set_id IN (:keys)`

// EachPackage calls f for the stored packages of a scope, in batches of at most size, until it
// returns an error. Packages of one name are next to each other if the scope is all packages. It holds no
// transaction while f runs.
func (s *Store) EachPackage(ctx context.Context, scope plimsoll.RematchScope, size int, f func([]plimsoll.StoredPackage) error) error {
	ids, err := s.packageIDsOf(ctx, scope)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, size) {
		packages, err := s.readPackages(ctx, part)
		if err != nil {
			return err
		}
		if err := f(packages); err != nil {
			return err
		}
	}
	return nil
}

const selectPackageIDsSQL = `SELECT id FROM package ORDER BY ecosystem, name`

// packageIDsOf returns the ids of the packages of a scope, each once.
func (s *Store) packageIDsOf(ctx context.Context, scope plimsoll.RematchScope) (ids []int64, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		if scope.All {
			rows, err := tx.Query(ctx, selectPackageIDsSQL)
			ids, err = sqldb.Collect(rows, err, sqldb.ScanID)
			return err
		}
		named, err := packagesByKeys(ctx, tx, scope.Changes.Keys)
		if err != nil {
			return err
		}
		found, err := sqldb.CollectChunks(ctx, tx, selectPackagesByCVESQL, nil, scope.Changes.CVEs, sqldb.ScanID)
		if err != nil {
			return err
		}
		members, err := sqldb.CollectChunks(ctx, tx, selectPackagesBySetSQL, nil, scope.Sets, sqldb.ScanID)
		ids = slices.Concat(named, found, members)
		slices.Sort(ids)
		ids = slices.Compact(ids)
		return err
	})
	return ids, err
}

const selectPackagesSQL = `SELECT id, ` + packageColumnsSQL + ` FROM package WHERE id IN (:keys)`

func (s *Store) readPackages(ctx context.Context, ids []int64) (out []plimsoll.StoredPackage, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		out, err = sqldb.CollectChunks(ctx, tx, selectPackagesSQL, nil, ids, func(rows *sql.Rows) (p plimsoll.StoredPackage, err error) {
			err = rows.Scan(append([]any{&p.ID}, PackageTargets(&p.Package)...)...)
			return p, err
		})
		return err
	})
	return out, err
}

// packagesByKeys returns the ids of stored packages whose name, or source name, is that of a key.
func packagesByKeys(ctx context.Context, tx *sqldb.Tx, keys []plimsoll.AdvisoryKey) ([]int64, error) {
	if len(keys) == 0 {
		return nil, nil
	}
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
			found, err = packagesByNormalizedName(ctx, tx, release, names)
		default:
			found, err = packagesByName(ctx, tx, release, names)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	owned, err := packagesByOwner(ctx, tx, names)
	return append(out, owned...), err
}

const selectOwnerEcosystemsSQL = `SELECT DISTINCT owner_ecosystem FROM package WHERE owner_other_vendor = 1`

// packagesByOwner finds the packages with an owner of another vendor that a key names: whether a key names the owner
// decides by which advisories the package is judged.
func packagesByOwner(ctx context.Context, tx *sqldb.Tx, names map[string][]string) ([]int64, error) {
	rows, err := tx.Query(ctx, selectOwnerEcosystemsSQL)
	releases, err := sqldb.Collect(rows, err, sqldb.ScanValue[string])
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, release := range releases {
		for _, column := range [...]string{"owner", "owner_source"} {
			query := `SELECT id FROM package WHERE owner_other_vendor = 1 AND owner_ecosystem = ? AND ` + column + ` IN (:keys)`
			found, err := sqldb.CollectChunks(ctx, tx, query, []any{release}, names[plimsoll.BaseEcosystem(release)], sqldb.ScanID)
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
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

// packagesByName finds the packages of an ecosystem where keys have names as they are stored.
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

const selectPackagesByNormalizedNameSQL = `SELECT id, name FROM package WHERE ecosystem = ?`

// packagesByNormalizedName finds the packages of an ecosystem where keys have names in a normalized form:
// it reads all names of the ecosystem.
func packagesByNormalizedName(ctx context.Context, tx *sqldb.Tx, ecosystem string, names []string) ([]int64, error) {
	want := map[string]bool{}
	for _, name := range names {
		want[name] = true
	}
	var out []int64
	rows, err := tx.Query(ctx, selectPackagesByNormalizedNameSQL, ecosystem)
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
