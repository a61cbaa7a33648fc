// Package secret finds credentials in files and image configs and never keeps one.
//
// A rule has literals. The caller searches a file for the literals of all rules, together with those of other engines,
// and reports each hit to a File. That checks at most 512 bytes before and after a hit. Rules for files with a known name
// (.netrc, .pgpass) are matched against their lines.
//
// The excerpt of a finding consists only of public text of the rule: no byte of the scanned file is copied to a finding
// or an error.
package secret
