package auth

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"plimsoll"
)

// ErrLocked is wrapped by every error for too many failures. Its code is Throttled.
var ErrLocked error = &plimsoll.Error{Code: plimsoll.Throttled, Message: "too many failures from this address"}

const (
	lockFor    = 5 * time.Minute
	maxLocks   = 10_000 // counts in memory; a few MiB at most
	ipv6Prefix = 64     // bits; one customer usually has at least such a network
)

// attemptKey is the key of a count of failures.
type attemptKey struct {
	name   string
	source string
}

// lockout counts consecutive failures. It removes a count five minutes after its last failure,
// which ends a lock, and removes the oldest count when it is full. So an attacker gets a few more
// guesses at one name after ten thousand failures under other names.
type lockout struct {
	limit int // failures that lock
	now   func() time.Time

	mu     sync.Mutex
	counts map[attemptKey]*list.Element // of *count
	order  *list.List                   // oldest failure first
}

type failureCount struct {
	attemptKey
	failures int
	last     time.Time
}

func newLockout(limit int, now func() time.Time) *lockout {
	return &lockout{limit: limit, now: now, counts: make(map[attemptKey]*list.Element), order: list.New()}
}

// check refuses an attempt that is locked.
func (l *lockout) check(a attemptKey) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkLocked(a)
}

// recordOutcome counts the outcome of an attempt that was checked before. If the key was locked in
// between, the attempt is refused whatever its outcome: otherwise a thousand guesses started at
// the same time would all get an answer.
func (l *lockout) recordOutcome(a attemptKey, success bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.checkLocked(a); err != nil {
		return err
	}
	e := l.counts[a]
	switch {
	case success && e != nil:
		l.forget(e)
	case success:
	case e != nil:
		c := e.Value.(*failureCount)
		c.failures++
		c.last = l.now()
		l.order.MoveToBack(e)
	default:
		l.counts[a] = l.order.PushBack(&failureCount{attemptKey: a, failures: 1, last: l.now()})
		if l.order.Len() > maxLocks {
			l.forget(l.order.Front())
		}
	}
	return nil
}

// checkLocked removes an old count, and refuses the attempt if the count has reached the limit.
func (l *lockout) checkLocked(a attemptKey) error {
	e := l.counts[a]
	if e == nil {
		return nil
	}
	c := e.Value.(*failureCount)
	left := lockFor - l.now().Sub(c.last)
	if left <= 0 {
		l.forget(e)
		return nil
	}
	if c.failures < l.limit {
		return nil
	}
	return plimsoll.Errorf(plimsoll.Throttled, "%w", ErrLocked).
		WithHint("try again in %s", left.Round(time.Second))
}

func (l *lockout) forget(e *list.Element) {
	delete(l.counts, e.Value.(*failureCount).attemptKey)
	l.order.Remove(e)
}

// sourceOf returns the part of a client's address, with or without a port, by which failures are
// counted: the IPv4 address, or the IPv6 network.
func sourceOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		port, err := netip.ParseAddrPort(address)
		if err != nil {
			return "" // connections without an IP address count as one source
		}
		ip = port.Addr()
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(ipv6Prefix); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}
