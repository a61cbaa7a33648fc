package advisories

import (
	"sync"

	"plimsoll"
)

// evidenceCache keeps the parts of keys at one revision: package sets share most of theirs.
type evidenceCache struct {
	mu       sync.Mutex
	revision plimsoll.Revision
	parts    map[plimsoll.AdvisoryKey][]evidencePart
	size     int
}

// maxCached bounds the cache, in parts; one takes about 2 KB.
const maxCached = 32_768

func (c *evidenceCache) get(at plimsoll.Revision, keys []plimsoll.AdvisoryKey) (found []evidencePart, missing []plimsoll.AdvisoryKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		parts, ok := c.parts[k]
		if !ok || c.revision != at {
			missing = append(missing, k)
			continue
		}
		found = append(found, parts...)
	}
	return found, missing
}

// put keeps the parts of the names, also that a name has none. A full cache is emptied first.
func (c *evidenceCache) put(at plimsoll.Revision, ecosystem string, names []string, read []evidencePart) {
	if len(read)+len(names) > maxCached {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revision != at || c.size+len(read)+len(names) > maxCached || c.parts == nil {
		c.revision, c.size, c.parts = at, 0, map[plimsoll.AdvisoryKey][]evidencePart{}
	}
	byName := map[string][]evidencePart{}
	for _, p := range read {
		byName[p.key.Name] = append(byName[p.key.Name], p)
	}
	for _, name := range names {
		c.parts[plimsoll.AdvisoryKey{Ecosystem: ecosystem, Name: name}] = byName[name]
	}
	c.size += len(read) + len(names)
}
