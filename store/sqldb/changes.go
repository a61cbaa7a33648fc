package sqldb

import (
	"context"
	"slices"
)

// Changes is a writing transaction that counts the rows it changes.
type Changes struct {
	*Tx
	Rows int
}

// NewChanges starts counting at 0.
func NewChanges(tx *Tx) *Changes { return &Changes{Tx: tx} }

// Change runs a statement and counts the rows it changes.
func (c *Changes) Change(ctx context.Context, query string, args ...any) error {
	n, err := Affected(c.Exec(ctx, query, args...))
	c.Rows += int(n)
	return err
}

// ChangeChunks is ExecChunks that counts the rows it changes.
func (c *Changes) ChangeChunks(ctx context.Context, query string, before []any, keys []int64, after ...any) error {
	n, err := ExecChunks(ctx, c.Tx, query, before, keys, after...)
	c.Rows += int(n)
	return err
}

// Insert writes the rows of args, several per statement: head, one group of placeholders
// per row, tail. A row has as many values as group has placeholders. Arguments after each
// statement's rows are more.
func (c *Changes) Insert(ctx context.Context, head, group, tail string, args []any, more ...any) error {
	width := countMarks(group)
	for part := range slices.Chunk(args, width*ChunkSize) {
		query := head + Tuples(len(part)/width, group) + tail
		if err := c.Change(ctx, query, append(slices.Clip(part), more...)...); err != nil {
			return err
		}
	}
	return nil
}
