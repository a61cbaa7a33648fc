package app

import (
	"context"

	"plimsoll"
	"plimsoll/store"
)

// Scans asks for scans of stored images.
type Scans struct {
	store *store.Store
	tasks *Tasks
}

// ScanImages asks for a scan of every image of refs within f, or, without refs, of every image that f selects.
func (s *Scans) ScanImages(ctx context.Context, by string, p plimsoll.Priority, f plimsoll.ImageFilter, refs []plimsoll.ImageRef) (plimsoll.Task, error) {
	defer s.tasks.wakeQueue()
	return s.store.ScanImages(ctx, by, p, f, refs)
}
