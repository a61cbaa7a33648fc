package inflate_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"log"
	"os"
	"strings"

	"plimsoll/inflate"
)

// Read a gzip stream: the reader checks every checksum and continues with the next member.
func ExampleNewReader() {
	stream := gzipOf("first member\n") + gzipOf("second member\n")

	z, err := inflate.NewReader(bufio.NewReader(strings.NewReader(stream)))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, z); err != nil {
		log.Fatal(err)
	}
	// Output:
	// first member
	// second member
}

// Use one Reader for many streams: Reset and ResetRaw keep its memory.
func ExampleReader_Reset() {
	z := new(inflate.Reader)
	for _, text := range []string{"one\n", "two\n"} {
		if err := z.Reset(bufio.NewReader(strings.NewReader(gzipOf(text)))); err != nil {
			log.Fatal(err)
		}
		if _, err := io.Copy(os.Stdout, z); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// one
	// two
}

// Read DEFLATE data without a gzip header, as zip files contain it.
func ExampleReader_ResetRaw() {
	var stream bytes.Buffer
	w, err := flate.NewWriter(&stream, flate.BestCompression)
	if err != nil {
		log.Fatal(err)
	}
	io.WriteString(w, "a member of a zip file\n") //nolint:errcheck // writes to memory
	w.Close()                                     //nolint:errcheck // as above

	z := new(inflate.Reader)
	z.ResetRaw(bufio.NewReader(&stream))
	if _, err := io.Copy(os.Stdout, z); err != nil {
		log.Fatal(err)
	}
	// Output: a member of a zip file
}

func gzipOf(text string) string {
	var stream bytes.Buffer
	w := gzip.NewWriter(&stream)
	io.WriteString(w, text) //nolint:errcheck // writes to memory
	w.Close()               //nolint:errcheck // as above
	return stream.String()
}
