package rematch_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"plimsoll"
	"plimsoll/store"
)

// watchedStore calls look between any two steps of a rematch.
type watchedStore struct {
	*store.Store
	look func(step string)
}

func (l *watchedStore) SaveChanges(ctx context.Context, r plimsoll.Rematch, c plimsoll.PackageChanges) (int, error) {
	l.look("before changes")
	n, err := l.Store.SaveChanges(ctx, r, c)
	l.look("after changes")
	return n, err
}

func (l *watchedStore) CountRematch(ctx context.Context, r plimsoll.Rematch, judgedBehind []int64) (int, error) {
	n, err := l.Store.CountRematch(ctx, r, judgedBehind)
	l.look("after counting")
	return n, err
}

func (l *watchedStore) FinishRematch(ctx context.Context, r plimsoll.Rematch) (bool, error) {
	done, err := l.Store.FinishRematch(ctx, r)
	l.look("after the end")
	return done, err
}

// TestReadersSeeOneJudgement: while advisories change again and again, readers always see a count
// and a list of the same judgement for each image.
func TestReadersSeeOneJudgement(t *testing.T) {
	s := newSite(t)
	for i := range 12 {
		s.scan(t, fmt.Sprint("image-", i), setOf(plimsoll.SetOS, packageNames[i%4], packageNames[(i+1)%4]), setOf(plimsoll.SetLanguage, packageNames[i%3]))
	}
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := s.wantConsistent(ctx, "beside"); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	looked := 0
	over := &watchedStore{Store: s.inventory, look: func(step string) {
		looked++
		if err := s.wantConsistent(t.Context(), step); err != nil {
			t.Error(err)
		}
	}}
	for i := range 8 {
		f := feed{}
		for k, name := range packageNames {
			if (i+k)%3 > 0 {
				f[name] = advisoryOf(fmt.Sprintf("CVE-2026-%04d", i%2+k), "Debian:12", name, "2")
			}
		}
		publishFeed(t, s.advisories, "feed", f)
		if err := s.rematcher(over).Work(t.Context(), plimsoll.Work{}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	readers.Wait()
	if looked < 8*4 {
		t.Fatalf("only %d looks between steps", looked)
	}
}
