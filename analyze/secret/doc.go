// Package secret finds credentials in files and image configs and never keeps one.
//
// A rule names literals; whoever scans a file for literals (its own and others' in one go)
// reports each hit to a File, which looks at most 512 bytes to either side and decides. Rules about
// files with a known name (.netrc, .pgpass) are held against their lines.
//
// A finding's excerpt is made of the rule's own public text only: no byte of the file
// that was scanned is copied into a finding or an error.
package secret
