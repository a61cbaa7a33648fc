// Package archive reads image archives from disk: what `docker save` writes, and an OCI
// image layout (OCI Image Specification 1.1, "Image Layout") in a tar file, plain or compressed
// as a whole with gzip or zstd; or such a layout as a directory, or an archive from a stream.
//
// An Archive stands where a registry's repository does in the flow: it hands out
// manifests and blobs by digest. Nothing is unpacked. Members are found by offset in one pass over
// the file and read from there; a compressed file is first decompressed into one temporary
// file that has no name any more. Names and links inside the archive lead to its members and
// nowhere else, and no path of it is ever opened on disk. Of a layout's directory only files
// are opened that are named by a digest.
//
// Errors are plimsoll.Error. What is missing is NotFound with FailureNotFound, what is cut or
// holds other bytes is FailureDownload, and what is over a bound is TooLarge with FailureOversized.
package archive
