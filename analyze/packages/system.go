package packages

import (
	"bufio"
	"context"
	"io"
	"path"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// isPacman matches var/lib/pacman/local/name-version/desc.
func isPacman(p string) bool {
	rest, ok := strings.CutPrefix(p, "var/lib/pacman/local/")
	return ok && strings.Count(rest, "/") == 1 && path.Base(rest) == "desc"
}

// readPacman reads one package of Arch Linux: a line with a key between percent signs, then a line
// with its value.
func readPacman(_ context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	var p plimsoll.Package
	values := map[string]*string{"%NAME%": &p.Name, "%VERSION%": &p.Version, "%ARCH%": &p.Arch, "%BASE%": &p.Source}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if value := values[lines.Text()]; value != nil && *value == "" && lines.Scan() {
			*value = strings.TrimSpace(lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "read pacman record: %w", err)
	}
	return sortAndLimit([]plimsoll.Package{dropEqualSource(p)}, limit)
}

// isPortage matches var/db/pkg/category/name-version/PF.
func isPortage(p string) bool {
	rest, ok := strings.CutPrefix(p, "var/db/pkg/")
	return ok && strings.Count(rest, "/") == 2 && path.Base(rest) == "PF"
}

// readPortage reads one package of Gentoo. The file contains name-version, the path contains the
// category, which is part of the name (Package Manager Specification, section 3.1).
func readPortage(_ context.Context, f analyze.File, limit int) ([]plimsoll.Package, error) {
	raw, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil, err
	}
	line := strings.TrimSpace(string(raw))
	p := plimsoll.Package{Name: line}
	for i := len(line) - 2; i > 0; i-- {
		if line[i] == '-' && isDigit(line[i+1]) {
			p.Name, p.Version = line[:i], line[i+1:]
			break
		}
	}
	if p.Name != "" {
		p.Name = path.Base(path.Dir(path.Dir(f.Path))) + "/" + p.Name
	}
	return sortAndLimit([]plimsoll.Package{p}, limit)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
