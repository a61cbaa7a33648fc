// Package bundle carries advisories to sites without internet: every feed of a store in
// one file, signed, with what it was when it was written.
//
// A bundle is a tar compressed with zstd. It holds a file a feed, feeds/0.jsonl and so on,
// a record or a threat a line; then manifest.json, which names each file with its size,
// SHA-256, feed and age; and manifest.sig, an Ed25519 signature (RFC 8032) over the manifest.
// Nothing of a bundle reaches the store before signature and digests hold.
package bundle
