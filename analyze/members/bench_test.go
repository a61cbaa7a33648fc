package members

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// BenchmarkSmall reads files of which an image contains thousands: a manual page, a jar of small classes.
func BenchmarkSmall(b *testing.B) {
	page := gzipText(b, strings.Repeat("a line of a manual page\n", 100))
	jar := zipFiles(b, testFile{"a/A.class", strings.Repeat("class", 300)}, testFile{"a/B.class", strings.Repeat("other", 300)})
	for name, archive := range map[string]string{"a.gz": page, "a.jar": jar} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := int64(0)
				err := Walk(b.Context(), name, bytes.NewReader([]byte(archive)), int64(len(archive)), DefaultLimits(), func(_ Member, r io.Reader) error {
					more, err := io.Copy(io.Discard, r)
					n += more
					return err
				}, func(r Refusal) { b.Error(r) })
				if err != nil || n == 0 {
					b.Fatal(n, err)
				}
			}
		})
	}
}
