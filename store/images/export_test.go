package images

import "plimsoll"

// Statement is SQL with what is bound to it.
type Statement struct {
	SQL  string
	Args []any
}

// Statements returns what Images runs for a filter: the count and the page.
func Statements(f plimsoll.ImageFilter) (counting, paging Statement, err error) {
	c, err := ImageClauses(f)
	if err != nil {
		return counting, paging, err
	}
	counting = Statement{SQL: countSQL(f, c), Args: c.Args}
	paging = Statement{SQL: pageSQL(c), Args: append(c.Args[:len(c.Args):len(c.Args)], f.Limit, f.Offset)}
	return counting, paging, nil
}
