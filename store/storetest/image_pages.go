package storetest

import (
	"context"
	"slices"
	"testing"

	"plimsoll"
	"plimsoll/store"
)

// imageCursors reads lists page by page with cursors: the pages together are the list.
func imageCursors(t *testing.T, s *store.Store, clock *Clock) {
	ctx := context.Background()
	fill(t, s, clock)
	for name, f := range map[string]plimsoll.ImageFilter{
		"all": {ProjectID: "p1"}, "filtered": {ProjectID: "p1", Namespace: "team3", LatestOnly: true}, "none": {ProjectID: "p9"},
	} {
		want := ids(walk(t, s, f, 200), every)
		for _, limit := range []int{7, 200, max(1, min(len(want), 200))} {
			got, f := []int64{}, f
			f.Limit = limit
			for {
				page, err := s.Images(ctx, f)
				same(t, page.Total, len(want), err)
				got = append(got, ids(page.Items, every)...)
				if f.After = page.Next; f.After == "" {
					break
				}
				if len(page.Items) != limit {
					t.Fatalf("%s: a page of %d rows is followed by another", name, len(page.Items))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s in pages of %d: %d rows, want %d", name, limit, len(got), len(want))
			}
		}
	}
	for _, bad := range []string{"x", "MQ", "MS4x=", "MS4xLg", " "} {
		_, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", After: bad})
		isCode(t, err, plimsoll.Invalid)
	}
	first, err := s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", Limit: 1})
	same(t, len(first.Items), 1, err)
	_, err = s.Images(ctx, plimsoll.ImageFilter{ProjectID: "p1", After: first.Next, Offset: 1})
	isCode(t, err, plimsoll.Invalid)
}
