// Command floor is the lower limit that scans are compared with. It decompresses every layer of an
// image archive, reads its tar entries and hashes blob, layer and every regular file, layers in
// parallel, and does nothing else. It prints the bytes in files. Do not change it: results of
// different versions must stay comparable.
package main

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/archive"
	"plimsoll/manifest"
)

func main() {
	if err := hashImage(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func hashImage(path string) error {
	ctx := context.Background()
	ar, err := archive.Open(path, plimsoll.DefaultBudget())
	if err != nil {
		return err
	}
	defer ar.Close() //nolint:errcheck // only read from
	mediaType, raw, err := ar.Manifest(ctx, ar.Images()[0].Digest)
	if err != nil {
		return err
	}
	image, err := manifest.Parse(mediaType, raw, plimsoll.DefaultBudget())
	if err != nil {
		return err
	}
	var unpacked atomic.Int64
	group := new(errgroup.Group)
	group.SetLimit(runtime.NumCPU())
	for _, l := range image.Layers {
		group.Go(func() error {
			blob, err := ar.Blob(ctx, l.Descriptor)
			if err != nil {
				return err
			}
			defer blob.Close() //nolint:errcheck // read to its end
			n, err := hashLayer(blob)
			unpacked.Add(n)
			return err
		})
	}
	err = group.Wait()
	fmt.Println(unpacked.Load())
	return err
}

func hashLayer(blob io.Reader) (int64, error) {
	in := bufio.NewReaderSize(blob, 1<<20)
	var plain io.Reader = in
	switch magic, _ := in.Peek(4); {
	case len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b:
		z, err := gzip.NewReader(in)
		if err != nil {
			return 0, err
		}
		plain = z
	case string(magic) == "\x28\xb5\x2f\xfd":
		z, err := zstd.NewReader(in)
		if err != nil {
			return 0, err
		}
		defer z.Close()
		plain = z
	}
	diffID, buf := sha256.New(), make([]byte, 1<<18)
	all := bufio.NewReaderSize(io.TeeReader(plain, diffID), 1<<18)
	entries, unpacked := tar.NewReader(all), int64(0)
	for {
		if _, err := entries.Next(); err == io.EOF {
			_, err := io.CopyBuffer(io.Discard, all, buf)
			return unpacked, err
		} else if err != nil {
			return unpacked, err
		}
		n, err := io.CopyBuffer(sha256.New(), struct{ io.Reader }{entries}, buf)
		if unpacked += n; err != nil {
			return unpacked, err
		}
	}
}
