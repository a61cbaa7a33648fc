package scan

import (
	"context"
	"io"
	"sync/atomic"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// PassRequest says what one pass over a blob is to find.
type PassRequest struct {
	MediaType      string
	CompressedSize int64 // of the descriptor; 0 = not known
	Analyzers      []analyze.Analyzer
	Budget         plimsoll.Budget
	Unpacked       *atomic.Int64 // shared by the layers of an image; nil = this layer alone

	// Aliases is nil on the first read of a blob and PassResult.NeedAliases on the second.
	Aliases []string
}

// PassResult is what one pass found.
type PassResult struct {
	layer.Sums

	// Reports are in the order of the analyzers, with the diff ID set.
	Reports []plimsoll.LayerReport

	// NeedAliases asks for one more read of the blob with these as Aliases: a hard link whose
	// content matters points to a file that had passed already. The reports of this pass are
	// then incomplete. A second read never asks again.
	NeedAliases []string
}

// Pass reads a blob once, from bytes to reports. It has no capability but its reader and
// unlinked temporary files, so it can run in a process that has none either. Whether the
// sums are those the manifest and the config promise is the caller's to compare.
func Pass(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
	set, err := analyze.NewSet(req.Analyzers)
	if err != nil {
		return PassResult{}, err
	}
	return PassWith(set)(ctx, r, req)
}

// PassWith is Pass with analyzers that were made ready before; those of the request are not looked at.
func PassWith(set *analyze.Set) func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
	return func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error) {
		return pass(ctx, r, set, req)
	}
}

func pass(ctx context.Context, r io.Reader, set *analyze.Set, req PassRequest) (PassResult, error) {
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
