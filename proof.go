package plimsoll

import (
	"crypto/sha256"
	"hash"
	"io"
)

// Prove returns a reader of r that ends well only if r held exactly d.Size bytes with
// the digest d.Digest. It never hands out more than d.Size bytes; anything else ends
// with FailureDownload.
func Prove(r io.Reader, d Descriptor) io.Reader {
	return &proof{r: r, want: d, hash: sha256.New()}
}

type proof struct {
	r    io.Reader
	want Descriptor
	hash hash.Hash
	read int64
	err  error // sticky
}

func (p *proof) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.r.Read(b)
	if left := p.want.Size - p.read; int64(n) > left {
		n = int(max(left, 0))
		err = Fail(FailureDownload, Errorf(Invalid, "blob %s is longer than the %d bytes of its descriptor", p.want.Digest.Short(), p.want.Size))
	}
	p.hash.Write(b[:n])
	p.read += int64(n)
	if err == io.EOF {
		err = p.verdict()
	}
	p.err = err
	return n, err
}

// verdict is what the end of the source means.
func (p *proof) verdict() error {
	if p.read != p.want.Size {
		return Fail(FailureDownload, Errorf(Invalid, "blob %s ends after %d of %d bytes", p.want.Digest.Short(), p.read, p.want.Size))
	}
	if got := DigestFrom([sha256.Size]byte(p.hash.Sum(nil))); got != p.want.Digest {
		return Fail(FailureDownload, Errorf(Invalid, "blob %s holds other bytes, with digest %s", p.want.Digest.Short(), got.Short()))
	}
	return io.EOF
}
