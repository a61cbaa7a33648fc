package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
)

// Bounds of one bundle.
const (
	maxManifest = 4 << 20
	maxFeeds    = 1000
	maxUnpacked = 64 << 30
	maxRatio    = 400 // unpacked to packed size, checked beyond ratioGrace; records repeat each other
	ratioGrace  = 1 << 30
	maxWindow   = 128 << 20 // memory of the decompressor
)

// Errors that refuse a bundle as a whole, beside ErrUnsigned and ErrSignature.
var (
	ErrBomb   = plimsoll.Errorf(plimsoll.TooLarge, "bundle: it unpacks to more than %d times its size, or more than %d GiB", maxRatio, maxUnpacked>>30)
	ErrBroken = plimsoll.Errorf(plimsoll.Invalid, "bundle: the file is damaged or not a bundle")
)

// zstdMagic begins every zstd frame (RFC 8878, 3.1.1).
const zstdMagic = "\x28\xb5\x2f\xfd"

// IsBundle reports whether the file at path looks like a bundle.
func IsBundle(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read from
	head := make([]byte, len(zstdMagic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == zstdMagic
}

// Bundle is an unpacked bundle whose signature and digests were verified.
type Bundle struct {
	Manifest Manifest
	dir      string
}

// Open unpacks the bundle at path below dir ("" = the system's directory for temporary
// files) and verifies its signature and digests. The caller closes it.
func Open(ctx context.Context, path, dir string, trust Trust) (b *Bundle, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "bundle: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "bundle: %w", err)
	}
	return unpackBundle(ctx, f, info.Size(), dir, trust)
}

func unpackBundle(ctx context.Context, r io.Reader, size int64, dir string, trust Trust) (b *Bundle, err error) {
	b = &Bundle{}
	if b.dir, err = os.MkdirTemp(dir, "plimsoll-bundle-"); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "bundle: make a temporary directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
			b = nil
		}
	}()
	u := unpacker{dir: b.dir, left: min(maxUnpacked, max(ratioGrace, maxRatio*size)), files: map[string]unpackedFile{}}
	if err := u.unpackAll(ctx, r); err != nil {
		return b, err
	}
	if u.manifest == nil {
		return b, ErrBroken
	}
	if err := trust.verify(u.manifest, u.sig); err != nil {
		return b, err
	}
	if err := json.Unmarshal(u.manifest, &b.Manifest); err != nil || b.Manifest.Format != manifestFormat {
		return b, errors.Join(ErrBroken, err)
	}
	if v := b.Manifest.Version; v != manifestVersion {
		return b, plimsoll.Errorf(plimsoll.Invalid, "bundle: version %d is not supported", v).WithHint("use the newer program that wrote it")
	}
	return b, b.checkFeeds(u.files)
}

// Close removes the unpacked files.
func (b *Bundle) Close() error { return os.RemoveAll(b.dir) }

// checkFeeds compares the unpacked files with the manifest, and sets Feed.File to where each
// was unpacked.
func (b *Bundle) checkFeeds(files map[string]unpackedFile) error {
	if len(b.Manifest.Feeds) == 0 || len(b.Manifest.Feeds) != len(files) {
		return plimsoll.Errorf(plimsoll.Invalid, "bundle: it contains %d feeds, its manifest lists %d", len(files), len(b.Manifest.Feeds))
	}
	names := map[string]bool{}
	for i := range b.Manifest.Feeds {
		feed := &b.Manifest.Feeds[i]
		f, ok := files[feed.File]
		if !ok || f.size != feed.Size || f.sum != feed.SHA256 {
			return plimsoll.Errorf(plimsoll.Invalid, "bundle: feed %.80q differs from the manifest", feed.Name)
		}
		if names[feed.Name] || feed.Kind != KindRecords && feed.Kind != KindThreats {
			return plimsoll.Errorf(plimsoll.Invalid, "bundle: feed %.80q is listed twice or has an unknown kind", feed.Name)
		}
		names[feed.Name] = true
		feed.File = f.path
		delete(files, f.name)
	}
	return nil
}

// unpackedFile is a feed's file on disk. Its name there is not the one in the bundle.
type unpackedFile struct {
	name, path, sum string
	size            int64
}

type unpacker struct {
	dir           string
	left          int64
	manifest, sig []byte
	files         map[string]unpackedFile
}

func (u *unpacker) unpackAll(ctx context.Context, r io.Reader) error {
	dec, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return errors.Join(ErrBroken, err)
	}
	defer dec.Close()
	entries := tar.NewReader(&meteredReader{r: dec, u: u})
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = u.unpackEntry(h, entries)
		}
		if err != nil {
			return unpackError(err)
		}
	}
}

func unpackError(err error) error {
	if _, ok := errors.AsType[*plimsoll.Error](err); ok {
		return err
	}
	return errors.Join(ErrBroken, err)
}

func (u *unpacker) unpackEntry(h *tar.Header, r io.Reader) error {
	switch {
	case h.Typeflag != tar.TypeReg:
		return ErrBroken
	case h.Name == manifestName && u.manifest == nil:
		return u.readSmall(&u.manifest, r)
	case h.Name == sigName && u.sig == nil:
		return u.readSmall(&u.sig, r)
	}
	if _, twice := u.files[h.Name]; twice || len(u.files) == maxFeeds {
		return ErrBroken
	}
	f := unpackedFile{name: h.Name, path: filepath.Join(u.dir, fmt.Sprint(len(u.files)))}
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Internal, "bundle: unpack it: %w", err)
	}
	sum := sha256.New()
	f.size, err = io.Copy(io.MultiWriter(file, sum), r)
	f.sum = hex.EncodeToString(sum.Sum(nil))
	u.files[h.Name] = f
	return errors.Join(err, file.Close())
}

func (u *unpacker) readSmall(to *[]byte, r io.Reader) error {
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, maxManifest+1))
	if n > maxManifest {
		return ErrBomb
	}
	*to = slices.Clip(b.Bytes())
	return err
}

// meteredReader returns ErrBomb when the decompressor produces more bytes than are left.
type meteredReader struct {
	r io.Reader
	u *unpacker
}

func (l *meteredReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.u.left -= int64(n); l.u.left < 0 {
		return 0, ErrBomb
	}
	return n, err
}
