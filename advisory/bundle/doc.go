// Package bundle carries advisories to sites without internet access: all feeds of a store
// in one signed file.
//
// A bundle is a tar compressed with zstd. It contains one file per feed (feeds/0.jsonl and
// so on) with one record or threat per line; then manifest.json, which lists each file with
// its size, SHA-256, feed and the time the feed was last checked; and manifest.sig, an
// Ed25519 signature (RFC 8032) of the manifest. Nothing of a bundle is stored before its
// signature and digests are verified.
package bundle
