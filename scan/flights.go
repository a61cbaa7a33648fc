package scan

import (
	"context"
	"sync"

	"plimsoll"
)

// flights are the layers that scans of this process are reading. A scan that needs one of
// them waits for it: images that are scanned at once share bases, and a blob is read once.
type flights struct {
	mu   sync.Mutex
	open map[flightKey]*flight
}

// flightKey is what a proof of bytes is about: one project's blob, and what it is claimed to be; and by
// which versions of analyzers it is looked at.
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

// do reads a layer by f, or waits for another scan that does. Another scan's failure is its
// own: its budget, or its deadline, is not this one's.
func (s *flights) do(ctx context.Context, key flightKey, f func() ([]plimsoll.LayerReport, error)) ([]plimsoll.LayerReport, error) {
	for {
		mine, other := s.join(key)
		if other == nil {
			return s.lead(key, mine, f)
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

// join returns the flight that is open for key, or else a new one.
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

// errAbandoned is what waiting scans see of one that ended in a panic.
var errAbandoned = plimsoll.Errorf(plimsoll.Internal, "the scan that read this layer was abandoned")

func (s *flights) lead(key flightKey, mine *flight, f func() ([]plimsoll.LayerReport, error)) ([]plimsoll.LayerReport, error) {
	defer func() {
		s.mu.Lock()
		delete(s.open, key)
		s.mu.Unlock()
		close(mine.done)
	}()
	mine.reports, mine.err = f()
	return mine.reports, mine.err
}
