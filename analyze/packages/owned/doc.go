// Package owned reports which files of a layer are unchanged files of an operating system package.
//
// Package managers record the digest of every file that they install: dpkg in md5sums, apk and rpm in
// their databases. A package owns a file if the layer that contains the file also contains a database
// that lists its path with the digest of its content. So a package does not own a file that was
// overwritten in any layer, nor a configuration file. For content inside an archive, and for bytecode
// compiled from a source, the path alone decides.
//
// It is not an analyzer: analyze/secret feeds it with databases and asks it about files.
package owned
