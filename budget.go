package plimsoll

import "time"

// Budget bounds what a scan reads. Over budget is an error with its own code,
// never a silent cut. Zero fields are not allowed; start from DefaultBudget.
type Budget struct {
	LayerEntries  int           // entries of one layer's archive
	ImageUnpacked int64         // decompressed bytes of all layers of an image
	Ratio         int64         // decompressed to compressed, beyond RatioGrace
	RatioGrace    int64         // decompressed bytes of a layer before the ratio counts
	PathBytes     int           // length of a path
	PathDepth     int           // segments of a path
	LinkChain     int           // symbolic links followed for one path
	WantedFile    int64         // bytes of a file that an analyzer reads
	ManifestBytes int64         // a manifest or index
	ConfigBytes   int64         // an image config
	HistoryLines  int           // history lines of an image config
	Layers        int           // layers of an image
	Stall         time.Duration // without a byte from the source
}

// DefaultBudget is generous: no ordinary image of 2 GB meets any of it.
func DefaultBudget() Budget {
	return Budget{
		LayerEntries:  2_000_000,
		ImageUnpacked: 40 << 30,
		Ratio:         200,
		RatioGrace:    1 << 30,
		PathBytes:     4096,
		PathDepth:     256,
		LinkChain:     40,
		WantedFile:    256 << 20,
		ManifestBytes: 4 << 20,
		ConfigBytes:   8 << 20,
		HistoryLines:  10_000,
		Layers:        10_000,
		Stall:         60 * time.Second,
	}
}
