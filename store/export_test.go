package store

import "plimsoll"

// Statement is SQL with what is bound to it.
type Statement struct {
	SQL  string
	Args []any
}

// Statements returns what Images runs for a filter: the count and the page.
func Statements(f plimsoll.ImageFilter) (counting, paging Statement, err error) {
	c, err := imageClauses(f)
	if err != nil {
		return counting, paging, err
	}
	counting = Statement{SQL: countSQL(c), Args: c.args}
	paging = Statement{SQL: pageSQL(c), Args: append(c.args[:len(c.args):len(c.args)], f.Limit, f.Offset)}
	return counting, paging, nil
}
