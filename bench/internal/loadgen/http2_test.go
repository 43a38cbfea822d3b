package loadgen_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// h2Server serves HTTP/2 with TLS or, by prior knowledge, without, and counts connections.
func h2Server(t *testing.T, secure bool, streams int, h http.HandlerFunc) (url string, connections *atomic.Int64) {
	t.Helper()
	connections = &atomic.Int64{}
	s := httptest.NewUnstartedServer(h)
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s.Config.Protocols = &protocols
	s.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: streams}
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	t.Cleanup(s.Close)
	if secure {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	return s.URL, connections
}

func TestHTTP2(t *testing.T) {
	for name, secure := range map[string]bool{"TLS": true, "prior knowledge": false} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			seen := map[string]int{}
			url, connections := h2Server(t, secure, 250, func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				seen[fmt.Sprintf("%s %s %s %q %s %d", r.Proto, r.Method, r.RequestURI, body, r.Header.Get("X-A"), r.ContentLength)]++
				mu.Unlock()
				if r.Header.Get("Connection") != "" || r.Header.Get("Accept-Encoding") != "" {
					t.Errorf("headers %v", r.Header)
				}
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				_, _ = w.Write([]byte("ok"))
			})
			s := plan(t, `
protocol: http2
workers: 150
order: interleaved
steps:
  - {name: get, path: "/a%20b//c?d=e%2f&f", headers: {x-a: "1"}, expect: {body: ok, content_type: text/plain}}
  - {name: slashes, path: "//host/x"}
  - {name: post, method: POST, path: /p, body: "123"}
  - {name: empty, method: POST, path: /p}
phases: [{name: few, workers: 3, iterations: 2}, {name: all, iterations: 2}]`)
			turns := runAll(t, s, url)
			for i, want := range []struct{ requests, connections int64 }{{24, 2}, {1200, 0}} {
				got := turns[i].stats()
				if got.Requests != want.requests || got.Successes != want.requests || got.ConnectTime.Count != want.connections {
					t.Errorf("phase %d: %d requests, %d successes, %d connections, want %d, all, %d: %v",
						i, got.Requests, got.Successes, got.ConnectTime.Count, want.requests, want.connections, turns[i].Failures)
				}
				if i == 0 && secure != (got.TLSTime != nil && got.TLSTime.Count == 2) {
					t.Errorf("TLS times %+v", got.TLSTime)
				}
			}
			want := map[string]int{
				`HTTP/2.0 GET /a%20b//c?d=e%2f&f "" 1 0`: 306, `HTTP/2.0 GET //host/x ""  0`: 306,
				`HTTP/2.0 POST /p "123"  3`: 306, `HTTP/2.0 POST /p ""  0`: 306,
			}
			if d := cmp.Diff(want, seen); d != "" {
				t.Errorf("requests: -want +got:\n%s", d)
			}
			if connections.Load() != 2 {
				t.Errorf("%d connections, want 2 for 150 workers", connections.Load())
			}
		})
	}
}

// TestHTTP2FewStreams has more workers than the server allows streams: they wait, and nothing fails.
func TestHTTP2FewStreams(t *testing.T) {
	var now, most atomic.Int64
	url, _ := h2Server(t, false, 3, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
	})
	s := plan(t, "protocol: http2\nworkers: 20\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 50}]")
	got := runAll(t, s, url)[0]
	if st := got.stats(); st.Successes != 1000 || st.ConnectTime.Count != 1 || most.Load() > 3 {
		t.Errorf("%d successes on %d connections, %d at once, want 1000, 1, at most 3: %v", st.Successes, st.ConnectTime.Count, most.Load(), got.Failures)
	}
}

func TestHTTP2FreshConnections(t *testing.T) {
	url, connections := h2Server(t, true, 250, func(http.ResponseWriter, *http.Request) {})
	s := plan(t, "protocol: http2\nfresh_connections: true\nworkers: 2\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 5}]")
	got := runAll(t, s, url)[0]
	if st := got.stats(); st.Successes != 10 || st.ConnectTime.Count != 10 || connections.Load() != 10 || st.TLSTime == nil || st.TLSTime.Count != 10 {
		t.Errorf("%d successes on %d connections (the server saw %d), want 10 on 10: %v", st.Successes, st.ConnectTime.Count, connections.Load(), got.Failures)
	}
}

