package app

import (
	"strings"
	"testing"

	"plimsoll/analyze/all"
)

// A folder of the largest size reaches the children: its frame, and what it is compiled into, are within bounds.
func TestTheLargestFolderCanBeHandedOver(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 48 MiB")
	}
	c := DefaultConfig()
	c.Data = t.TempDir()
	line := "rule r { condition: false } //" + strings.Repeat(" ", 32<<10) + "\n"
	text := []byte(line + strings.Repeat("/*"+strings.Repeat("-", 60)+"*/\n", 15<<20/65))
	var files []all.RuleFile
	left := 48 << 20
	for i := 0; left > 0; i++ {
		n := min(len(text), left)
		files = append(files, all.RuleFile{Name: string(rune('a'+i)) + ".yar", Data: text[:n]})
		left -= n
	}
	sets, err := NewRules(c).load(t.Context(), files)
	if err != nil || len(sets) != len(files) || sets[0].Loaded != 1 {
		t.Errorf("%v, %d sets of %d files", err, len(sets), len(files))
	}
}
