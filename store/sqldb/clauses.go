package sqldb

import "strings"

// Clauses joins conditions with AND. Every value is bound.
type Clauses struct {
	sql  strings.Builder
	Args []any
}

// SQL returns the conditions, for after WHERE.
func (c *Clauses) SQL() string { return c.sql.String() }

// And adds a condition with the arguments of its placeholders.
func (c *Clauses) And(condition string, args ...any) {
	if c.sql.Len() > 0 {
		c.sql.WriteString(" AND ")
	}
	c.sql.WriteString(condition)
	c.Args = append(c.Args, args...)
}

// Equal limits a column to a value; an empty value does not limit.
func (c *Clauses) Equal(column, value string) {
	if value != "" {
		c.And(column+" = ?", value)
	}
}

// Positive limits a column to numbers above 0, or to 0, which is never NULL; nil does not limit.
func (c *Clauses) Positive(column string, want *bool) {
	switch {
	case want == nil:
	case *want:
		c.And(column + " > 0")
	default:
		c.And(column + " = 0")
	}
}

// In limits a column to the values; an empty list matches nothing.
func In[T any](c *Clauses, column string, values []T) {
	c.And(column+" IN ("+Marks(len(values))+")", Args(values)...)
}
