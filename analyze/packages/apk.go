package packages

import (
	"io"

	"github.com/google/osv-scalibr/extractor/filesystem/os/apk/apkutil"

	"plimsoll"
)

// parseAPK reads the installed database of apk-tools, a record a package (apk-installed(5)).
// The extractor of the library gives up all records for one bad line, so this uses the
// scanner below it.
func parseAPK(r io.Reader, limit int) ([]plimsoll.Package, error) {
	records := apkutil.NewScanner(r)
	records.DiscardLongLines() // long lists of what a package provides; not a name or version
	var list []plimsoll.Package
	incomplete := 0
	for records.Scan() {
		if len(list) == limit {
			return list, tooLargeError("database of more than %d packages", limit)
		}
		p := plimsoll.Package{}
		for _, field := range records.FullRecord() {
			switch field.Key {
			case "P":
				p.Name = field.Value
			case "V":
				p.Version = field.Value
			case "A":
				p.Arch = field.Value
			case "o":
				p.Source = field.Value
			}
		}
		if p.Name == "" || p.Version == "" {
			incomplete++
			continue
		}
		list = append(list, dropEqualSource(p))
	}
	if err := records.Err(); err != nil {
		return list, plimsoll.Errorf(plimsoll.Invalid, "read apk database, %d packages before: %w", len(list), err)
	}
	if incomplete > 0 {
		return list, plimsoll.Errorf(plimsoll.Invalid, "%d packages without name or version", incomplete)
	}
	return list, nil
}
