// Package inflate decompresses gzip (RFC 1952) and DEFLATE data (RFC 1951), fast.
//
// Decompression is most of the cost of scanning a layer. The decoder keeps a buffer of 64 bits and fills it eight bytes
// at a time, decodes a symbol with its extra bits by one table lookup, and copies matches eight bytes at a time. If a
// stream is damaged, Read first returns all data before the damage, then the error.
//
// Package layer uses it to read layers and verifies the output by the layer's digest; package analyze/members uses it to
// read archives.
package inflate
