package redisstore_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
)

// proxy stands between a store and its server, counts what passes, and can lose
// replies.
type proxy struct {
	ln       net.Listener
	upstream string

	mu        sync.Mutex
	dials     int
	turns     int    // how often the client spoke after the server had, or first
	sent      []byte // all that the client sent
	loseReply func(request []byte) bool
}

func startProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, upstream: upstream}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.relay(conn) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	return p
}

// dial is a Config.Dial that leads all connections through the proxy, also those
// to addresses that a cluster names.
func (p *proxy) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, p.ln.Addr().String())
}

func (p *proxy) relay(client net.Conn) {
	defer func() { _ = client.Close() }()
	var d net.Dialer
	server, err := d.DialContext(context.Background(), "tcp", p.upstream)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.mu.Lock()
	p.dials++
	p.mu.Unlock()

	var (
		fromClient = true // who spoke last; the first turn is counted below
		first      = true
		request    []byte
		down       = make(chan struct{})
	)
	go func() {
		defer close(down)
		defer func() { _ = client.Close() }()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			p.mu.Lock()
			fromClient = false
			lose := p.loseReply != nil && p.loseReply(request)
			p.mu.Unlock()
			if lose {
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			break
		}
		p.mu.Lock()
		if first || !fromClient {
			p.turns++
			request = nil
		}
		first, fromClient = false, true
		request = append(request, buf[:n]...)
		p.sent = append(p.sent, buf[:n]...)
		p.mu.Unlock()
		if _, err := server.Write(buf[:n]); err != nil {
			break
		}
	}
	_ = server.Close()
	<-down
}

func (p *proxy) counts() (dials, turns int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials, p.turns
}

func (p *proxy) seen(part string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Count(bytes.ToLower(p.sent), []byte(part))
}
