package judgement

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"plimsoll"
	"plimsoll/store/sqldb"
)

const packageColumnsSQL = `ecosystem, name, version, source, source_version, arch, purl, owner, owner_source, owner_ecosystem, owner_other_vendor`

// PackageColumnsSQL are the columns of package p that PackageTargets receive.
const PackageColumnsSQL = `p.ecosystem, p.name, p.version, p.source, p.source_version, p.arch, p.purl, p.owner, p.owner_source, p.owner_ecosystem, p.owner_other_vendor`

func packageArgs(packages []plimsoll.Package) []any {
	args := make([]any, 0, 11*len(packages))
	for _, p := range packages {
		args = append(args, p.Ecosystem, p.Name, p.Version, p.Source, p.SourceVersion, p.Arch, p.PURL,
			p.Owner.Name, p.Owner.Source, p.Owner.Ecosystem, p.Owner.OtherVendor)
	}
	return args
}

// PackageTargets are the destinations of PackageColumnsSQL.
func PackageTargets(p *plimsoll.Package) []any {
	return []any{&p.Ecosystem, &p.Name, &p.Version, &p.Source, &p.SourceVersion, &p.Arch, &p.PURL,
		&p.Owner.Name, &p.Owner.Source, &p.Owner.Ecosystem, &p.Owner.OtherVendor}
}

const (
	wantedPackagesSQL = `WITH want (` + packageColumnsSQL + `) AS (VALUES `
	packageRowSQL     = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectWantedPackagesSQL = `)
		SELECT p.id, ` + PackageColumnsSQL + `
		FROM want CROSS JOIN package p
		WHERE p.ecosystem = want.ecosystem AND p.name = want.name AND p.version = want.version
		  AND p.source = want.source AND p.source_version = want.source_version
		  AND p.arch = want.arch AND p.purl = want.purl AND p.owner = want.owner AND p.owner_source = want.owner_source
		  AND p.owner_ecosystem = want.owner_ecosystem AND p.owner_other_vendor = want.owner_other_vendor`
)

// packageIDs adds the ids of those packages that are stored.
func packageIDs(ctx context.Context, tx *sqldb.Tx, packages []plimsoll.Package, into map[plimsoll.Package]int64) error {
	return sqldb.EachChunk(packages, func(part []plimsoll.Package) error {
		rows, err := tx.Query(ctx, wantedPackagesSQL+sqldb.Tuples(len(part), packageRowSQL)+selectWantedPackagesSQL, packageArgs(part)...)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			var id int64
			var p plimsoll.Package
			err := rows.Scan(append([]any{&id}, PackageTargets(&p)...)...)
			into[p] = id
			return err
		})
	})
}

const insertPackagesSQL = `INSERT INTO package (` + packageColumnsSQL + `) VALUES `

// savePackages stores those packages that are not stored yet, and returns the ids of all.
func savePackages(ctx context.Context, w *sqldb.Changes, packages []plimsoll.Package) (map[plimsoll.Package]int64, error) {
	ids := make(map[plimsoll.Package]int64, len(packages))
	if err := packageIDs(ctx, w.Tx, packages, ids); err != nil {
		return nil, err
	}
	var fresh []plimsoll.Package
	for _, p := range packages {
		if _, ok := ids[p]; !ok {
			fresh = append(fresh, p)
		}
	}
	if err := w.Insert(ctx, insertPackagesSQL, packageRowSQL, ` ON CONFLICT DO NOTHING`, packageArgs(fresh)); err != nil {
		return nil, err
	}
	return ids, packageIDs(ctx, w.Tx, fresh, ids)
}

// HashedSet is a package set with its content key.
type HashedSet struct {
	plimsoll.PackageSet
	Hash string
}

const selectSetsByHashSQL = `SELECT hash, id FROM package_set WHERE hash IN (:keys)`

