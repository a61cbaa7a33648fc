package apptest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Tar makes a layer of entries that File and Link made, or of others without content.
func Tar(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range headers {
		body := h.Uname // File puts the content there: no reader looks at names of users
		h.Uname = ""
		h.Size = int64(len(body))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// File is a regular file for Tar.
func File(path, body string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: path, Uname: body}
}

// Link is a link for Tar, of type tar.TypeLink or tar.TypeSymlink.
func Link(kind byte, path, target string) tar.Header {
	return tar.Header{Typeflag: kind, Name: path, Linkname: target}
}

// Gzip compresses a layer.
func Gzip(t *testing.T, plain []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(plain)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Zstd compresses a layer.
func Zstd(t *testing.T, plain []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(plain, nil)
}

// DebianRelease is the content of etc/os-release on Debian 12.
const DebianRelease = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n"

// Dpkg is an installed package in var/lib/dpkg/status.
func Dpkg(name, version string) string {
	return "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version +
		"\nMaintainer: Fixture <fixture@example.org>\nDescription: fixture\n\n"
}

// EICAR is the EICAR anti-malware test file, put together so that this source is not taken for it.
const EICAR = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
