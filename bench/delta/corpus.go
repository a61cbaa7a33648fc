package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zip"

	"plimsoll"
	"plimsoll/advisory"
)

// dumpRecord is a record and its file in a dump.
type dumpRecord struct {
	name string
	raw  []byte
	plimsoll.Advisory
}

// packagePool is the packages of one ecosystem (with release) that records contain.
type packagePool struct {
	ecosystem string
	names     []string
	versions  map[string][]string
}

// dumpCorpus is the material for a fleet.
type dumpCorpus struct {
	records []dumpRecord
	pools   map[string]*packagePool
	roots   [][]plimsoll.Package // packages of real base images that have a dpkg database
}

func readCorpus(data string) (*dumpCorpus, error) {
	c := &dumpCorpus{pools: map[string]*packagePool{}}
	zips, err := filepath.Glob(filepath.Join(data, "osv", "*.zip"))
	if err != nil {
		return nil, err
	}
	for _, path := range zips {
		if err := c.readZip(path); err != nil {
			return nil, err
		}
	}
	for _, p := range c.pools {
		for name, versions := range p.versions {
			slices.Sort(versions)
			p.versions[name] = slices.Compact(versions)
		}
		p.names = slices.Sorted(maps.Keys(p.versions))
	}
	for root, ecosystem := range map[string]string{"debian-11.11": "Debian:11"} {
		packages, err := readDpkg(filepath.Join(data, "roots", root, "var", "lib", "dpkg", "status"), ecosystem)
		if err != nil {
			return nil, err
		}
		c.roots = append(c.roots, packages)
	}
	slices.SortFunc(c.roots, func(a, b []plimsoll.Package) int { return strings.Compare(a[0].Ecosystem, b[0].Ecosystem) })
	return c, nil
}

func (c *dumpCorpus) readZip(path string) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // only read from
	feed := strings.TrimSuffix(filepath.Base(path), ".zip")
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(r)
		r.Close() //nolint:errcheck,gosec // only read from
		if err != nil {
			return err
		}
		a, err := advisory.Parse(raw)
		if err != nil {
			continue // the import skips it too
		}
		c.records = append(c.records, dumpRecord{name: feed + "/" + f.Name, raw: raw, Advisory: a})
		for _, affected := range a.Affected {
			c.addVersions(affected)
		}
	}
	return nil
}

// addVersions adds a package and the versions that a record contains.
func (c *dumpCorpus) addVersions(a plimsoll.Affected) {
	p := c.pools[a.Ecosystem]
	if p == nil {
		p = &packagePool{ecosystem: a.Ecosystem, versions: map[string][]string{}}
		c.pools[a.Ecosystem] = p
	}
	list := slices.Concat(p.versions[a.Name], a.Versions)
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			if v := cmp.Or(e.Fixed, e.LastAffected); v != "" {
				list = append(list, v)
			}
		}
	}
	if len(list) > 0 {
		p.versions[a.Name] = list
	}
}

// readDpkg reads the installed packages of a dpkg status file.
func readDpkg(path, ecosystem string) ([]plimsoll.Package, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	var out []plimsoll.Package
	p := plimsoll.Package{Ecosystem: ecosystem}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "Package":
			p.Name = value
		case "Version":
			p.Version = value
		case "Architecture":
			p.Arch = value
		case "Source":
			p.Source, p.SourceVersion, _ = strings.Cut(strings.TrimSuffix(value, ")"), " (")
		case "":
			out = append(out, p)
			p = plimsoll.Package{Ecosystem: ecosystem}
		}
	}
	return out, lines.Err()
}

// rewrite returns the record's JSON with some members replaced.
func (r dumpRecord) rewrite(members map[string]any) ([]byte, error) {
	var whole map[string]any
	if err := json.Unmarshal(r.raw, &whole); err != nil {
		return nil, err
	}
	maps.Copy(whole, members)
	return json.Marshal(whole)
}
