package analyze

import (
	"plimsoll"
	"plimsoll/layer"
)

// Kind is a kind of finding: it turns what its analyzer reports about single layers into a part of
// the record of an image. Kinds are stateless and used by several scans at once.
//
// A kind whose findings have the form of plimsoll.FileFinding needs no type of its own: see FileFindings.
type Kind interface {
	layer.Kind

	// Name is the name of the analyzer. A failure of that analyzer makes the kind's part incomplete.
	Name() string

	// Fold adds what is found in the image to the record. It returns the visible files that the kind
	// needs and that no report describes; each makes the part incomplete.
	//
	// Kinds are folded in the order of their list: one may read what an earlier one added.
	Fold(in FoldInput, record *plimsoll.ScanRecord) (unread []plimsoll.FileFailure)

	// Withhold removes from the record of an incomplete scan what must not replace the last good
	// result. A part that is nil keeps what was last stored.
	Withhold(record *plimsoll.ScanRecord)
}

// Fold applies the layers of an image for kinds, see layer.Fold.
func Fold(layers [][]plimsoll.LayerReport, budget plimsoll.Budget, kinds []Kind) (*layer.View, error) {
	list := make([]layer.Kind, len(kinds))
	for i, k := range kinds {
		list[i] = k
	}
	return layer.Fold(layers, budget, list)
}

// FoldInput is what kinds read.
type FoldInput struct {
	*layer.View
	Config *plimsoll.ImageConfig // nil = not read

	// ConfigReports are the reports of every ConfigAnalyzer about the image's config.
	ConfigReports []plimsoll.LayerReport
}

// FailuresOf returns the visible failures of an analyzer in layers: those of whole layers, and
// those of files.
func (in FoldInput) FailuresOf(analyzer string) (layers, files []plimsoll.FileFailure) {
	return failuresOf(in.LayerFailures(), analyzer), failuresOf(in.FileFailures(), analyzer)
}

func failuresOf(list []layer.Failure, analyzer string) []plimsoll.FileFailure {
	var out []plimsoll.FileFailure
	for _, f := range list {
		if f.Analyzer == analyzer {
			out = append(out, f.FileFailure)
		}
	}
	return out
}

// FileFinder finds visible files that a kind needs, and collects those that could not be read.
type FileFinder struct {
	View   *layer.View
	Code   plimsoll.FailureCode // of unread files
	Unread []plimsoll.FileFailure
}

// Find returns the regular file at a path, or nil. A path that leads in circles is unread.
func (f *FileFinder) Find(path string) *layer.Node {
	n, err := f.View.Resolve(path)
	if err != nil {
		f.Unread = append(f.Unread, plimsoll.FileFailure{Path: path, Code: f.Code, Detail: err.Error()})
		return nil
	}
	if n == nil || !n.IsFile() {
		return nil
	}
	return n
}

// AddUnread adds a file that no report describes, unless an analyzer reported why.
func (f *FileFinder) AddUnread(n *layer.Node) {
	if !f.View.Failed(n) {
		f.Unread = append(f.Unread, plimsoll.FileFailure{Path: f.View.Path(n), Code: f.Code, Detail: "no analyzer read this file"})
	}
}
