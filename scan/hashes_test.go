package scan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline"
)

func hashesOf(n, length int) []plimsoll.AccountHash {
	out := make([]plimsoll.AccountHash, n)
	for i := range out {
		out[i] = plimsoll.AccountHash{Path: "etc/shadow", User: fmt.Sprint("user", i), Hash: plimsoll.Hidden(strings.Repeat("x", length)), Changed: 1}
	}
	return out
}

// answerOf is what a child would send about a layer with these hashes.
func answerOf(t testing.TB, hashes []plimsoll.AccountHash) []byte {
	t.Helper()
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer packer.Close()
	result := PassResult{Reports: []plimsoll.LayerReport{{Analyzer: baseline.New().ID(), DiffID: plimsoll.DigestOf(nil), Hashes: hashes}}}
	result.DiffID = plimsoll.DigestOf(nil)
	raw, err := encodePass(result, packer)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(raw)
}

// TestHashesOfAnAnswer: hashes come through a pass as they are, and over a bound not at all.
func TestHashesOfAnAnswer(t *testing.T) {
	list := []analyze.Analyzer{baseline.New()}
	for _, c := range []struct {
		n, length int
		ok        bool
	}{{2, 20, true}, {maxLayerHashes, plimsoll.MaxAccountHash, true}, {maxLayerHashes + 1, 1, false}, {1, plimsoll.MaxAccountHash + 1, false}} {
		want := hashesOf(c.n, c.length)
		got, err := decodePass(answerOf(t, want), list)
		if (err == nil) != c.ok {
			t.Errorf("%d of %d bytes: %v", c.n, c.length, err)
		}
		if err == nil && fmt.Sprintf("%#v", hashMessages(got.Reports[0].Hashes)) != fmt.Sprintf("%#v", hashMessages(want)) {
			t.Errorf("%d of %d bytes changed on their way", c.n, c.length)
		}
	}
}

// FuzzDecodePass is a parent that reads the answer of a child, whatever it has become.
func FuzzDecodePass(f *testing.F) {
	f.Add(answerOf(f, nil))
	f.Add(answerOf(f, hashesOf(3, 40)))
	f.Add(answerOf(f, hashesOf(maxLayerHashes+1, 1)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		result, err := decodePass(raw, []analyze.Analyzer{baseline.New()})
		if err != nil {
			return
		}
		if len(result.Reports) != 1 || len(result.Reports[0].Hashes) > maxLayerHashes {
			t.Fatalf("%d reports", len(result.Reports))
		}
		for _, h := range result.Reports[0].Hashes {
			if len(h.Hash) > plimsoll.MaxAccountHash {
				t.Fatalf("hash of %d bytes", len(h.Hash))
			}
		}
	})
}
