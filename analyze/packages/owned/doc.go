// Package owned tells which files of a layer stand there as a package of the operating system
// brought them.
//
// Package managers keep the digest of every file that they unpack: dpkg in md5sums, apk and rpm in
// their databases. A file is a package's if the layer that brings it also brings a database that
// lists its path with the digest of its content. So a file that somebody wrote over a package's,
// in whatever layer, is not; neither is one that packages expect people to edit. The path alone
// decides about what is in an archive, and about bytecode of a source.
//
// It is no analyzer: one that has to know (secret) feeds it. In the flow it stands below them.
package owned
