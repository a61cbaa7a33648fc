// Package archive reads image archives from disk: what `docker save` writes, and an OCI
// image layout (OCI Image Specification 1.1, "Image Layout") in a tar file, plain or compressed
// as a whole with gzip or zstd; or such a layout as a directory, or an archive from a stream.
//
// A scan uses an Archive in place of a repository of a registry: it returns manifests and blobs by digest. Nothing is
// unpacked. One pass over the file finds the offsets of the members, which are read from there; a compressed file is first
// decompressed into a temporary file without a name. Names and links inside the archive refer only to its members, and none
// of its paths is ever opened on disk. In the directory of a layout, only index.json and files named by a digest are opened.
//
// Errors are plimsoll.Error: NotFound with FailureNotFound for a missing part, FailureDownload for a part that is cut or has
// other bytes than its digest, TooLarge with FailureOversized for anything over a bound.
package archive
