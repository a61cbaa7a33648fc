package sqldb

import "database/sql"

// SealedColumn is a column of sealed values, with the statements that read all of them and
// write one.
type SealedColumn struct {
	Subject   string // "registry", for messages
	SelectSQL string
	Scan      func(*sql.Rows) (SealedValue, error)
	UpdateSQL string // of the new value and the id
}

// SealedValue is one secret and the place that it is sealed for.
type SealedValue struct {
	ID     any
	Sealed []byte
	AD     []byte // additional data of the seal
}
