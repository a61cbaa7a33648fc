package layer

import (
	"errors"

	"plimsoll"
)

// One error per limit. Each is wrapped in a plimsoll.Failure: FailureOversized for a budget,
// FailureLayer for bytes that are not a layer, FailureDownload for bytes that are incomplete.
var (
	ErrEntries   = errors.New("too many entries")
	ErrUnpacked  = errors.New("too many unpacked bytes")
	ErrRatio     = errors.New("compression ratio too high")
	ErrPath      = errors.New("path too long")
	ErrPaths     = errors.New("paths too long taken together")
	ErrDepth     = errors.New("path too deep")
	ErrHeader    = errors.New("archive header too large")
	ErrWindow    = errors.New("compression window too large")
	ErrDotDot    = errors.New("path with a parent segment")
	ErrNUL       = errors.New("path with a NUL byte")
	ErrArchive   = errors.New("not a valid layer archive")
	ErrEncrypted = errors.New("layer is encrypted")
	ErrTruncated = errors.New("layer is cut short")
	ErrSize      = errors.New("blob is longer than its descriptor says")
	ErrLinks     = errors.New("too many symbolic links in a path")
)

// budgetErrorf reports that a budget is exceeded.
func budgetErrorf(what error, format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, format+": %w", append(args, what)...))
}

// invalidErrorf reports that a blob is not a layer.
func invalidErrorf(what error, format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureLayer, plimsoll.Errorf(plimsoll.Invalid, format+": %w", append(args, what)...))
}

// truncatedErrorf reports that not all bytes of a blob arrived.
func truncatedErrorf(what error, format string, args ...any) error {
	return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable, format+": %w", append(args, what)...))
}
