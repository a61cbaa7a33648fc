package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"plimsoll"
)

// MapError gives a bare engine error a code; errors that have one pass.
func MapError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*plimsoll.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*plimsoll.Failure](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return plimsoll.Fail(plimsoll.FailureDatabase, &plimsoll.Error{Code: plimsoll.Internal, Message: "database", Err: err})
}

// OrNotFound turns the absence of a row into NotFound.
func OrNotFound(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return plimsoll.Errorf(plimsoll.NotFound, "no such %s", what)
	}
	return err
}

// IsUniqueViolation reports whether err is a broken UNIQUE or PRIMARY KEY constraint.
func (tx *Tx) IsUniqueViolation(err error) bool { return tx.db.Dialect.IsUniqueViolation(err) }

// OrConflict turns a broken unique constraint into Conflict with this sentence.
func (tx *Tx) OrConflict(err error, format string, args ...any) error {
	if tx.IsUniqueViolation(err) {
		return plimsoll.Errorf(plimsoll.Conflict, format, args...)
	}
	return err
}
