package auth

import "sync"

// maxReplays is the number of signatures kept in memory; about 5 MiB.
const maxReplays = 1 << 16

// replayCache keeps the newest valid signatures. Old ones stay until they are replaced, which
// makes no difference, because a request with an old date is refused earlier.
type replayCache struct {
	mu    sync.Mutex
	seen  map[[32]byte]bool
	order [][32]byte // a ring buffer; once it is full, next is the index of the oldest
	next  int
	size  int
}

func newReplayCache(size int) *replayCache {
	return &replayCache{seen: make(map[[32]byte]bool), size: size}
}

// addIfNew adds a signature and reports whether it was new. The access key is not part of the
// cache key, because the signature depends on the secret.
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
