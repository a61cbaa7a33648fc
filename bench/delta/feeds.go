package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/klauspost/compress/zip"

	"plimsoll"
)

// touchedPackages is the number of packages that the second import concerns. hotPackages are among
// them.
const touchedPackages = 50

// hotPackages are packages that most sets contain.
var hotPackages = []plimsoll.AdvisoryKey{
	{Ecosystem: "Debian", Name: "glibc"}, {Ecosystem: "Debian", Name: "openssl"},
	{Ecosystem: "PyPI", Name: "requests"}, {Ecosystem: "PyPI", Name: "urllib3"}, {Ecosystem: "PyPI", Name: "jinja2"},
}

// writeFeeds writes a dump of all records to full, and a later dump to changed. The later one has, for
// each touched package, a new record that affects every version; and for each that is not hot, one
// record changed or withdrawn.
func writeFeeds(c *dumpCorpus, full, changed string) error {
	if err := writeZip(full, c.records); err != nil {
		return err
	}
	touched := map[plimsoll.AdvisoryKey]bool{}
	for _, k := range hotPackages {
		touched[k] = true
	}
	after := make([]dumpRecord, 0, len(c.records)+touchedPackages)
	for i, r := range c.records {
		if key, ok := singlePackage(r.Advisory); ok && i%37 == 0 && !touched[key] && len(touched) < touchedPackages {
			touched[key] = true
			if len(touched)%3 == 0 {
				continue // withdrawn: the later dump does not contain it
			}
			raw, err := r.rewrite(map[string]any{"modified": "2026-11-01T00:00:00Z", "summary": "a changed summary"})
			if err != nil {
				return err
			}
			r.raw = raw
		}
		after = append(after, r)
	}
	n := 0
	for key := range touched {
		n++
		raw, err := newAdvisoryRecord(n, key, c)
		if err != nil {
			return err
		}
		after = append(after, dumpRecord{name: fmt.Sprintf("new/%d.json", n), raw: raw})
	}
	return writeZip(changed, after)
}

// singlePackage returns the package of a record that is not withdrawn and concerns one package.
func singlePackage(a plimsoll.Advisory) (key plimsoll.AdvisoryKey, one bool) {
	for i, f := range a.Affected {
		k := plimsoll.NewAdvisoryKey(f.Ecosystem, f.Name)
		if i > 0 && k != key {
			return key, false
		}
		key = k
	}
	return key, len(a.Affected) > 0 && a.Withdrawn.IsZero()
}

// newAdvisoryRecord returns a record that affects every version of a package, in every release of the
// corpus.
func newAdvisoryRecord(n int, key plimsoll.AdvisoryKey, c *dumpCorpus) ([]byte, error) {
	type object = map[string]any
	var affected []object
	for ecosystem := range c.pools {
		if plimsoll.BaseEcosystem(ecosystem) == key.Ecosystem {
			affected = append(affected, object{
				"package": object{"ecosystem": ecosystem, "name": key.Name},
				"ranges":  []object{{"type": "ECOSYSTEM", "events": []object{{"introduced": "0"}}}},
			})
		}
	}
	id := fmt.Sprintf("CVE-2026-9%04d", n)
	return json.Marshal(object{
		"id": "NEW-" + id, "aliases": []string{id}, "modified": "2026-11-01T00:00:00Z", "affected": affected,
		"severity": []object{{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},
	})
}

func writeZip(path string, records []dumpRecord) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	for _, r := range records {
		w, err := z.Create(r.name)
		if err != nil {
			return err
		}
		if _, err := w.Write(r.raw); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}