// SaveSets stores those sets that are not stored yet, and returns the ids of all by hash. fresh
// contains the ids of the sets that this call stored.
func SaveSets(ctx context.Context, w *sqldb.Changes, sets []HashedSet) (ids map[string]int64, fresh map[int64]bool, err error) {
	ids, fresh = map[string]int64{}, map[int64]bool{}
	hashes := make([]string, len(sets))
	for i, s := range sets {
		hashes[i] = s.Hash
	}
	err = sqldb.QueryChunks(ctx, w.Tx, selectSetsByHashSQL, nil, hashes, func(rows *sql.Rows) error {
		var hash string
		var id int64
		err := rows.Scan(&hash, &id)
		ids[hash] = id
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for _, s := range sets {
		if _, ok := ids[s.Hash]; ok {
			continue
		}
		id, err := saveSet(ctx, w, s)
		if err != nil {
			return nil, nil, err
		}
		ids[s.Hash], fresh[id] = id, true
	}
	return ids, fresh, nil
}

const insertSetSQL = `INSERT INTO package_set (hash, kind, packages, created_at) VALUES (?, ?, ?, ?) RETURNING id`

const insertSetPackagesSQL = `INSERT INTO set_package (set_id, package_id, position) VALUES `

func saveSet(ctx context.Context, w *sqldb.Changes, s HashedSet) (int64, error) {
	packages, err := savePackages(ctx, w, s.Packages)
	if err != nil {
		return 0, err
	}
	var id int64
	err = w.QueryRow(ctx, insertSetSQL,
		s.Hash, s.Kind, len(s.Packages), w.Now()).Scan(&id)
	if err != nil {
		return 0, err
	}
	w.Rows++
	var args []any
	for position, p := range s.Packages {
		args = append(args, id, packages[p], position)
	}
	return id, w.Insert(ctx, insertSetPackagesSQL, "(?, ?, ?)", "", args)
}

const selectMemberIDsSQL = `SELECT set_id, position, package_id FROM set_package WHERE set_id IN (:keys)`

// MemberIDs returns the ids of the packages of stored sets, given the package at each position.
func MemberIDs(ctx context.Context, tx *sqldb.Tx, sets map[int64][]plimsoll.Package) (map[plimsoll.Package]int64, error) {
	out := map[plimsoll.Package]int64{}
	return out, sqldb.QueryChunks(ctx, tx, selectMemberIDsSQL, nil, slices.Collect(maps.Keys(sets)), func(rows *sql.Rows) error {
		var set, pkg int64
		var position int
		if err := rows.Scan(&set, &position, &pkg); err != nil {
			return err
		}
		if position < len(sets[set]) {
			out[sets[set][position]] = pkg
		}
		return nil
	})
}

const selectPackagesOfSetsSQL = `SELECT s.set_id, ` + PackageColumnsSQL + `
	FROM set_package s JOIN package p ON p.id = s.package_id
	WHERE s.set_id IN (:keys) ORDER BY s.set_id, s.position`

const selectSetsSQL = `SELECT id, kind, packages FROM package_set WHERE id IN (:keys)`

// ReadSets returns the sets with these ids.
func ReadSets(ctx context.Context, tx *sqldb.Tx, ids []int64) (map[int64]plimsoll.PackageSet, error) {
	out := make(map[int64]plimsoll.PackageSet, len(ids))
	err := sqldb.QueryChunks(ctx, tx, selectSetsSQL, nil, ids, func(rows *sql.Rows) error {
		var id int64
		var size int
		var set plimsoll.PackageSet
		err := rows.Scan(&id, &set.Kind, &size)
		set.Packages = make([]plimsoll.Package, 0, size)
		out[id] = set
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, sqldb.QueryChunks(ctx, tx, selectPackagesOfSetsSQL, nil, ids, func(rows *sql.Rows) error {
		var id int64
		var p plimsoll.Package
		err := rows.Scan(append([]any{&id}, PackageTargets(&p)...)...)
		set := out[id]
		set.Packages = append(set.Packages, p)
		out[id] = set
		return err
	})
}
