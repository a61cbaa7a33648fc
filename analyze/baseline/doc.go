// Package baseline judges unsafe settings of an image.
//
// Its analyzer reduces a layer to facts: accounts without password hashes, directives of
// configuration files without secrets, files with dangerous mode bits. Its rules read the folded
// facts and the image config. They are tables, one per family (ruleFamilies), in the files
// rules_*.go. A rule that could not read what it judges returns "not looked", never "pass".
//
// To add a rule, add it to the table of its family and add an archive of samples under
// testdata/rules (TestRules describes the format). Then run go test -update, which writes
// docs/rules.md.
package baseline
