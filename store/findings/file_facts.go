package findings

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/sqldb"
)

const selectStoredFactsSQL = `SELECT facts FROM artifact_facts WHERE artifact_id = ?`

const upsertFactsSQL = `INSERT INTO artifact_facts (artifact_id, project_id, enterprise_project_id, facts) VALUES (?, ?, ?, ?)
	ON CONFLICT (artifact_id) DO UPDATE SET facts = excluded.facts`

// saveFacts writes the facts of an artifact if they differ.
func (w *findingWriter) saveFacts(ctx context.Context, t plimsoll.Tenant, artifact int64, facts plimsoll.ImageFacts) error {
	text := []byte(sqldb.EncodeJSON(facts))
	var packed []byte
	err := w.QueryRow(ctx, selectStoredFactsSQL, artifact).Scan(&packed)
	if err == nil {
		stored, err := sqldb.Unpack(packed)
		if err != nil || bytes.Equal(stored, text) {
			return err
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if packed, err = sqldb.Pack(text); err != nil {
		return err
	}
	return w.Change(ctx, upsertFactsSQL, artifact, t.ProjectID, t.EnterpriseProject, packed)
}

const selectFactsSQL = `SELECT facts FROM artifact_facts WHERE artifact_id = ?`

func readFacts(ctx context.Context, tx *sqldb.Tx, artifact int64) (*plimsoll.ImageFacts, error) {
	var packed []byte
	err := tx.QueryRow(ctx, selectFactsSQL, artifact).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	facts := new(plimsoll.ImageFacts)
	return facts, sqldb.UnpackJSON(packed, facts)
}

// ImageFiles sums up the files of an image; for an index those of all its scanned platforms
// together, of which the largest are listed. Without a scan there are none.
func (s *Store) ImageFiles(ctx context.Context, img plimsoll.Image) (plimsoll.FileFacts, error) {
	var all []plimsoll.FileFacts
	err := artifacts.EachMember(ctx, s.db, img, func(tx *sqldb.Tx, m artifacts.Member) error {
		facts, err := readFacts(ctx, tx, m.Artifact)
		if facts != nil {
			all = append(all, facts.Files)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		return plimsoll.FileFacts{}, err
	}
	sum := all[0]
	for _, more := range all[1:] {
		sum = addFiles(sum, more)
	}
	return sum, nil
}

func addFiles(a, b plimsoll.FileFacts) plimsoll.FileFacts {
	out := plimsoll.FileFacts{Count: a.Count + b.Count, Bytes: a.Bytes + b.Bytes, Kinds: slices.Clone(a.Kinds)}
	for _, k := range b.Kinds {
		at := slices.IndexFunc(out.Kinds, func(have plimsoll.KindSum) bool { return have.Kind == k.Kind })
		if at < 0 {
			out.Kinds = append(out.Kinds, k)
			continue
		}
		out.Kinds[at].Count += k.Count
		out.Kinds[at].Bytes += k.Bytes
	}
	slices.SortFunc(out.Kinds, func(a, b plimsoll.KindSum) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Kind, b.Kind))
	})
	out.Largest = slices.Concat(a.Largest, b.Largest)
	slices.SortStableFunc(out.Largest, func(a, b plimsoll.FileFact) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), strings.Compare(a.Path, b.Path))
	})
	out.Largest = out.Largest[:min(len(out.Largest), plimsoll.LargestFiles)]
	return out
}
