package literal_test

import (
	"fmt"
	"log"

	"plimsoll/analyze/literal"
)

func Example() {
	m, err := literal.New([]literal.Pattern{{Bytes: []byte("BEGIN")}, {Bytes: []byte("password"), Fold: true}})
	if err != nil {
		log.Fatal(err)
	}
	var s literal.State
	for _, window := range []string{"-----BEG", "IN KEY--- Pass", "Word"} {
		m.Scan([]byte(window), &s, func(h literal.Hit) bool {
			fmt.Println(h.Pattern, h.Offset)
			return true
		})
	}
	// Output:
	// 0 5
	// 1 18
}
