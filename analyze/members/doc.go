// Package members opens archives inside of a layer and hands out what is in them, nested as
// far as a budget allows: zip and jar, tar, gzip, xz, zstd, bzip2. Kinds are told by content,
// never by name.
//
// A member has the path "outer!/inner". What could not be looked at (encrypted, broken, of a kind
// that is not read, over a budget) is told with that path and a reason; nothing is left out in
// silence. Names inside of archives are labels: no file is ever made or opened by one.
package members
