package scan

import (
	"encoding/json"

	"plimsoll"
)

// Sealer seals what only this installation may read.
type Sealer interface {
	Seal(plain, ad []byte) []byte
}

// hashMessage is an AccountHash on its way to its sealing: out of the process that read it, and
// inside the sealed value. It has no other use.
type hashMessage struct {
	Path    string `json:"path"`
	User    string `json:"user"`
	Hash    string `json:"hash"`
	Changed int64  `json:"changed,omitempty"`
}

func hashMessages(hashes []plimsoll.AccountHash) []hashMessage {
	var out []hashMessage
	for _, h := range hashes {
		out = append(out, hashMessage{h.Path, h.User, string(h.Hash), h.Changed})
	}
	return out
}

// accountHashes takes what has the bounds of AccountHash, and no more than maxLayerHashes.
func accountHashes(messages []hashMessage) ([]plimsoll.AccountHash, bool) {
	var out []plimsoll.AccountHash
	for _, m := range messages {
		if len(out) == maxLayerHashes || len(m.Hash) > plimsoll.MaxAccountHash || len(m.User) > maxHashUser || len(m.Path) > maxHashUser {
			return nil, false
		}
		out = append(out, plimsoll.AccountHash{Path: m.Path, User: m.User, Hash: plimsoll.Hidden(m.Hash), Changed: m.Changed})
	}
	return out, true
}

const (
	maxLayerHashes = 2 * plimsoll.MaxAccountHashes // of passwd and shadow
	maxHashUser    = 4096                          // bytes, of a line
)

// sealHashes seals the hashes of a layer, and clears them; without a sealer, they are dropped.
func (s *Inspector) sealHashes(reports []plimsoll.LayerReport) error {
	for i := range reports {
		r := &reports[i]
		if s.Sealer != nil && len(r.Hashes) > 0 {
			plain, err := json.Marshal(hashMessages(r.Hashes))
			if err != nil {
				return err
			}
			r.SealedHashes = s.Sealer.Seal(plain, plimsoll.LayerHashesSealedFor(r.DiffID))
		}
		r.Hashes = nil
	}
	return nil
}

// readHashes reads what sealHashes sealed.
func readHashes(plain []byte) ([]plimsoll.AccountHash, error) {
	var messages []hashMessage
	if err := json.Unmarshal(plain, &messages); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "the sealed hashes of a layer are not readable") // the cause could quote one
	}
	hashes, ok := accountHashes(messages)
	if !ok {
		return nil, plimsoll.Errorf(plimsoll.Internal, "the sealed hashes of a layer are over their bounds")
	}
	return hashes, nil
}
