package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"plimsoll"
)

// AdvisoryKeeper imports advisories and tells what is there.
type AdvisoryKeeper interface {
	AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error)

	// ImportAdvisories reads a feed's archive (all.zip of OSV) from a file of this process's own.
	ImportAdvisories(ctx context.Context, feed, file string) (plimsoll.ImportOutcome, error)
}

const (
	headerContentHash = "X-Sdk-Content-Sha256"
	unsignedPayload   = "UNSIGNED-PAYLOAD"
	importTime        = time.Hour // an import may take so long before its answer cannot be written any more
)

type advisoryStatusOutput struct{ Body plimsoll.AdvisoryStatus }

type importInput struct {
	Feed string `path:"feed" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" doc:"Name of the feed; only a full dump of the same feed can withdraw its records"`
	Hash string `header:"X-Sdk-Content-Sha256" maxLength:"64" doc:"Hex SHA-256 of the body; required with a signature"`
	r    *http.Request
	w    http.ResponseWriter
}

type importOutput struct{ Body plimsoll.ImportOutcome }

// Resolve keeps the body, which huma would hold in memory.
func (in *importInput) Resolve(ctx huma.Context) []error {
	in.r, in.w = humachi.Unwrap(ctx)
	return nil
}

func (a *API) registerAdvisories() {
	closed(a, huma.Operation{
		OperationID: "showAdvisories", Method: http.MethodGet, Path: "/api/v1/advisories",
		Tags: []string{"advisories"}, Summary: "Show the state of the advisory feeds",
	}, a.showAdvisories)
	closed(a, huma.Operation{
		OperationID: "importAdvisories", Method: http.MethodPut, Path: "/api/v1/advisories/{feed}",
		Tags: []string{"advisories"}, Summary: "Import a feed", Description: "The body is an all.zip of OSV records. Role: admin.",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
		Metadata: map[string]any{streamed: true},
	}, a.importAdvisories)
}

func (a *API) showAdvisories(ctx context.Context, _ *struct{}) (*advisoryStatusOutput, error) {
	status, err := a.roles.Advisories.AdvisoryStatus(ctx)
	if err != nil {
		return nil, err
	}
	if status.Feeds == nil {
		status.Feeds = []plimsoll.FeedStatus{}
	}
	return &advisoryStatusOutput{Body: status}, nil
}

func (a *API) importAdvisories(ctx context.Context, in *importInput) (*importOutput, error) {
	if err := a.operator(caller(ctx)); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(a.cfg.TempDir, "plimsoll-feed-")
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "make room for an upload: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans its temporary files
	file := filepath.Join(dir, "all.zip")
	if err := a.receive(in, file); err != nil {
		return nil, err
	}
	outcome, err := a.roles.Advisories.ImportAdvisories(ctx, in.Feed, file)
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: outcome}, nil
}

// receive writes the body to a file and holds it against the hash that the signature covers.
func (a *API) receive(in *importInput, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return plimsoll.Errorf(plimsoll.Internal, "keep an upload: %w", err)
	}
	control := http.NewResponseController(in.w)
	control.SetWriteDeadline(a.cfg.Now().Add(importTime)) //nolint:errcheck // not every server has deadlines
	sum := sha256.New()
	body := &stallReader{r: http.MaxBytesReader(in.w, in.r.Body, a.cfg.MaxFeed), control: control, stall: a.cfg.Stall, now: a.cfg.Now}
	_, err = io.Copy(io.MultiWriter(f, sum), body)
	if err := errors.Join(body.failed(err), f.Close()); err != nil {
		return err
	}
	want := in.Hash
	if want == "" || want == unsignedPayload {
		return nil
	}
	if !strings.EqualFold(want, hex.EncodeToString(sum.Sum(nil))) {
		return plimsoll.Errorf(plimsoll.Invalid, "the body is not what %s says", headerContentHash)
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

// failed tells a client that broke off from a disk that is full.
func (s *stallReader) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case s.err == nil:
		return plimsoll.Errorf(plimsoll.Internal, "keep an upload: %w", err)
	default:
		return plimsoll.Errorf(errorCodeOfRead(s.err), "read the upload: %w", s.err)
	}
}
