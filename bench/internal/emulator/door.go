package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/http1"
)

// failure is what a front door has to say by itself.
type failure int

const (
	failNone         failure = iota
	failClosed               // the service is closing
	failRoute                // nothing is there
	failUpgrade              // another protocol is wanted
	failMethod               // the method is none that the door passes on
	failBody                 // the body broke off
	failTooLarge             // the body is over the limit of the door
	failEvent                // the event is over the limit of Lambda
	failThrottled            // no environment may be started
	failFunction             // the function failed, ended or timed out, or its answer is too large for Lambda
	failAnswer               // the answer is not what the door expects
	failAnswerTooBig         // the answer is over the limit of the door
)

// door is what makes one front door differ from the others.
type door interface {
	// admit looks at a request before its body is read.
	admit(r *http.Request) failure
	// trace makes the trace id of a request from the one that the client has sent, if any.
	trace(client string, now time.Time) string
	// event appends the event to dst.
	event(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte
	// stamp adds the door's own headers to each answer.
	stamp(h http.Header, inv *invocation)
	// answer makes HTTP of what the function has answered.
	answer(raw []byte) (httpAnswer, error)
	// fail is the answer to a failure.
	fail(f failure) httpAnswer
	// limits are the greatest body of a request and the greatest answer in bytes.
	limits() (body, answer int)
	// base is what each path at this door begins with.
	base() string
}

// throttler is a front door that tells clients why it has throttled them.
type throttler interface{ throttled(reason error) httpAnswer }

// openDoor is a front door that turns HTTP into events: the part that all have in common. It does not look at the context of
// requests, for an invocation goes on when its client has gone, as on AWS.
type openDoor struct {
	door
	name FrontDoor
	fn   *function
	port string
	// Of a front door with routes: the route that was taken, and its path parameters.
	routeKey string
	params   []field
}

// listening is a front door that listens.
type listening struct {
	name   FrontDoor
	addr   string
	base   string // what each path begins with
	server *http1.Server
	served chan struct{} // closed when it accepts no more
}

// openDoors opens all doors of the configuration, or none.
func openDoors(ctx context.Context, fn *function) ([]*listening, error) {
	var doors []*listening
	for i, name := range fn.cfg.FrontDoors {
		d, err := open(ctx, fn, name, fn.cfg.addrOf(i))
		if err != nil {
			return nil, errors.Join(err, closeDoors(doors)) //nolint:contextcheck // they close even if ctx is what went wrong
		}
		doors = append(doors, d)
	}
	return doors, nil
}

// open opens one door.
func open(ctx context.Context, fn *function, name FrontDoor, addr string) (*listening, error) {
	if name == DoorInvoke {
		return listen(ctx, name, addr, fn.cfg.Log, func(string) http.Handler { return newInvokeAPI(fn) })
	}
	d, err := newDoor(name, &fn.cfg)
	if err != nil {
		return nil, err
	}
	l, err := listen(ctx, name, addr, fn.cfg.Log, func(port string) http.Handler { return &openDoor{door: d, name: name, fn: fn, port: port} })
	if err != nil {
		return nil, err
	}
	l.base = d.base()
	return l, nil
}

// listen serves what handler makes for the port that it got.
func listen(ctx context.Context, name FrontDoor, addr string, log *slog.Logger, handler func(port string) http.Handler) (*listening, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w (port 0 takes any free one)", err)
		}
		return nil, fmt.Errorf("opening the %s: %w", name, err)
	}
	l := &listening{name: name, addr: listener.Addr().String(), served: make(chan struct{})}
	_, port, _ := net.SplitHostPort(l.addr)
	l.server = http1.New(&http.Server{
		Handler:           files().handler(handler(port)),
		ReadHeaderTimeout: 30 * time.Second,
		ReadTimeout:       60 * time.Second, // a client that sends no more of its body keeps its place no longer
		IdleTimeout:       -1,               // none, as for plain requests
		MaxHeaderBytes:    1 << 20,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	})
	listener = files().listener(listener)
	go func() {
		defer close(l.served)
		_ = l.server.Serve(listener) // ends with ErrServerClosed; there is no other way out of it
	}()
	return l, nil
}

// url is the address, without a slash at its end but with the stage, if that is part of the path.
func (l *listening) url() string {
	addr := l.addr
	if at, err := netip.ParseAddrPort(addr); err == nil && at.Addr().IsUnspecified() { // it listens at all addresses, this machine's own too
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
	}
	return "http://" + addr + l.base
}

// closeDoors closes the doors. All invocations have their outcome; what remains is to write answers to clients that may have
// stopped reading.
func closeDoors(doors []*listening) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var errs []error
	for _, d := range doors {
		if d.server.Shutdown(ctx) != nil {
			errs = append(errs, d.server.Close())
		}
		<-d.served
	}
	return errors.Join(errs...)
}

