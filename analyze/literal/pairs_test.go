package literal

import (
	"flag"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "measure the pairs of bytes in files of this machine")

func TestPairs(t *testing.T) {
	if *update {
		measurePairs(t)
		return
	}
	if len(pairTable) != 1<<14 {
		t.Fatalf("the table has %d bytes", len(pairTable))
	}
	for _, order := range [][]string{{"qzxj", "zebra", "there"}, {"\x13\x97\xe1\x5b", "\x00\x00\x00\x00"}, {"Xq7!", "the "}} {
		for i := 1; i < len(order); i++ {
			if a, b := Frequency([]byte(order[i-1])[:4]), Frequency([]byte(order[i])[:4]); a >= b {
				t.Errorf("%q is as frequent as %q: %d, %d", order[i-1], order[i], a, b)
			}
		}
	}
}

func measurePairs(t *testing.T) {
	var counts [128][128]float64
	for _, roots := range [][]string{
		{"/usr/bin", "/usr/lib", filepath.Join(goRoot(), "bin"), filepath.Join(goRoot(), "pkg")}, // programs
		{filepath.Join(goRoot(), "src"), "/usr/share", "/etc"},                                   // mostly text
		{"/usr/share/doc", "/var/lib/dpkg"},                                                      // archives and databases
	} {
		var part [128][128]float64
		total := 0.0
		for _, root := range roots {
			have := 0
			filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() || have > 100<<20 {
					return nil
				}
				body, _ := os.ReadFile(path)
				if len(body) > 8<<20 {
					body = body[:8<<20]
				}
				have += len(body)
				for i := 1; i < len(body); i++ {
					part[foldedClass(body[i-1])][foldedClass(body[i])]++
					total++
				}
				return nil
			})
		}
		for a := range part {
			for b := range part[a] {
				counts[a][b] += part[a][b] / total * (1 << 28) / 3
			}
		}
	}
	out := make([]byte, 0, 1<<14)
	for a := range counts {
		for b := range counts[a] {
			out = append(out, byte(math.Round(4*math.Log2(counts[a][b]+1))))
		}
	}
	if err := os.WriteFile("pairs.bin", out, 0o644); err != nil {
		t.Fatal(err)
	}
}
