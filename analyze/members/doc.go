// Package members reads archives inside of a layer and returns their members, nested up to a limit: zip and jar, tar,
// gzip, xz, zstd, bzip2. It recognises formats by content, never by name.
//
// A member has the path "outer!/inner". Everything that cannot be read (encrypted, damaged, of an unsupported format, over
// a limit) is reported with its path and a reason. Names inside of archives are only labels: no file is ever created or
// opened by one.
package members
