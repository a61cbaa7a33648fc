package base

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"plimsoll"
)

// Config is what a deployment can choose.
type Config struct {
	Version string           // of the program, shown by GET /api/v1/version and in the OpenAPI
	Log     *slog.Logger     // one line per request, and internal errors
	Now     func() time.Time // clock

	// MaxBody limits a request body in bytes; MaxFeed that of an advisory feed, which is written to a file in TempDir.
	MaxBody int64
	MaxFeed int64
	TempDir string // "" = the system's

	// Stall ends an upload that sends no byte for this long.
	Stall time.Duration

	// PublicURL is the address that clients reach the server by, without a path: https://plimsoll.example. Links and the
	// token's catalog begin with it; "" = the address in each request, which a proxy in front may change.
	PublicURL string

	// OperatorDomain is the id of the domain whose administrators may change what every tenant
	// shares (advisories); "" = administrators of any domain.
	OperatorDomain string
}

// DefaultConfig allows bodies of 12 MB, as the vendor's gateway does, and feeds of 2 GiB.
func DefaultConfig() Config {
	return Config{
		Version: "dev",
		Log:     slog.Default(),
		Now:     time.Now,
		MaxBody: 12 << 20,
		MaxFeed: 2 << 30,
		Stall:   60 * time.Second,
	}
}

// Callers identifies callers.
type Callers interface {
	// Token returns the holder of a token. For an expired one it returns an error and the token, whose ExpiresAt is set.
	Token(ctx context.Context, secret string) (plimsoll.Token, plimsoll.Principal, error)

	// Verify checks the signature of a request as it came, with its raw query, over body.
	Verify(r *http.Request, body []byte) (plimsoll.Principal, error)

	// ForProject narrows a principal to a project; an empty id means the only one that the user has a grant in.
	// Forbidden for a project in which the user has no grant, or that does not exist.
	ForProject(ctx context.Context, p plimsoll.Principal, projectID string) (plimsoll.Principal, error)
}

// ProjectLister lists the projects of a domain.
type ProjectLister interface {
	Projects(ctx context.Context, domainID string) ([]plimsoll.Project, error)
}
