package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

const packageColumns = `ecosystem, name, version, source, source_version, arch, purl`

func packageFields(p plimsoll.Package) []any {
	return []any{p.Ecosystem, p.Name, p.Version, p.Source, p.SourceVersion, p.Arch, p.PURL}
}

func packageTargets(p *plimsoll.Package) []any {
	return []any{&p.Ecosystem, &p.Name, &p.Version, &p.Source, &p.SourceVersion, &p.Arch, &p.PURL}
}

// packageIDs adds the ids of those packages that are stored.
func packageIDs(ctx context.Context, tx *Tx, packages []plimsoll.Package, into map[plimsoll.Package]int64) error {
	for part := range slices.Chunk(packages, chunk) {
		query := `WITH want (` + packageColumns + `) AS (VALUES ` + tuples(len(part), "(?, ?, ?, ?, ?, ?, ?)") + `)
			SELECT p.id, p.ecosystem, p.name, p.version, p.source, p.source_version, p.arch, p.purl
			FROM want CROSS JOIN package p
			WHERE p.ecosystem = want.ecosystem AND p.name = want.name AND p.version = want.version
			  AND p.source = want.source AND p.source_version = want.source_version
			  AND p.arch = want.arch AND p.purl = want.purl`
		var args []any
		for _, p := range part {
			args = append(args, packageFields(p)...)
		}
		rows, err := tx.Query(ctx, query, args...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id int64
			var p plimsoll.Package
			err := rows.Scan(append([]any{&id}, packageTargets(&p)...)...)
			into[p] = id
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// savePackages stores those packages that are not, and returns the ids of all.
func (w *writer) savePackages(ctx context.Context, packages []plimsoll.Package) (map[plimsoll.Package]int64, error) {
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
	for part := range slices.Chunk(fresh, chunk) {
		var args []any
		for _, p := range part {
			args = append(args, packageFields(p)...)
		}
		err := w.change(ctx, `INSERT INTO package (`+packageColumns+`) VALUES `+
			tuples(len(part), "(?, ?, ?, ?, ?, ?, ?)")+` ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return nil, err
		}
	}
	return ids, packageIDs(ctx, w.Tx, fresh, ids)
}

// hashedSet is a package set with its content key.
type hashedSet struct {
	plimsoll.PackageSet
	hash string
}

// saveSets stores those sets that are not, and returns their ids by hash. fresh tells
// the ids that this call stored.
func (w *writer) saveSets(ctx context.Context, sets []hashedSet) (ids map[string]int64, fresh map[int64]bool, err error) {
	ids, fresh = map[string]int64{}, map[int64]bool{}
	for part := range slices.Chunk(sets, chunk) {
		var hashes []any
		for _, s := range part {
			hashes = append(hashes, s.hash)
		}
		rows, err := w.Query(ctx, `SELECT hash, id FROM package_set WHERE hash IN (`+marks(len(hashes))+`)`, hashes...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var hash string
			var id int64
			err := rows.Scan(&hash, &id)
			ids[hash] = id
			return err
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, s := range sets {
		if _, ok := ids[s.hash]; ok {
			continue
		}
		id, err := w.saveSet(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		ids[s.hash], fresh[id] = id, true
	}
	return ids, fresh, nil
}

func (w *writer) saveSet(ctx context.Context, s hashedSet) (int64, error) {
	packages, err := w.savePackages(ctx, s.Packages)
	if err != nil {
		return 0, err
	}
	var id int64
	err = w.QueryRow(ctx, `INSERT INTO package_set (hash, kind, packages, created_at) VALUES (?, ?, ?, ?) RETURNING id`,
		s.hash, s.Kind, len(s.Packages), w.Now()).Scan(&id)
	if err != nil {
		return 0, err
	}
	w.rows++
	position := 0
	for part := range slices.Chunk(s.Packages, chunk) {
		var args []any
		for _, p := range part {
			args = append(args, id, packages[p], position)
			position++
		}
		err := w.change(ctx, `INSERT INTO set_package (set_id, package_id, position) VALUES `+tuples(len(part), "(?, ?, ?)"), args...)
		if err != nil {
			return 0, err
		}
	}
	return id, nil
}

// memberIDs returns the ids of the packages of stored sets, given what stands at each position.
func memberIDs(ctx context.Context, tx *Tx, sets map[int64][]plimsoll.Package) (map[plimsoll.Package]int64, error) {
	out := map[plimsoll.Package]int64{}
	var ids []any
	for id := range sets {
		ids = append(ids, id)
	}
	for part := range slices.Chunk(ids, chunk) {
		rows, err := tx.Query(ctx, `SELECT set_id, position, package_id FROM set_package WHERE set_id IN (`+marks(len(part))+`)`, part...)
		err = each(rows, err, func(rows *sql.Rows) error {
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
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ArtifactSets returns the package sets of an artifact with the places of their
// packages, as its last scan that could look at packages saved them.
func (s *Store) ArtifactSets(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) ([]plimsoll.PlacedSet, error) {
	var out []plimsoll.PlacedSet
	err := s.db.read(ctx, func(tx *Tx) error {
		a, err := findArtifact(ctx, tx, t, d)
		if err != nil {
			return err
		}
		held, err := heldSets(ctx, tx, a.id)
		if err != nil {
			return err
		}
		var ids []int64
		for _, h := range held {
			ids = append(ids, h.set)
		}
		sets, err := readSets(ctx, tx, ids)
		if err != nil {
			return err
		}
		for _, h := range held {
			placed := plimsoll.PlacedSet{PackageSet: sets[h.set]}
			if err := unpackJSON(h.places, &placed.Places); err != nil {
				return err
			}
			out = append(out, placed)
		}
		return nil
	})
	return out, err
}

// readSets returns the sets with these ids.
func readSets(ctx context.Context, tx *Tx, ids []int64) (map[int64]plimsoll.PackageSet, error) {
	out := make(map[int64]plimsoll.PackageSet, len(ids))
	for part := range slices.Chunk(ids, chunk) {
		rows, err := tx.Query(ctx, `SELECT id, kind, packages FROM package_set WHERE id IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
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
		rows, err = tx.Query(ctx, `SELECT s.set_id, p.ecosystem, p.name, p.version, p.source, p.source_version, p.arch, p.purl
			FROM set_package s JOIN package p ON p.id = s.package_id
			WHERE s.set_id IN (`+marks(len(part))+`) ORDER BY s.set_id, s.position`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var id int64
			var p plimsoll.Package
			err := rows.Scan(append([]any{&id}, packageTargets(&p)...)...)
			set := out[id]
			set.Packages = append(set.Packages, p)
			out[id] = set
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
