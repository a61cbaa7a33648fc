package images_test

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"plimsoll/store/storetest"
)

// BenchmarkImages times a page of every list shape, with its count, over 10,000 images
// of one project, or PLIMSOLL_BENCH_IMAGES.
func BenchmarkImages(b *testing.B) {
	images := 10_000
	if n, err := strconv.Atoi(os.Getenv("PLIMSOLL_BENCH_IMAGES")); err == nil {
		images = n
	}
	s := openInventory(b)
	clock := storetest.UseClock(s)
	const tags = 10
	began := time.Now()
	sample := storetest.Fill(b, s, clock, images/tags*6/5, tags)
	b.Logf("%d images stored in %v", images*6/5, time.Since(began).Round(time.Millisecond))
	for _, shape := range shapes(sample) {
		b.Run(shape.name, func(b *testing.B) {
			var took []time.Duration
			total := 0
			for b.Loop() {
				began := time.Now()
				page, err := s.Images(b.Context(), shape.filter)
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
				total = page.Total
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(total), "images")
		})
	}
}
