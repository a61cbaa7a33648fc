package plimsoll_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// namedFile is a Go file in backquotes, and the name behind it, if any: `a/b.go` `name` or `a/b.go` (`name`).
var namedFile = regexp.MustCompile("`([a-z0-9_/]+\\.go)`(?: \\(?`(\\w+)`)?")

// filesNamedIn checks that every file that a text names exists and contains the name behind it.
func filesNamedIn(t *testing.T, document, text string) int {
	t.Helper()
	found := namedFile.FindAllStringSubmatch(text, -1)
	for _, m := range found {
		source, err := os.ReadFile(m[1])
		if err != nil {
			t.Errorf("%s names a file that does not exist: %v", document, err)
			continue
		}
		if m[2] != "" && !regexp.MustCompile(`\b`+m[2]+`\b`).Match(source) {
			t.Errorf("%s: %s does not contain %s", document, m[1], m[2])
		}
	}
	return len(found)
}

func TestContributingFindsTheCode(t *testing.T) {
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Where is …?")
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| Wh") {
			continue
		}
		rows++
		if filesNamedIn(t, "CONTRIBUTING.md", line) == 0 {
			t.Errorf("no file answers %s", line)
		}
	}
	if rows < 12 {
		t.Errorf("%d questions are answered, 12 are asked", rows)
	}
}

// A walk through the code passes at most ten files.
func TestWalksAreShort(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Four walks\n")
	section, _, _ = strings.Cut(section, "\n## ")
	walks := strings.Split(section, "\n**")[1:]
	if len(walks) != 4 {
		t.Fatalf("%d walks", len(walks))
	}
	for _, walk := range walks {
		title, _, _ := strings.Cut(walk, "**")
		if n := filesNamedIn(t, title, walk); n < 4 || n > 10 {
			t.Errorf("%s passes %d files", title, n)
		}
	}
}
