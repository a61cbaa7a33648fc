package literal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goRoot returns the root of the Go installation, or "" if go is not on the path.
func goRoot() string {
	out, _ := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out))
}

// realBytes returns up to n bytes of sources, programs and archives from the Go root.
func realBytes(b *testing.B, n int) []byte {
	var out []byte
	for _, dir := range []string{"bin", "pkg/tool", "src/cmd", "src/net", "src/crypto"} {
		have := 0
		filepath.WalkDir(filepath.Join(goRoot(), dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || have > n/5 {
				return nil
			}
			body, _ := os.ReadFile(path)
			out, have = append(out, body...), have+len(body)
			return nil
		})
	}
	if len(out) == 0 {
		b.Skip("the Go root has no files")
	}
	return out
}

// quotedStrings returns n quoted strings from Go sources, each with its last letter changed. Like signatures, they are similar to
// the scanned text, but most of them do not occur in it.
func quotedStrings(text []byte, n int) []Pattern {
	random := rand.New(rand.NewPCG(1, 2))
	quoted := regexp.MustCompile(`"[A-Za-z0-9_%:/. -]{5,40}"`).FindAll(text, 50*n)
	var out []Pattern
	for len(out) < n {
		p := bytes.Clone(bytes.Trim(quoted[random.IntN(len(quoted))], `"`))
		p[len(p)-1] ^= 3
		out = append(out, Pattern{Bytes: p, Fold: len(out)%3 == 0})
	}
	return out
}

func BenchmarkScan(b *testing.B) {
	text := realBytes(b, 60<<20)
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			patterns := quotedStrings(text, n)
			m, err := New(patterns)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			hits := 0
			for b.Loop() {
				var s State
				for at := 0; at < len(text); at += 1 << 16 {
					m.Scan(text[at:min(at+1<<16, len(text))], &s, func(Hit) bool { hits++; return true })
				}
			}
			b.ReportMetric(float64(hits)/float64(b.N)/float64(len(text))*1e6, "hits/MB")
		})
	}
}
