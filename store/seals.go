package store

import (
	"context"

	"plimsoll"
	"plimsoll/store/accounts"
	"plimsoll/store/findings"
	"plimsoll/store/images"
	"plimsoll/store/layers"
	"plimsoll/store/sqldb"
)

// sealedColumns returns every column that has sealed values; a test compares them with the schema.
func sealedColumns() []sqldb.SealedColumn {
	return []sqldb.SealedColumn{
		images.SealedSecrets(), accounts.SealedSecrets(), findings.SealedPasswordLists(), layers.SealedHashes(),
	}
}

// Reseal replaces every sealed value by what f makes of it, and the fact from under key
// by to, in one transaction. It returns how many values there were. Conflict: the fact is another.
func (s *Store) Reseal(ctx context.Context, key, from, to string, f func(sealed, ad []byte) ([]byte, error)) (n int, err error) {
	err = s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if err := replaceMeta(ctx, tx, key, from, to); err != nil {
			return err
		}
		for _, column := range sealedColumns() {
			values, err := resealColumn(ctx, tx, column, f)
			if err != nil {
				return err
			}
			n += values
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func resealColumn(ctx context.Context, tx *sqldb.Tx, c sqldb.SealedColumn, f func(sealed, ad []byte) ([]byte, error)) (n int, err error) {
	rows, err := tx.Query(ctx, c.SelectSQL)
	values, err := sqldb.Collect(rows, err, c.Scan)
	if err != nil {
		return 0, err
	}
	for _, v := range values {
		sealed, err := f(v.Sealed, v.AD)
		if err != nil {
			return 0, plimsoll.Errorf(plimsoll.ErrorCode(err), "%s %v: %w", c.Subject, v.ID, err).
				WithHint("remove the %s that is named, and add it again when this is done", c.Subject)
		}
		if _, err := tx.Exec(ctx, c.UpdateSQL, sealed, v.ID); err != nil {
			return 0, err
		}
	}
	return len(values), nil
}