// TestNoHTTP2 is about servers that do not speak it: the check before the load says so.
func TestNoHTTP2(t *testing.T) {
	plainServer := httptest.NewServer(http.NotFoundHandler())
	defer plainServer.Close()
	old := httptest.NewTLSServer(http.NotFoundHandler())
	defer old.Close()
	closing := listen(t, func(net.Conn) {})
	talking := listen(t, func(c net.Conn) { say(c, goodAnswer); untilClosed(c) })
	garbage := listen(t, func(c net.Conn) { say(c, strings.Repeat("garbage", 100)); untilClosed(c) })
	silent := listen(t, untilClosed)
	tests := []struct{ name, url, kind, detail string }{
		{"HTTP/1.1", plainServer.URL, "protocol", "expected HTTP/2, but the server answers in HTTP/1.1: "},
		{"HTTP/1.1 with TLS", old.URL, "protocol", "expected HTTP/2, but in the TLS handshake the server chose http/1.1: take protocol: http1"},
		{"closes", "http://" + closing, "protocol", "expected HTTP/2, but the server closed the connection: "},
		{"answers before it is asked", "http://" + talking, "protocol", "expected HTTP/2, but the server answers in HTTP/1.1: "},
		{"garbage", "http://" + garbage, "protocol", "expected HTTP/2, but got something else: "},
		{"says nothing", "http://" + silent, "timeout", "expected HTTP/2, but the server sent no settings within 1s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := "60s"
			if tt.kind == "timeout" {
				timeout = "1s"
			}
			s := plan(t, "protocol: http2\nworkers: 2\ntimeout: "+timeout+"\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
			g := generator(t, s, tt.url)
			if _, err := g.Check(t.Context()); err == nil || !strings.Contains(err.Error(), tt.detail) {
				t.Errorf("Check returned %v, want %q", err, tt.detail)
			}
			o := &observer{}
			if _, err := g.Run(t.Context(), nil, 1, o); err != nil {
				t.Fatal(err)
			}
			got := o.turns[0].stats()
			if d := cmp.Diff(map[string]int64{tt.kind: 4}, got.Errors); d != "" || got.ConnectTime.Count != 0 {
				t.Errorf("%d connections; errors: -want +got:\n%s\n%v", got.ConnectTime.Count, d, o.turns[0].Failures)
			}
		})
	}
}

// frame is one of HTTP/2: RFC 9113, section 4.1.
func frame(kind, flags byte, stream uint32, payload string) []byte {
	head := make([]byte, 9, 9+len(payload))
	head[0], head[1], head[2] = byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload))
	head[3], head[4] = kind, flags
	binary.BigEndian.PutUint32(head[5:], stream)
	return append(head, payload...)
}

// Frames, flags, and header fields of HPACK's static table.
const (
	data, headers, reset, settings, goaway = 0, 1, 3, 4, 7
	endStream, endHeaders, ack             = 1, 4, 1
	status200                              = "\x88"
)

// h2Peer is a server that speaks HTTP/2 as the test wants it.
type h2Peer struct {
	net.Conn
	r *bufio.Reader
}

// begin reads the client's preface and sends settings.
func (p *h2Peer) begin() error {
	if _, err := io.ReadFull(p.r, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return err
	}
	_, err := p.Write(frame(settings, 0, 0, ""))
	return err
}

// request waits for the headers of a request and gives its stream.
func (p *h2Peer) request() (stream uint32, _ error) {
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(p.r, head); err != nil {
			return 0, err
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, p.r, length); err != nil {
			return 0, err
		}
		switch {
		case head[3] == headers:
			return binary.BigEndian.Uint32(head[5:]), nil
		case head[3] == settings && head[4]&ack == 0:
			if _, err := p.Write(frame(settings, ack, 0, "")); err != nil {
				return 0, err
			}
		}
	}
}

func (p *h2Peer) say(frames ...[]byte) { _, _ = p.Write(bytes.Join(frames, nil)) }

