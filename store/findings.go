package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"plimsoll"
)

// visiblePaths counts distinct paths with a match that no upper layer hides.
func visiblePaths(malware []plimsoll.Malware) int64 {
	paths := map[string]bool{}
	for _, m := range malware {
		if (m.Kind == plimsoll.MalwareMatch || m.Kind == plimsoll.MalwarePackage) && !m.Shadowed {
			paths[m.Path] = true
		}
	}
	return int64(len(paths))
}

const malwareColumns = `path, layer, rule, kind, engine, size, sha256, shadowed`

func readMalware(ctx context.Context, tx *Tx, artifact int64) ([]plimsoll.Malware, error) {
	rows, err := tx.Query(ctx, `SELECT `+malwareColumns+` FROM artifact_malware WHERE artifact_id = ? ORDER BY path, layer, rule`, artifact)
	return collect(rows, err, func(rows *sql.Rows) (m plimsoll.Malware, err error) {
		err = rows.Scan(&m.Path, &m.Layer, &m.Rule, &m.Kind, &m.Engine, &m.Size, &m.SHA256, &m.Shadowed)
		return m, err
	})
}

// malwareKey tells rows of one artifact apart.
type malwareKey struct {
	path  string
	layer plimsoll.Digest
	rule  string
}

// saveMalware rewrites the rows that differ.
func (w *writer) saveMalware(ctx context.Context, t plimsoll.Tenant, artifact int64, malware []plimsoll.Malware) error {
	stored, err := readMalware(ctx, w.Tx, artifact)
	if err != nil {
		return err
	}
	gone := map[malwareKey]plimsoll.Malware{}
	for _, m := range stored {
		gone[malwareKey{m.Path, m.Layer, m.Rule}] = m
	}
	for _, m := range malware {
		key := malwareKey{m.Path, m.Layer, m.Rule}
		old, ok := gone[key]
		delete(gone, key)
		if ok && old == m {
			continue
		}
		err := w.change(ctx, `INSERT INTO artifact_malware (artifact_id, project_id, enterprise_project_id, `+malwareColumns+`)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (artifact_id, path, layer, rule) DO UPDATE SET kind = excluded.kind,
			engine = excluded.engine, size = excluded.size, sha256 = excluded.sha256, shadowed = excluded.shadowed`,
			artifact, t.ProjectID, t.EnterpriseProject, m.Path, m.Layer, m.Rule, m.Kind, m.Engine, m.Size, m.SHA256, m.Shadowed)
		if err != nil {
			return err
		}
	}
	for key := range gone {
		err := w.change(ctx, `DELETE FROM artifact_malware WHERE artifact_id = ? AND path = ? AND layer = ? AND rule = ?`,
			artifact, key.path, key.layer, key.rule)
		if err != nil {
			return err
		}
	}
	return nil
}

// ImageMalware returns the malware findings of an image by path, shadowed ones and files
// that were not looked at included; for an index the union over its platforms.
func (s *Store) ImageMalware(ctx context.Context, img plimsoll.Image) ([]plimsoll.Malware, error) {
	var out []plimsoll.Malware
	err := s.eachMember(ctx, img, func(tx *Tx, m member) error {
		found, err := readMalware(ctx, tx, m.artifact)
		out = append(out, found...)
		return err
	})
	slices.SortFunc(out, func(a, b plimsoll.Malware) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(string(a.Layer), string(b.Layer)), strings.Compare(a.Rule, b.Rule),
			compareBool(a.Shadowed, b.Shadowed), strings.Compare(a.Engine, b.Engine))
	})
	return slices.Compact(out), err
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// member is an artifact whose findings an image shows.
type member struct {
	artifact int64
	digest   plimsoll.Digest
	platform plimsoll.Platform // of a member of an index
	at       gate              // of the image, not of the member: its count is of this judgement
}

// imageMembers returns the artifact of a plain image, or the members of an index that
// are scanned, in its order.
func imageMembers(ctx context.Context, tx *Tx, img plimsoll.Image) ([]member, error) {
	t := img.Tenant
	a, err := findArtifact(ctx, tx, t, img.Digest)
	if err != nil {
		return nil, err
	}
	at, err := gateOf(ctx, tx, a.id)
	if err != nil {
		return nil, err
	}
	if a.kind != plimsoll.KindIndex {
		return []member{{artifact: a.id, digest: img.Digest, at: at}}, nil
	}
	rows, err := tx.Query(ctx, `SELECT a.id, a.digest, c.os, c.architecture, c.variant, a.os, a.architecture, a.variant FROM `+members+`
		WHERE c.artifact_id = ? ORDER BY c.position`, a.id)
	return collect(rows, err, func(rows *sql.Rows) (m member, err error) {
		var own plimsoll.Platform
		m.at = at
		err = rows.Scan(&m.artifact, &m.digest, &m.platform.OS, &m.platform.Architecture, &m.platform.Variant, &own.OS, &own.Architecture, &own.Variant)
		if m.platform == (plimsoll.Platform{}) {
			m.platform = own
		}
		return m, err
	})
}

// eachMember calls f for every artifact whose findings the image shows, in one state of the database.
func (s *Store) eachMember(ctx context.Context, img plimsoll.Image, f func(*Tx, member) error) error {
	return s.db.read(ctx, func(tx *Tx) error {
		list, err := imageMembers(ctx, tx, img)
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := f(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
}
