package inflate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"os"

	"plimsoll/inflate"
)

func Example() {
	var stream bytes.Buffer
	w := gzip.NewWriter(&stream)
	io.WriteString(w, "a layer\n") //nolint:errcheck // memory
	w.Close()                      //nolint:errcheck // as above

	z, err := inflate.NewReader(bufio.NewReader(&stream))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, z); err != nil {
		log.Fatal(err)
	}
	// Output: a layer
}
