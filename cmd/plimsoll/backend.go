package main

import (
	"context"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/client"
)

// backend does what commands ask, on the data directory of this machine or through a
// running server.
type backend interface {
	Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error)

	// An image is named by its record id, or the hex digits of its manifest digest.
	ImageHistory(ctx context.Context, image string, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error)
	ImageFindingsAt(ctx context.Context, image string, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error)

	Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error)

	Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error)
	AddDecision(ctx context.Context, d plimsoll.Decision) (plimsoll.Decision, error)
	RemoveDecision(ctx context.Context, id int64) error
	ImportVEX(ctx context.Context, document []byte) (plimsoll.DocumentImport, error)
	// ExportVEX writes OpenVEX, of the image with a record id, "" for every decision.
	ExportVEX(ctx context.Context, image string) ([]byte, error)

	Registries(ctx context.Context) ([]plimsoll.Registry, error)
	AddRegistry(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error)
	RemoveRegistry(ctx context.Context, name string) error
	// Sync asks for a sync of a registry and returns when it and the scans that follow
	// from it are done. The task's Failed counts the scans' failures too.
	Sync(ctx context.Context, registry string, watch func(plimsoll.Task)) (plimsoll.Task, error)

	AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error)
	ImportAdvisories(ctx context.Context, path, feed string, trust app.Trust, watch func(records int)) (plimsoll.ImportOutcome, error)

	Users(ctx context.Context) ([]plimsoll.User, error)
	AddUser(ctx context.Context, name, password string, grants []plimsoll.Grant) (plimsoll.User, error)
	SetPassword(ctx context.Context, name, password string) error
	RemoveUser(ctx context.Context, name string) error

	// A user "" is the caller; on a data directory, the first administrator.
	Keys(ctx context.Context, user string) ([]plimsoll.AccessKey, error)
	CreateKey(ctx context.Context, user, description string) (access, secret string, err error)
	RevokeKey(ctx context.Context, user, access string) error

	Close() error
}

// openBackend opens the server at --endpoint if it is set, else the data directory.
func (a *application) openBackend(ctx context.Context) (backend, error) {
	if a.endpoint != "" {
		return a.openRemote(ctx)
	}
	return a.openLocal(ctx)
}

// withBackend calls f with a backend, and closes it.
func (a *application) withBackend(ctx context.Context, f func(backend) error) error {
	b, err := a.openBackend(ctx)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // f's error matters more
	return f(b)
}

// onBackend makes the function of a command that works on a backend.
func (a *application) onBackend(f func(ctx context.Context, b backend, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return a.withBackend(cmd.Context(), func(b backend) error { return f(cmd.Context(), b, args) })
	}
}

// remoteBackend is a running server.
type remoteBackend struct{ *client.Client }

// openRemote signs in at the endpoint: with PLIMSOLL_TOKEN, else with PLIMSOLL_USER and
// PLIMSOLL_PASSWORD. The project is --project, else PLIMSOLL_PROJECT_ID, else the token's.
func (a *application) openRemote(ctx context.Context) (backend, error) {
	roots, err := a.config().Roots()
	if err != nil {
		return nil, err
	}
	config := client.Config{Endpoint: a.endpoint, Project: a.project, EnterpriseProject: a.enterpriseProject, RootCAs: roots}
	c, err := client.New(ctx, config.FromEnvironment(a.env))
	if err != nil {
		return nil, err
	}
	return remoteBackend{c}, nil
}

// ImportAdvisories uploads a zip, a folder or a bundle.
func (r remoteBackend) ImportAdvisories(ctx context.Context, path, feed string, trust app.Trust, _ func(int)) (plimsoll.ImportOutcome, error) {
	if trust.Unsigned || len(trust.Keys) > 0 {
		return plimsoll.ImportOutcome{}, plimsoll.Errorf(plimsoll.Invalid, "which bundles are trusted is for the server to say").
			WithHint("start it with --verify-key")
	}
	if feed == "" {
		feed = app.FeedName(path)
	}
	return r.UploadAdvisories(ctx, feed, path)
}
