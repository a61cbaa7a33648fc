// Package verify proves that a blob has the size and digest of its descriptor.
package verify

import (
	"crypto/sha256"
	"hash"
	"io"

	"plimsoll"
)

// Reader returns a reader of r that ends with io.EOF only if r contained exactly d.Size bytes with
// the digest d.Digest. It never returns more than d.Size bytes; anything else ends
// with FailureDownload. Errors are sticky.
func Reader(r io.Reader, d plimsoll.Descriptor) io.Reader {
	return &verifier{r: r, want: d, hash: sha256.New()}
}

type verifier struct {
	r    io.Reader
	want plimsoll.Descriptor
	hash hash.Hash
	read int64
	err  error // sticky
}

func (v *verifier) Read(b []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.r.Read(b)
	if left := v.want.Size - v.read; int64(n) > left {
		n = int(max(left, 0))
		err = plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "blob %s is longer than the %d bytes of its descriptor", v.want.Digest.Short(), v.want.Size))
	}
	v.hash.Write(b[:n])
	v.read += int64(n)
	if err == io.EOF {
		err = v.check()
	}
	v.err = err
	return n, err
}

// check compares size and digest at the end of the source.
func (v *verifier) check() error {
	if v.read != v.want.Size {
		return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "blob %s ends after %d of %d bytes", v.want.Digest.Short(), v.read, v.want.Size))
	}
	if got := plimsoll.DigestFrom([sha256.Size]byte(v.hash.Sum(nil))); got != v.want.Digest {
		return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "blob %s holds other bytes, with digest %s", v.want.Digest.Short(), got.Short()))
	}
	return io.EOF
}
