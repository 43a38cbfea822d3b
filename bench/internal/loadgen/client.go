package loadgen

import (
	"context"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/crossover-bench/crossover/bench/internal/recorder"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// link is what one worker sends its requests on, one at a time: a connection of its own, or a stream of a shared one. It is
// used by one goroutine; close may be called by another.
type link interface {
	// ready says whether a request can be sent without opening anything first.
	ready() bool
	// prepare opens ahead of time what is kept from one request to the next.
	prepare(ctx context.Context) (opened, *failure)
	// open makes sure that a request can be sent, and says how long that took; opened is zero if there was nothing to do.
	open(ctx context.Context) (opened, *failure)
	// send puts m on the wire and reads the whole answer into answer, which is valid until the next send. start is just before
	// the first byte is written, took ends just after the last byte of the answer was read.
	send(m *message) (start time.Time, took time.Duration, _ *failure)
	answer() *fasthttp.Response
	// close ends it for good; a request in flight fails at once.
	close()
}

// opened says how long opening a connection took, and which part of that the TLS handshake did; 0 without TLS.
type opened struct {
	took, handshake time.Duration
}

// client drives one target: it holds the links of all workers, which live as long as the run.
type client struct {
	scenario *scenario.Scenario
	route    *route
	signer   *signer // nil if requests are not signed
	requests []request
	links    []link
	counter  atomic.Uint64 // iterations so far
}

func newClient(t Target, s *scenario.Scenario, o *Options) (*client, error) {
	base, err := url.Parse(t.URL)
	if err != nil {
		return nil, err
	}
	c := &client{scenario: s}
	if c.route, err = newRoute(base, s, o); err != nil {
		return nil, err
	}
	if t.Sign != nil {
		if c.signer, err = newSigner(t.Sign, s.Steps); err != nil {
			return nil, err
		}
	}
	c.requests = newRequests(base, s, c.signer)
	if s.Protocol == scenario.HTTP2 {
		c.links = newStreams(c.route, s.InFlight())
		return c, nil
	}
	for i := range s.InFlight() {
		c.links = append(c.links, newConn(c.route, i))
	}
	return c, nil
}

// close ends all connections, and with them what is in flight.
func (c *client) close() {
	for _, l := range c.links {
		l.close()
	}
}

// connections is how many the client holds at most.
func (c *client) connections() int {
	if c.scenario.Protocol == scenario.HTTP2 {
		return h2Connections(len(c.links), c.route.fresh)
	}
	return len(c.links)
}

// worker i of the client's.
func (c *client) worker(i int, r *recorder.Worker, stop *stop) *worker {
	return &worker{
		number: i, client: c, link: c.links[i], record: r, stop: stop,
		messages: make([]message, len(c.requests)), variables: c.scenario.NewVariables(),
	}
}
