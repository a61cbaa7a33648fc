package scan

import (
	"context"
	"sync"

	"plimsoll"
)

// flights are the layers that scans of this process are reading. A scan that needs one of
// them waits for it: images that are scanned at the same time share base layers, and a blob is read once.
type flights struct {
	mu   sync.Mutex
	open map[flightKey]*flight
}

// flightKey identifies a flight: a project's blob, its claimed diff ID, and the versions of the analyzers.
type flightKey struct {
	project      string
	blob, diffID plimsoll.Digest
	analyzers    string
}

type flight struct {
	done    chan struct{}
	reports []plimsoll.LayerReport
	err     error
}

// do reads a layer by f, or waits for another scan that reads it. If that scan fails, this one tries
// itself: the other's budget or deadline is not this one's.
func (s *flights) do(ctx context.Context, key flightKey, f func() ([]plimsoll.LayerReport, error)) ([]plimsoll.LayerReport, error) {
	for {
		mine, other := s.join(key)
		if other == nil {
			return s.read(key, mine, f)
		}
		select {
		case <-other.done:
			if other.err == nil {
				return other.reports, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// join returns the open flight of the key as other, or a new one as mine.
func (s *flights) join(key flightKey) (mine, other *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other = s.open[key]; other != nil {
		return nil, other
	}
	if s.open == nil {
		s.open = map[flightKey]*flight{}
	}
	mine = &flight{done: make(chan struct{}), err: errAbandoned}
	s.open[key] = mine
	return mine, nil
}

// errAbandoned is the error of a flight whose scan ended in a panic.
var errAbandoned = plimsoll.Errorf(plimsoll.Internal, "the scan that read this layer was abandoned")

// read runs f for a flight, and closes it.
func (s *flights) read(key flightKey, mine *flight, f func() ([]plimsoll.LayerReport, error)) ([]plimsoll.LayerReport, error) {
	defer func() {
		s.mu.Lock()
		delete(s.open, key)
		s.mu.Unlock()
		close(mine.done)
	}()
	mine.reports, mine.err = f()
	return mine.reports, mine.err
}
