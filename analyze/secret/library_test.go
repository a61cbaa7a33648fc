package secret

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze/literal"
)

// TestLiteralsOfUse compares a search for the useful literals of a file with a search for all literals.
func TestLiteralsOfUse(t *testing.T) {
	e := newTestEngine(t)
	library, err := literal.NewLibrary(e.Literals())
	if err != nil {
		t.Fatal(err)
	}
	found, inBinary := 0, 0
	for i, r := range e.Rules() {
		c := ruleCases[r.ID]
		text := newSynth(uint64(i)+9000).text(t, c.hit)
		for _, content := range []string{text, "\x00\x01" + text, text + "\x00", "\x7fELF\x00\n" + text} {
			look := func(m *literal.Matcher) []plimsoll.Secret {
				f := e.OpenBytes(c.file(), []byte(content))
				m.Scan([]byte(content), new(literal.State), func(h literal.Hit) bool { f.Hit(h.Pattern, h.Offset); return true })
				list, err := f.Close()
				if err != nil {
					t.Errorf("%s: %v", r.ID, err)
				}
				return list
			}
			want := look(e.matcher)
			if diff := cmp.Diff(want, look(library.For([]byte(content)))); diff != "" {
				t.Errorf("%s in %q...: %s", r.ID, content[:4], diff)
			}
			if found += len(want); content != text {
				inBinary += len(want)
			}
		}
	}
	if found == 0 || inBinary == 0 {
		t.Errorf("%d findings, %d in binary files: the test shows nothing", found, inBinary)
	}
}
