package base

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"plimsoll"
)

const (
	// HeaderContentHash is the header in which a client sends the hex SHA-256 of a body.
	HeaderContentHash = "X-Sdk-Content-Sha256"

	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// Upload is a body that a handler reads from the connection.
type Upload struct {
	Request *http.Request
	Writer  http.ResponseWriter
	Hash    string        // hex SHA-256 of the body; "" and UNSIGNED-PAYLOAD = not given
	Handle  time.Duration // how long the handler may take before its answer cannot be written any more
}

// ReceiveUpload writes a body of at most cfg.MaxFeed bytes to a new file, and compares it with the hash. Invalid if
// they differ; TooLarge.
func ReceiveUpload(cfg Config, u Upload, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Internal, "keep an upload: %w", err)
	}
	control := http.NewResponseController(u.Writer)
	control.SetWriteDeadline(cfg.Now().Add(u.Handle)) //nolint:errcheck // not every server has deadlines
	sum := sha256.New()
	body := &stallReader{r: http.MaxBytesReader(u.Writer, u.Request.Body, cfg.MaxFeed), control: control, stall: cfg.Stall, now: cfg.Now}
	_, err = io.Copy(io.MultiWriter(f, sum), body)
	if err := errors.Join(body.uploadError(err), f.Close()); err != nil {
		return err
	}
	if u.Hash == "" || u.Hash == unsignedPayload {
		return nil
	}
	if !strings.EqualFold(u.Hash, hex.EncodeToString(sum.Sum(nil))) {
		return plimsoll.Errorf(plimsoll.Invalid, "the body is not what %s says", HeaderContentHash)
	}
	return nil
}

// stallReader gives every read of an upload its own deadline, so that a slow upload may
// take its time while a silent one ends.
type stallReader struct {
	r       io.Reader
	control *http.ResponseController
	stall   time.Duration
	now     func() time.Time
	err     error
}

func (s *stallReader) Read(p []byte) (int, error) {
	s.control.SetReadDeadline(s.now().Add(s.stall)) //nolint:errcheck // not every server has deadlines
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// uploadError separates an error of the client's connection from one of the disk.
func (s *stallReader) uploadError(err error) error {
	switch {
	case err == nil:
		return nil
	case s.err == nil:
		return plimsoll.Errorf(plimsoll.Internal, "keep an upload: %w", err)
	default:
		return plimsoll.Errorf(errorCodeOfRead(s.err), "read the upload: %w", s.err)
	}
}

func errorCodeOfRead(err error) plimsoll.Code {
	if c := errorCode(err); c != plimsoll.Internal {
		return c
	}
	return plimsoll.Invalid
}
