package packages

import (
	"io"

	"github.com/google/osv-scalibr/extractor/filesystem/os/apk/apkutil"

	"plimsoll"
)

// parseAPK reads the installed database of apk-tools, one record per package (apk-installed(5)).
// The library's extractor returns no package if one line is malformed, so parseAPK uses its scanner.
func parseAPK(r io.Reader, limit int) ([]plimsoll.Package, error) {
	records := apkutil.NewScanner(r)
	records.DiscardLongLines() // long lists of provided names, never a name or version
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
