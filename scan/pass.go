package scan

import (
	"context"
	"io"
	"sync/atomic"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// PassRequest describes one pass over a blob.
type PassRequest struct {
	MediaType      string
	CompressedSize int64 // bytes, of the descriptor; 0 = unknown
	Analyzers      []analyze.Analyzer
	Budget         plimsoll.Budget
	Unpacked       *atomic.Int64 // bytes, shared by the layers of an image; nil = this layer alone

	// Aliases is nil on the first read of a blob and PassResult.NeedAliases on the second.
	Aliases []string
}

// PassResult is the result of one pass.
type PassResult struct {
	layer.Sums

	// Reports are in the order of the analyzers, with the diff ID set.
	Reports []plimsoll.LayerReport

	// NeedAliases, if not empty, requests a second read of the blob with these as Aliases: a hard
	// link whose content is wanted points to a file that came earlier. The reports of this pass
	// are then incomplete. A second read requests none.
	NeedAliases []string
}

// Pass reads a blob once, from bytes to reports. It uses only its reader and unlinked temporary
// files, so it can run in a confined process. The caller compares the sums with the manifest
// and the config.
func Pass(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
	set, err := analyze.NewSet(req.Analyzers)
	if err != nil {
		return PassResult{}, err
	}
	return PassWith(set)(ctx, r, req)
}

// PassWith returns Pass for prepared analyzers; those of the request are ignored.
func PassWith(set *analyze.Set) func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
	return func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
		return passLayer(ctx, r, set, req)
	}
}

func passLayer(ctx context.Context, r io.Reader, set *analyze.Set, req PassRequest) (PassResult, error) {
	if len(req.Aliases) > 0 {
		req.Unpacked = nil // the first read counted these bytes
	}
	run := set.Run(ctx, req.Budget, req.Aliases)
	defer run.Close()
	sums, err := layer.Read(ctx, r, layer.Options{
		MediaType: req.MediaType, CompressedSize: req.CompressedSize, Budget: req.Budget, Unpacked: req.Unpacked,
	}, run.Visit)
	if err != nil {
		return PassResult{}, err
	}
	reports, aliases := run.Reports()
	for i := range reports {
		reports[i].DiffID = sums.DiffID
		if tree := reports[i].Tree; tree != nil {
			tree.Unpacked = sums.Unpacked
		}
	}
	return PassResult{Sums: sums, Reports: reports, NeedAliases: aliases}, nil
}
