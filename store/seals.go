package store

import (
	"context"
	"database/sql"
	"slices"

	"plimsoll"
)

// sealedValue is one secret and the place that it is sealed for.
type sealedValue struct {
	table  string // for messages
	id     any
	sealed []byte
	ad     []byte
	update string
}

// Reseal replaces every sealed value by what f makes of it, and the fact from under key
// by to, in one transaction. It returns how many values there were. Conflict: the fact is another.
func (s *Store) Reseal(ctx context.Context, key, from, to string, f func(sealed, ad []byte) ([]byte, error)) (n int, err error) {
	err = s.db.write(ctx, func(tx *Tx) error {
		changed, err := affected(tx.Exec(ctx, `UPDATE meta SET value = ? WHERE key = ? AND value = ?`, to, key, from))
		if err != nil {
			return err
		}
		if changed == 0 {
			return plimsoll.Errorf(plimsoll.Conflict, "the stored fact %q is not %q", key, from)
		}
		values, err := sealedValues(ctx, tx)
		if err != nil {
			return err
		}
		for _, v := range values {
			sealed, err := f(v.sealed, v.ad)
			if err != nil {
				return plimsoll.Errorf(plimsoll.ErrorCode(err), "%s %v: %w", v.table, v.id, err).
					WithHint("remove the %s that is named, and add it again when this is done", v.table)
			}
			if _, err := tx.Exec(ctx, v.update, sealed, v.id); err != nil {
				return err
			}
		}
		n = len(values)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// sealedValues reads every column that holds a sealed value; a test compares them with the schema.
func sealedValues(ctx context.Context, tx *Tx) ([]sealedValue, error) {
	rows, err := tx.Query(ctx, `SELECT id, url, sealed_secret FROM registry WHERE sealed_secret IS NOT NULL ORDER BY id`)
	registries, err := collect(rows, err, func(r *sql.Rows) (sealedValue, error) {
		var reg plimsoll.Registry
		err := r.Scan(&reg.ID, &reg.URL, &reg.SealedSecret)
		return sealedValue{table: "registry", id: reg.ID, sealed: reg.SealedSecret, ad: reg.SealedFor(),
			update: `UPDATE registry SET sealed_secret = ? WHERE id = ?`}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `SELECT access, sealed_secret FROM access_key ORDER BY access`)
	keys, err := collect(rows, err, func(r *sql.Rows) (sealedValue, error) {
		var k plimsoll.AccessKey
		err := r.Scan(&k.Access, &k.SealedSecret)
		return sealedValue{table: "access key", id: k.Access, sealed: k.SealedSecret, ad: k.SealedFor(),
			update: `UPDATE access_key SET sealed_secret = ? WHERE access = ?`}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `SELECT project_id, sealed_words FROM password_list WHERE sealed_words IS NOT NULL ORDER BY project_id`)
	lists, err := collect(rows, err, func(r *sql.Rows) (sealedValue, error) {
		var l plimsoll.PasswordList
		err := r.Scan(&l.ProjectID, &l.Sealed)
		return sealedValue{table: "password list", id: l.ProjectID, sealed: l.Sealed, ad: l.SealedFor(),
			update: `UPDATE password_list SET sealed_words = ? WHERE project_id = ?`}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `SELECT id, diff_id, sealed_hashes FROM layer_hash ORDER BY id`)
	hashes, err := collect(rows, err, func(r *sql.Rows) (sealedValue, error) {
		var id int64
		var layer plimsoll.Digest
		v := sealedValue{table: "account hashes", update: `UPDATE layer_hash SET sealed_hashes = ? WHERE id = ?`}
		err := r.Scan(&id, &layer, &v.sealed)
		v.id, v.ad = id, plimsoll.LayerHashesSealedFor(layer)
		return v, err
	})
	return slices.Concat(registries, keys, lists, hashes), err
}
