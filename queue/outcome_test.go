package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"plimsoll"
)

func TestRetryWithBackOff(t *testing.T) {
	attempts := make(chan int)
	r := newTestQueue(t, openStore(t), 2, func(_ context.Context, w plimsoll.Work) error {
		attempts <- w.Attempts
		return plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Throttled, "fetch a\x1b[2Jblob: asked too often"))
	})
	r.start()
	task := r.task("p", plimsoll.PriorityBulk, "a")
	for want := 1; want <= maxAttempts; want++ {
		if got := <-attempts; got != want {
			t.Fatalf("attempt %d, want %d", got, want)
		}
		if want == maxAttempts {
			break
		}
		r.waitForState("a", plimsoll.WorkPending)
		r.advance(firstWait<<(want-1)/2 - time.Millisecond)
		early, err := r.store.Claim(t.Context(), 1, r.clock().Add(time.Hour))
		if err != nil || len(early) != 0 {
			t.Fatalf("claimed %v before its time, %v", early, err)
		}
		r.advance(firstWait << (want - 1))
		r.Wake()
	}
	r.wantFinished(task, 0, 1)
	state, failure, text := r.outcome("a")
	if state != plimsoll.WorkFailed || failure != plimsoll.FailureDownload || text != "fetch a [2Jblob: asked too often" {
		t.Fatalf("unit is %s, %s, %q", state, failure, text)
	}
}

// waitForState waits until the unit is in a state.
func (r *testQueue) waitForState(key string, want plimsoll.WorkState) {
	r.t.Helper()
	for {
		changed := r.changed.wait()
		if state, _, _ := r.outcome(key); state == want {
			return
		}
		select {
		case <-changed:
		case <-r.t.Context().Done():
			r.t.Fatal("the test ended first")
		}
	}
}

func TestBackOffGrows(t *testing.T) {
	for attempt := 1; attempt < maxAttempts; attempt++ {
		base := firstWait << (attempt - 1)
		for range 100 {
			if d := backOff(attempt); d < base/2 || d >= base*3/2 {
				t.Fatalf("wait %v after attempt %d, want about %v", d, attempt, base)
			}
		}
	}
}

func TestIsTemporary(t *testing.T) {
	for _, x := range []struct {
		err  error
		want bool
	}{
		{plimsoll.Errorf(plimsoll.Unavailable, "away"), true},
		{plimsoll.Fail(plimsoll.FailureEngine, errors.New("malware: a.sh: nobody answers")), true},
		{plimsoll.Fail(plimsoll.FailureDatabase, errors.New("locked")), true},
		{plimsoll.Fail(plimsoll.FailureMalware, errors.New("a parser fell over")), false},
		{plimsoll.Errorf(plimsoll.Invalid, "nonsense"), false},
	} {
		if got := isTemporary(x.err); got != x.want {
			t.Errorf("%v: %v", x.err, got)
		}
	}
}

func TestFinalFailures(t *testing.T) {
	r := newTestQueue(t, openStore(t), 2, func(_ context.Context, w plimsoll.Work) error {
		switch w.Key {
		case "panic":
			panic("out of cheese")
		case "layer":
			return plimsoll.Fail(plimsoll.FailureLayer, errors.New("not an archive"))
		}
		return nil
	})
	r.start()
	r.wantFinished(r.task("p", plimsoll.PriorityBulk, "panic", "layer", "fine"), 1, 2)
	for key, want := range map[string]plimsoll.FailureCode{
		"panic": plimsoll.FailureUnknown, "layer": plimsoll.FailureLayer, "fine": "",
	} {
		if _, failure, _ := r.outcome(key); failure != want {
			t.Errorf("%s failed with %q, want %q", key, failure, want)
		}
	}
	task := plimsoll.Task{Tenant: plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, Kind: plimsoll.WorkSync, By: "ann"}
	if err := r.store.CreateTask(t.Context(), &task, []plimsoll.Work{{Kind: plimsoll.WorkSync, Key: "1"}}); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	r.wantFinished(task, 0, 1)
}

// TestSecondDeathIsFinal has an analysis that dies, with a failure of the network between:
// only deaths count, and they survive the queue that saw them.
func TestSecondDeathIsFinal(t *testing.T) {
	s := openStore(t)
	dead := plimsoll.Fail(plimsoll.FailureTimeout, plimsoll.Errorf(plimsoll.Internal, "%w: for a test", plimsoll.ErrDied))
	outcomes := []error{dead, plimsoll.Errorf(plimsoll.Unavailable, "the network is away"), dead}
	var deaths []int
	tried := make(chan struct{}, len(outcomes))
	work := func(_ context.Context, w plimsoll.Work) error {
		deaths = append(deaths, w.Deaths)
		tried <- struct{}{}
		return outcomes[len(deaths)-1]
	}
	var task plimsoll.Task
	for i := range outcomes {
		r := newTestQueue(t, s, 1, work)
		r.advance(time.Duration(i) * time.Hour)
		stop := r.start()
		if i == 0 {
			task = r.task("p", plimsoll.PriorityBulk, "a")
		}
		r.Wake()
		<-tried
		stop()
		if i == len(outcomes)-1 {
			r.wantFinished(task, 0, 1)
			if _, failure, detail := r.outcome("a"); failure != plimsoll.FailureTimeout || detail != dead.Error() {
				t.Errorf("%s %q", failure, detail)
			}
		}
	}
	if len(deaths) != 3 || deaths[0] != 0 || deaths[1] != 1 || deaths[2] != 1 {
		t.Errorf("deaths before each attempt %v, want 0, 1, 1", deaths)
	}
}
