package auth

import "sync"

// maxReplays bounds the signatures that are remembered; about 5 MiB.
const maxReplays = 1 << 16

// replayCache remembers the newest signatures. Only proven ones get in. That old ones stay
// until they are pushed out does no harm: their date refuses them before.
type replayCache struct {
	mu    sync.Mutex
	seen  map[[32]byte]bool
	order [][32]byte // a ring, the oldest at next once it is full
	next  int
	size  int
}

func newReplayCache(size int) *replayCache {
	return &replayCache{seen: make(map[[32]byte]bool), size: size}
}

// addIfNew reports whether a signature was not seen before. A signature depends on its secret, so it needs no key beside it.
func (c *replayCache) addIfNew(s authorizationParts) bool {
	id := [32]byte(s.signature)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[id] {
		return false
	}
	c.seen[id] = true
	if len(c.order) < c.size {
		c.order = append(c.order, id)
		return true
	}
	delete(c.seen, c.order[c.next])
	c.order[c.next] = id
	c.next = (c.next + 1) % c.size
	return true
}
