// Package baseline judges unsafe settings of an image.
//
// Its analyzer reduces a layer to facts: accounts without password hashes, directives of
// configuration files without secrets, files with dangerous mode bits. Its rules, one file
// a family, read the folded facts and the image config. A rule that could not see what it
// judges answers "not looked", never "pass".
//
// To add a rule, add it to its family and give it an archive with samples under testdata
// (rules_test.go says what they hold); then run go test -update, which writes docs/rules.md.
package baseline
