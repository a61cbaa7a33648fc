// Package literal finds many short byte strings in a stream at once. It is the first step of every search for patterns in
// file content. The engines (malware signatures, secret rules) pass the literals without which their patterns cannot
// match, and check the rest of a pattern only at the hits.
//
// The matcher tests every second position of the content: it folds letters to one case, hashes the four bytes there and
// looks the hash up in a bitmap that fits into the processor's cache. Each pattern is entered with two pieces, the rarest
// ones at an even and at an odd distance from its start, so that one of them falls on a tested position. A piece of fewer
// than four bytes sets the bits for all values of the other bytes. If the bit is set, a second bitmap tests up to six bytes,
// and then a small table gives the patterns to compare in full.
//
// A Library has several matchers, because most patterns are useful only in content with certain first bytes, or in text.
//
// The package is not an analyzer; the analyzers use it.
package literal
