package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lookupEvery is how often names are looked up again while load runs, and how long that may take.
const lookupEvery = 5 * time.Second

// lookup is how names are resolved, as net.Resolver.LookupNetIP does it.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// addresses are what a target's name stands for. Load balancers that scale change them, so they are looked up again while load
// runs; connections are spread over all of them. Nil is a target whose host is dialed as it is.
type addresses struct {
	host   string
	lookup lookup
	asking chan struct{} // held by who looks up for the first time
	epoch  atomic.Uint64 // counts the changes of list

	mu       sync.Mutex
	list     []netip.Addr // sorted; nil before the first answer
	users    map[netip.Addr]int
	open     int   // sum of users
	moving   int   // that have left one and not taken another yet
	links    int   // how many there can be at most
	asked    int   // how often a first answer was asked for
	err      error // why there was none
	repeated int64 // later lookups
	failed   int64 // of those
	failure  error // the last
}

func newAddresses(host string, links int, l lookup) *addresses {
	return &addresses{host: host, lookup: l, links: links, asking: make(chan struct{}, 1), users: map[netip.Addr]int{}}
}

// seat is the address that a connection has taken. The zero value has none.
type seat struct {
	number int // of the link, from 0
	opened int // how many connections it has opened
	addr   netip.Addr
	epoch  uint64
	moved  bool // it left because the list changed
}

// first makes sure that there is a list. Those who come while another asks share its answer.
func (a *addresses) first(ctx context.Context) error {
	a.mu.Lock()
	asked, known := a.asked, a.list != nil
	a.mu.Unlock()
	if known {
		return nil
	}
	select {
	case a.asking <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("looking up %s: %w", a.host, ctx.Err())
	}
	defer func() { <-a.asking }()
	a.mu.Lock()
	known, err := a.list != nil, a.err
	shared := a.asked != asked
	a.mu.Unlock()
	switch {
	case known:
		return nil
	case shared:
		return err
	}
	list, err := a.ask(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	a.list, a.err = list, err
	return err
}

// ask resolves the name once.
func (a *addresses) ask(ctx context.Context) ([]netip.Addr, error) {
	list, err := a.lookup(ctx, "ip", a.host)
	if err == nil && len(list) == 0 {
		err = errors.New("the name has no address")
	}
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", a.host, err)
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list), nil
}

// again resolves the name once more, if it was before. If that fails, what was known stays.
func (a *addresses) again(ctx context.Context) {
	a.mu.Lock()
	known := a.list != nil
	a.mu.Unlock()
	if !known {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, lookupEvery)
	defer cancel()
	list, err := a.ask(bounded)
	if ctx.Err() != nil {
		return // the load is over, which says nothing of the name
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.repeated++
	switch {
	case err != nil:
		a.failed++
		a.failure = err
	case !slices.Equal(list, a.list):
		a.list = list
		a.epoch.Add(1)
	}
}

// take gives s an address, and all that may be tried for it, best first. The share of each is about the same: link by link they
// go round the list, and what has left another goes to the one with the fewest.
func (a *addresses) take(s *seat) []netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free(s)
	n := len(a.list)
	turn := (s.number + s.opened) % n
	at := turn
	if room := (a.links + n - 1) / n; s.moved || a.users[a.list[at]] >= room {
		for i := range a.list {
			if j := (turn + i) % n; a.users[a.list[j]] < a.users[a.list[at]] {
				at = j
			}
		}
	}
	if s.moved {
		s.moved = false
		a.moving--
	}
	s.opened++
	a.sit(s, a.list[at])
	return slices.Concat(a.list[at:], a.list[:at])
}

// settle notes that s has come to be connected to another address than it took.
func (a *addresses) settle(s *seat, addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free(s)
	a.sit(s, addr)
}

// leave gives up the address of s.
func (a *addresses) leave(s *seat) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.free(s)
}

// sit and free are called with the lock held.
func (a *addresses) sit(s *seat, addr netip.Addr) {
	s.addr, s.epoch = addr, a.epoch.Load()
	a.users[addr]++
	a.open++
}

func (a *addresses) free(s *seat) {
	if !s.addr.IsValid() {
		return
	}
	if a.users[s.addr]--; a.users[s.addr] == 0 {
		delete(a.users, s.addr)
	}
	a.open--
	s.addr = netip.Addr{}
}

// keeps says whether the connection of s may stay where it is. If its address has gone, or others have too few, it may not.
func (a *addresses) keeps(s *seat) bool {
	if a == nil || !s.addr.IsValid() || s.epoch == a.epoch.Load() {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if share := (a.open + a.moving + len(a.list) - 1) / len(a.list); slices.Contains(a.list, s.addr) && a.users[s.addr] <= share {
		s.epoch = a.epoch.Load()
		return true
	}
	a.free(s)
	s.moved = true
	a.moving++
	return false
}

// trouble says in a sentence what went wrong with later lookups; empty if nothing did.
func (a *addresses) trouble() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d lookups of %s while load ran failed, the addresses known before were kept: %v",
		a.failed, a.repeated, a.host, a.failure)
}
