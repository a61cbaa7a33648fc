package members_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"

	"plimsoll/analyze/members"
)

func Example() {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, name := range []string{"readme", "../escape"} {
		if f, err := w.Create(name); err == nil {
			fmt.Fprint(f, "text")
		}
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	err := members.Walk(context.Background(), "srv/app.war", bytes.NewReader(archive.Bytes()), int64(archive.Len()), members.DefaultLimits(),
		func(m members.Member, content io.Reader) error {
			n, err := io.Copy(io.Discard, content)
			fmt.Println(m.Path, n)
			return err
		},
		func(r members.Refusal) { fmt.Println(r.Path, r.Reason) })
	fmt.Println(err)
	// Output:
	// srv/app.war!/readme 4
	// srv/app.war!/%2E%2E/escape 4
	// <nil>
}
