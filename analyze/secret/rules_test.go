package secret

import (
	"strings"
	"testing"

	"plimsoll"
)

func newTestEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// scanText scans a text as a whole file.
func scanText(t testing.TB, e *Engine, path string, text []byte) []plimsoll.Secret {
	t.Helper()
	f := e.OpenBytes(path, text)
	e.searchText(text, f.Hit)
	found, err := f.Close()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (c ruleCase) file() string {
	if c.path == "" {
		return "app/settings.env"
	}
	return c.path
}

func TestEachRule(t *testing.T) {
	e := newTestEngine(t)
	if n := len(e.Rules()); n < 80 {
		t.Errorf("%d rules", n)
	}
	seen := map[string]bool{}
	for i, r := range e.Rules() {
		if seen[r.ID] || r.Title == "" || r.Severity == "" || r.Severity == plimsoll.SeverityUnknown {
			t.Errorf("rule %q comes twice or lacks a title or severity", r.ID)
		}
		seen[r.ID] = true
		c, ok := ruleCases[r.ID]
		if !ok {
			t.Errorf("rule %s has no case", r.ID)
			continue
		}
		// Three attempts, because a random value may look like a sample.
		hits := 0
		for n := range uint64(3) {
			text := "first line\n" + newSynth(uint64(i)*10+n).text(t, c.hit) + "\nlast line\n"
			if hasFinding(scanText(t, e, c.file(), []byte(text)), r.ID) {
				hits++
			}
		}
		if hits < 2 {
			t.Errorf("%s finds its case %d times of 3", r.ID, hits)
		}
		miss := c.miss
		cut := newSynth(uint64(i))
		if miss == "" {
			miss = c.hit
			cut.count = func(n int) int { return n / 4 }
		}
		if text := cut.text(t, miss); hasFinding(scanText(t, e, c.file(), []byte(text)), r.ID) {
			t.Errorf("%s finds its near miss", r.ID)
		}
	}
	for id := range ruleCases {
		if !seen[id] {
			t.Errorf("case %s has no rule", id)
		}
	}
}

// A field that repeats one letter is a template, not a secret.
func TestPlaceholdersAreNoSecrets(t *testing.T) {
	e := newTestEngine(t)
	for id, c := range ruleCases {
		for _, fill := range []byte{'x', 'X', 'a', '0'} {
			s := newSynth(1)
			s.pick = func(string, int) byte { return fill }
			text := s.text(t, c.hit)
			// These cases have values that the template fixes, or a check of the file alone.
			if strings.Contains(c.hit, "b64") || id == "pgpass" || strings.HasSuffix(id, "-webhook") {
				continue
			}
			if found := scanText(t, e, c.file(), []byte(text)); hasFinding(found, id) {
				t.Errorf("%s finds a placeholder of %q", id, fill)
			}
		}
	}
}

func hasFinding(found []plimsoll.Secret, rule string) bool {
	for _, x := range found {
		if x.Rule == rule {
			return true
		}
	}
	return false
}
