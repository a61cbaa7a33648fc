package main

import (
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
)

// budgetFlags lets an operator move the bounds of a scan that real images may meet.
func (a *app) budgetFlags(cmd *cobra.Command) {
	if a.budget == (plimsoll.Budget{}) {
		a.budget = plimsoll.DefaultBudget()
	}
	f := cmd.Flags()
	f.Var((*size)(&a.budget.ImageUnpacked), "max-unpacked", "decompressed bytes of all layers of an image, e.g. 40GiB")
	f.Var((*size)(&a.budget.WantedFile), "max-file", "bytes of a file that is analysed, e.g. 256MiB")
	f.IntVar(&a.budget.LayerEntries, "max-entries", a.budget.LayerEntries, "entries of one layer")
	f.Int64Var(&a.budget.Ratio, "max-ratio", a.budget.Ratio, "decompressed to compressed bytes of a layer, beyond its first GiB")
	f.IntVar(&a.budget.Layers, "max-layers", a.budget.Layers, "layers of an image")
	f.DurationVar(&a.budget.Stall, "stall", a.budget.Stall, "give up on a source that sends no byte for so long")
}

// limits are the budget as the flags left it.
func (a *app) limits() plimsoll.Budget {
	if a.budget == (plimsoll.Budget{}) {
		return plimsoll.DefaultBudget()
	}
	return a.budget
}

// checkLimits refuses bounds that nothing could be within.
func (a *app) checkLimits() error {
	b := a.limits()
	if min(b.ImageUnpacked, b.WantedFile, int64(b.LayerEntries), b.Ratio, int64(b.Layers), int64(b.Stall)) <= 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "a bound of the scan is not above zero").
			WithHint("see --max-unpacked, --max-file, --max-entries, --max-ratio, --max-layers and --stall")
	}
	return nil
}

// size is a number of bytes with an optional unit as a flag.
type size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1}}

// Set reads "40GiB", "500MB" or a plain number of bytes.
func (s *size) Set(text string) error {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(strings.TrimSpace(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/unit.bytes {
			break
		}
		*s = size(n * unit.bytes)
		return nil
	}
	return plimsoll.Errorf(plimsoll.Invalid, "%.40q is not a size like 40GiB, 500MB or 1048576", text)
}

// String writes the largest unit that divides the size.
func (s *size) String() string {
	for _, unit := range sizeUnits[:3] {
		if *s > 0 && int64(*s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(*s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type names the value in help texts.
func (s *size) Type() string { return "size" }
