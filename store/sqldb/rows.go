package sqldb

import "database/sql"

// Scanner is a row, of one or of many.
type Scanner interface{ Scan(dest ...any) error }

// Each calls f for every row and closes rows. It takes what Query returns.
func Each(rows *sql.Rows, err error, f func(*sql.Rows) error) error {
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Collect scans every row into a value and closes rows. It takes what Query returns.
func Collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	var out []T
	err = Each(rows, err, func(rows *sql.Rows) error {
		v, err := scan(rows)
		out = append(out, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ScanID scans a row of one number.
func ScanID(rows *sql.Rows) (int64, error) { return ScanValue[int64](rows) }

// ScanValue scans a row of one value.
func ScanValue[T any](rows *sql.Rows) (v T, err error) {
	err = rows.Scan(&v)
	return v, err
}

// Affected returns how many rows a statement changed. It takes what Exec returns.
func Affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