// ServeHTTP handles one request.
func (d *openDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := d.fn
	if !f.enter() {
		d.fail(failClosed).write(w, r)
		return
	}
	defer f.handlers.Done()
	inv := f.pools.newInvocation()
	defer f.pools.free(inv)
	if failed := d.prepare(inv, r); failed != failNone {
		d.complain(r.Context(), inv, failed, nil)
		d.fail(failed).write(w, r)
		return
	}
	d.stamp(w.Header(), inv)
	var s *streamWriter
	if d.name == DoorFunctionURLStream {
		s = &streamWriter{w: w, r: r}
		inv.stream = newStream(s.write)
	}
	out := f.invoke(inv) //nolint:contextcheck // an invocation outlives the request that caused it
	defer f.pools.freeBuffer(out.answer)
	if s != nil && s.begun {
		d.endStream(r, inv, out)
		return
	}
	answer, failed, err := d.judge(out)
	if failed != failNone {
		d.complain(r.Context(), inv, failed, err)
		answer = d.fail(failed)
	}
	if by, ok := d.door.(throttler); ok && failed == failThrottled {
		answer = by.throttled(out.err)
	}
	answer.write(w, r)
}

// judge makes an answer of an outcome, or a failure and the reason for it.
func (d *openDoor) judge(out outcome) (answer httpAnswer, failed failure, err error) {
	if out.kind != outcomeAnswer {
		if _, ok := errors.AsType[*throttleError](out.err); ok {
			return answer, failThrottled, out.err
		}
		return answer, failFunction, out.err
	}
	err = errors.New("the streamed answer has no valid head")
	if out.answer != nil {
		if _, most := d.limits(); out.answer.Len() > most {
			d.fn.invalidAnswer()
			return answer, failAnswerTooBig, fmt.Errorf("the answer of %d bytes is over the front door's limit of %d", out.answer.Len(), most)
		}
		raw := out.answer.Bytes()
		if answer, err = d.answer(raw); err != nil && bytes.Contains(raw, []byte(headSeparator)) {
			err = errors.New("the answer is streamed, which this front door does not take")
		}
	}
	if err != nil {
		d.fn.invalidAnswer()
		return answer, failAnswer, err
	}
	return answer, failNone, nil
}

// prepare fills inv in from r.
func (d *openDoor) prepare(inv *invocation, r *http.Request) failure {
	if r.Method == http.MethodConnect || r.RequestURI == "*" { // the latter begins HTTP/2; OPTIONS is answered by net/http
		return failMethod
	}
	if failed := d.admit(r); failed != failNone {
		return failed
	}
	if failed := d.readBody(inv, r); failed != failNone {
		return failed
	}
	now := time.Now()
	inv.traceID = d.trace(r.Header.Get("X-Amzn-Trace-Id"), now)
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	meta := requestMeta{requestID: inv.id, traceID: inv.traceID, sourceIP: host, port: d.port, now: now, routeKey: d.routeKey, params: d.params}
	inv.roomForBody()
	inv.event = d.event(inv.event[:0], r, inv.body.Bytes(), &meta)
	inv.dropBody()
	if len(inv.event) > MaxPayload {
		return failEvent
	}
	return failNone
}

// readBody reads the body of r, if it is not too large.
func (d *openDoor) readBody(inv *invocation, r *http.Request) failure {
	if r.ContentLength == 0 {
		return failNone
	}
	most, _ := d.limits()
	if r.ContentLength > int64(most) && r.Header.Get("Expect") != "" {
		return failTooLarge // the client asked before it sent the body
	}
	inv.expectBody(r.ContentLength, most)
	_, err := inv.body.ReadFrom(io.LimitReader(r.Body, int64(most)+1))
	if err == nil && inv.body.Len() > most {
		// A client that still sends may take the end of the connection for an error and never see the status.
		_, err = io.CopyN(io.Discard, r.Body, maxDiscarded)
	}
	switch {
	case inv.body.Len() > most:
		return failTooLarge
	case err != nil:
		return failBody
	}
	return failNone
}

// invalidAnswer counts an answer that is no HTTP.
func (f *function) invalidAnswer() {
	f.mu.Lock()
	f.meter.InvalidAnswers++
	f.mu.Unlock()
}

// rootTrace keeps a trace id that has a root and makes a new one otherwise, as a Function URL and API Gateway do.
func rootTrace(client string, now time.Time) string {
	if strings.Contains(client, "Root=") {
		return client
	}
	return newTraceID(now)
}

// inStage tells whether a path is that of a stage or below it.
func inStage(path, stage string) bool {
	rest, ok := strings.CutPrefix(path, "/"+stage)
	return ok && (rest == "" || rest[0] == '/')
}
