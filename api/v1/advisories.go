package v1

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"plimsoll"
	"plimsoll/api/base"
)

// AdvisoryKeeper imports advisories and reports what is stored.
type AdvisoryKeeper interface {
	AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error)

	// ImportAdvisories reads a feed's archive (all.zip of OSV) from a file that this process has written.
	ImportAdvisories(ctx context.Context, feed, file string) (plimsoll.ImportOutcome, error)
}

// importTime is how long an import may take before its answer cannot be written any more.
const importTime = time.Hour

type advisoryStatusOutput struct{ Body plimsoll.AdvisoryStatus }

type importInput struct {
	WholeProjectQuery
	Feed string `path:"feed" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" doc:"Name of the feed; only a full dump of the same feed can withdraw its records"`
	Hash string `header:"X-Sdk-Content-Sha256" maxLength:"64" doc:"Hex SHA-256 of the body; required with a signature"`
	r    *http.Request
	w    http.ResponseWriter
}

type importOutput struct{ Body plimsoll.ImportOutcome }

// Resolve keeps the request, whose body is too large for memory.
func (in *importInput) Resolve(ctx huma.Context) []error {
	in.r, in.w = humachi.Unwrap(ctx)
	return nil
}

func (h *handlers) showAdvisories(ctx context.Context, _ *struct{}) (*advisoryStatusOutput, error) {
	status, err := h.roles.Advisories.AdvisoryStatus(ctx)
	if err != nil {
		return nil, err
	}
	if status.Feeds == nil {
		status.Feeds = []plimsoll.FeedStatus{}
	}
	return &advisoryStatusOutput{Body: status}, nil
}

func (h *handlers) importAdvisories(ctx context.Context, in *importInput) (*importOutput, error) {
	dir, err := os.MkdirTemp(h.cfg.TempDir, "plimsoll-feed-")
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "make a folder for an upload: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans its temporary files
	file := filepath.Join(dir, "all.zip")
	upload := base.Upload{Request: in.r, Writer: in.w, Hash: in.Hash, Handle: importTime}
	if err := base.ReceiveUpload(h.cfg, upload, file); err != nil {
		return nil, err
	}
	outcome, err := h.roles.Advisories.ImportAdvisories(ctx, in.Feed, file)
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: outcome}, nil
}