func word(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

// TestHTTP2Failures runs three requests against a server that fails the second one in its own way.
func TestHTTP2Failures(t *testing.T) {
	const whole = "expected an answer, but the connection or the stream was closed before it was whole: "
	tests := []struct {
		name   string
		fail   func(p *h2Peer, stream uint32)
		closes bool // the connection, after it
		kind   string
		detail string
	}{
		{"resets the stream", func(p *h2Peer, s uint32) { p.say(frame(reset, 0, s, word(2))) }, false, "closed", whole + "stream error: stream ID 3; INTERNAL_ERROR"},
		{"refuses the stream", func(p *h2Peer, s uint32) { p.say(frame(reset, 0, s, word(7))) }, false, "closed", "REFUSED_STREAM"},
		{"resets in the body", func(p *h2Peer, s uint32) {
			p.say(frame(headers, endHeaders, s, status200), frame(data, 0, s, "o"), frame(reset, 0, s, word(2)))
		}, false, "closed", "INTERNAL_ERROR"},
		{"closes", func(*h2Peer, uint32) {}, true, "closed", whole + "unexpected EOF"},
		{"closes in the body", func(p *h2Peer, s uint32) {
			p.say(frame(headers, endHeaders, s, status200), frame(data, 0, s, "o"))
		}, true, "closed", "unexpected EOF"},
		{"goes away in anger", func(p *h2Peer, s uint32) { p.say(frame(goaway, 0, 0, word(s)+word(11))) }, true, "closed", "GOAWAY"},
		{"says garbage", func(p *h2Peer, _ uint32) { p.say([]byte(strings.Repeat("garbage", 10_000))) }, true, "protocol", ""},
		{"has no status", func(p *h2Peer, s uint32) { p.say(frame(headers, endHeaders|endStream, s, "")) }, false, "protocol", ""},
		{"compresses badly", func(p *h2Peer, s uint32) {
			p.say(frame(headers, endHeaders|endStream, s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
		}, true, "protocol", ""},
		{"begins with data", func(p *h2Peer, s uint32) { p.say(frame(data, 0, s, "ok")) }, false, "protocol", ""},
		{"answers with too few bytes", func(p *h2Peer, s uint32) {
			p.say(frame(headers, endHeaders, s, status200+"\x0f\x0d\x015"), frame(data, endStream, s, "ok"))
		}, false, "protocol", "expected as many bytes of body as the answer announced, got fewer"},
		{"never ends the head", func(p *h2Peer, s uint32) {
			p.say(frame(headers, 0, s, status200))
			more := frame(9, 0, s, strings.Repeat("\x0f\x0d\x7f\x80\x01"+strings.Repeat("5", 255), 60))
			for _, err := p.Write(more); err == nil; {
				_, err = p.Write(more)
			}
		}, true, "protocol", ""},
		{"never comes to the answer", func(p *h2Peer, s uint32) {
			for range 100 {
				p.say(frame(headers, endHeaders, s, "\x08\x03103")) // :status 103
			}
		}, false, "protocol", "expected at most 16 interim answers, got more"},
		{"redirects", func(p *h2Peer, s uint32) { p.say(frame(headers, endHeaders|endStream, s, "\x08\x03302")) }, false, "status_302", "got 302"},
		{"does not answer", func(*h2Peer, uint32) {}, false, "timeout", "expected an answer within 1s, got none or a part"},
		{"answers slowly", func(p *h2Peer, s uint32) {
			p.say(frame(headers, endHeaders, s, status200))
			go func() { // until the connection is closed
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for err := error(nil); err == nil; _, err = p.Write(frame(data, 0, s, "a")) {
					<-tick.C
				}
			}()
		}, false, "timeout", "expected an answer within 1s, got none or a part"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timeout := "60s"
			if tt.kind == "timeout" {
				timeout = "1s"
			}
			s := plan(t, `
protocol: http2
workers: 1
timeout: `+timeout+`
steps: [{name: get, path: /, expect: {status: 200, body: ok}}]
phases: [{name: all, iterations: 3}]`)
			var requests atomic.Int64
			address := listen(t, func(c net.Conn) {
				p := &h2Peer{c, bufio.NewReader(c)}
				if err := p.begin(); err != nil {
					return
				}
				for {
					stream, err := p.request()
					if err != nil {
						return
					}
					if requests.Add(1) != 2 {
						p.say(frame(headers, endHeaders, stream, status200), frame(data, endStream, stream, "ok"))
						continue
					}
					tt.fail(p, stream)
					if tt.closes {
						return
					}
				}
			})
			turn := runAll(t, s, "http://"+address)[0]
			got := turn.stats()
			if d := cmp.Diff(map[string]int64{tt.kind: 1}, got.Errors); d != "" {
				t.Errorf("errors: -want +got:\n%s", d)
			}
			if got.Successes != 2 || got.ResponseTime.Count != 2 || got.ErrorTime.Count != 1 {
				t.Errorf("%d successes, %d times, %d times to fail, want 2, 2, 1", got.Successes, got.ResponseTime.Count, got.ErrorTime.Count)
			}
			if f := turn.Failures; len(f) != 1 || !strings.Contains(f[0].Detail, tt.detail) {
				t.Errorf("examples %+v, want %q", f, tt.detail)
			}
		})
	}
}

// TestHTTP2GoAway is about servers that announce that they close a connection, as load balancers do after some thousand requests.
// That is no failure.
func TestHTTP2GoAway(t *testing.T) {
	var connections atomic.Int64
	address := listen(t, func(c net.Conn) {
		connections.Add(1)
		p := &h2Peer{c, bufio.NewReader(c)}
		if err := p.begin(); err != nil {
			return
		}
		for n := range 3 {
			stream, err := p.request()
			if err != nil {
				return
			}
			if n == 2 { // not looked at
				p.say(frame(goaway, 0, 0, word(stream-2)+word(0)))
				untilClosed(c)
				return
			}
			p.say(frame(headers, endHeaders|endStream, stream, status200))
		}
	})
	s := plan(t, "protocol: http2\nworkers: 1\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 7}]")
	got := runAll(t, s, "http://"+address)[0]
	if st := got.stats(); st.Successes != 7 || st.ConnectTime.Count != 4 || connections.Load() != 4 {
		t.Errorf("%d successes on %d connections (the server saw %d), want 7 on 4: %v", st.Successes, st.ConnectTime.Count, connections.Load(), got.Failures)
	}
}

// TestHTTP2Aborted ends a run with requests in flight.
func TestHTTP2Aborted(t *testing.T) {
	asked := make(chan struct{}, 10)
	address := listen(t, func(c net.Conn) {
		p := &h2Peer{c, bufio.NewReader(c)}
		if p.begin() != nil {
			return
		}
		for _, err := p.request(); err == nil; _, err = p.request() {
			asked <- struct{}{}
		}
	})
	s := plan(t, "protocol: http2\nworkers: 5\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 1}]")
	g := generator(t, s, "http://"+address)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := g.Run(ctx, nil, 1, &observer{})
		done <- err
	}()
	for range 5 {
		<-asked
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}
