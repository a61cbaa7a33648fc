// Command hostile scans images that are built to exhaust a scanner: a sparse file of 10 GiB, 10 GiB of
// zeros, nested archives, three million entries. It prints the last line of each scan, its time and its
// peak resident memory. It fails if a scan uses more than 256 MiB or does not end as expected.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"plimsoll/bench/watch"
)

const maxResident = 256 << 20

// hostileLayer is a layer and the expected end of its scan.
type hostileLayer struct {
	name   string
	write  func(io.Writer) error
	status int    // exit status
	stderr string // part of standard error
}

var hostileLayers = []hostileLayer{
	{"sparse file of 10 GiB", writeSparseFile, 2, "budget 200 to 1"},
	{"10 GiB of zeros", writeZeros, 2, "budget 200 to 1"},
	{"archives nested forty deep", writeNestedArchives, 2, "nested deeper than 5"},
	{"three million entries", writeEntries(3_000_000), 2, "more than 2000000 entries"},
	{"half a million entries", writeEntries(500_000), 0, ""},
}

func main() {
	if err := scanHostileLayers(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func scanHostileLayers() error {
	dir, err := os.MkdirTemp("", "bench-hostile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	if err := watch.Build(dir, "./cmd/plimsoll"); err != nil {
		return err
	}
	var bad error
	for _, a := range hostileLayers {
		path := filepath.Join(dir, "image.tar")
		if err := writeImage(path, a.write); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		f, err := watch.Measure(exec.Command(filepath.Join(dir, "plimsoll"), "scan", "--archive", path, "--no-cache", "--data", filepath.Join(dir, "data")))
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		last := f.Stderr[strings.LastIndexByte(strings.TrimSpace(f.Stderr), '\n')+1:]
		fmt.Printf("%-32s exit %d  %6.1f s  peak %4d MiB  %s\n", a.name, f.Status, f.Wall.Seconds(), f.Resident>>20, strings.TrimSpace(last))
		if f.Status != a.status || f.Resident > maxResident || !strings.Contains(f.Stderr, a.stderr) {
			bad = errors.Join(bad, fmt.Errorf("%s: exit status %d, expected %d, %d bytes resident: %s", a.name, f.Status, a.status, f.Resident, f.Stderr))
		}
	}
	return bad
}

// writeImage writes an archive as docker save does, with one gzip layer, which it first writes to a file.
func writeImage(path string, write func(io.Writer) error) error {
	layer, err := os.Create(path + ".layer")
	if err != nil {
		return err
	}
	defer layer.Close() //nolint:errcheck // read back below
	diffID := sha256.New()
	packed, err := gzip.NewWriterLevel(layer, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := errors.Join(write(io.MultiWriter(packed, diffID)), packed.Close()); err != nil {
		return err
	}
	size, err := layer.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = layer.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"os": "linux", "architecture": "amd64", "config": map[string]any{"User": "1000"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + hex.EncodeToString(diffID.Sum(nil))}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{"hostile.example/image:1"}, "Layers": []string{"layer.tar.gz"}}})
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(out)
	err = errors.Join(
		writeFile(archive, "manifest.json", int64(len(manifest)), bytes.NewReader(manifest)),
		writeFile(archive, "config.json", int64(len(config)), bytes.NewReader(config)),
		writeFile(archive, "layer.tar.gz", size, layer),
		archive.Close(), out.Close())
	return err
}

func writeFile(w *tar.Writer, name string, size int64, content io.Reader) error {
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(w, content)
	return err
}

// writeSparseFile writes a tar with a sparse file of 10 GiB, of which it contains one block, in the old
// GNU format (GNU tar manual, "Storing Sparse Files"), which archive/tar reads but does not write.
func writeSparseFile(w io.Writer) error {
	var h [512]byte
	field := func(offset int, format string, args ...any) { copy(h[offset:], fmt.Sprintf(format, args...)) }
	field(0, "sparse")
	field(100, "%07o\x00%07o\x00%07o\x00%011o\x00%011o\x00", 0o644, 0, 0, 512, 0)
	field(148, "        ") // the checksum counts as spaces
	field(156, "S")
	field(257, "ustar  \x00")
	field(386, "%011o\x00%011o\x00", 0, 512) // one block of data, then a hole
	h[483] = 0x80                            // the real size in base 256
	binary.BigEndian.PutUint64(h[487:], 10<<30)
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	field(148, "%06o\x00 ", sum)
	_, err := w.Write(append(h[:], make([]byte, 512+1024)...))
	return err
}

func writeZeros(out io.Writer) error {
	const size = 10 << 30
	w := tar.NewWriter(out)
	if err := w.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for range size >> 20 {
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return w.Close()
}

// writeNestedArchives writes forty nested jars, the innermost with 256 MiB of zeros.
func writeNestedArchives(out io.Writer) error {
	content, name := make([]byte, 256<<20), "zeros.class"
	for range 40 {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		member, err := z.Create(name)
		if err != nil {
			return err
		}
		if _, err := member.Write(content); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		content, name = buf.Bytes(), "inner.jar"
	}
	w := tar.NewWriter(out)
	return errors.Join(writeFile(w, "srv/bomb.jar", int64(len(content)), bytes.NewReader(content)), w.Close())
}

func writeEntries(n int) func(io.Writer) error {
	return func(out io.Writer) error {
		w := tar.NewWriter(out)
		for i := range n {
			h := &tar.Header{Name: fmt.Sprintf("srv/%03d/%06d", i/10_000, i%10_000), Typeflag: tar.TypeReg, Mode: 0o644}
			if err := w.WriteHeader(h); err != nil {
				return err
			}
		}
		return w.Close()
	}
}
