// Package inflate decompresses gzip (RFC 1952) and DEFLATE data (RFC 1951), fast.
//
// Most of what a scan of a layer costs is this. The decoder keeps 64 bits at hand and fills them eight bytes at a
// time, finds a symbol with its extra bits in one look into a table, and copies matches by words. It
// holds nothing back of a stream that breaks: what came before is handed out first, then the error.
//
// In the flow it stands below layer, which proves what comes out by the digest of the layer, and below what looks
// into archives.
package inflate
