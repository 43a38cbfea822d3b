package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossover-bench/crossover/app"
	"github.com/crossover-bench/crossover/app/redisstore"
	"github.com/crossover-bench/crossover/app/storetest"
)

func TestEachOperationIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, server *storetest.Server, c redisstore.Config) {
		p := startProxy(t, server.Addr)
		c.Dial, c.PoolSize = p.dial, 1
		s := open(t, c)
		if dials, _ := p.counts(); dials != 0 {
			t.Errorf("Open dialled %d times", dials)
		}
		x := mustPut(t, s, "connects, and learns a cluster's slots")

		for name, op := range map[string]func() error{
			"Put":           func() error { return s.Put(t.Context(), app.Text{ID: app.NewID(), Body: []byte("x"), Characters: 1}) },
			"Get":           func() error { _, err := s.Get(t.Context(), x.ID); return err },
			"Get not found": func() error { _, err := s.Get(t.Context(), app.NewID()); return ignore(err, app.ErrNotFound) },
			"Stats":         func() error { _, err := s.Stats(t.Context()); return err },
			"Ping":          func() error { return s.Ping(t.Context()) },
		} {
			_, before := p.counts()
			if err := op(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			dials, after := p.counts()
			if after-before != 1 {
				t.Errorf("%s took %d round trips; want 1", name, after-before)
			}
			if dials > 2 { // a cluster client asks the node it was given for the slots
				t.Errorf("%s: %d connections were made; want 1 or 2", name, dials)
			}
		}
	})
}

// A connection costs one round trip beyond TCP's: HELLO.
func TestConnectingIsOneRoundTrip(t *testing.T) {
	server := storetest.StartRedis(t)
	p := startProxy(t, server.Addr)
	s := open(t, redisstore.Config{Addr: server.Addr, Dial: p.dial, PoolSize: 1})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dials, turns := p.counts(); dials != 1 || turns != 2 {
		t.Errorf("first Ping: %d dials and %d round trips; want 1 and 2 (HELLO, PING)", dials, turns)
	}
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}

// A Put whose reply was lost may have been counted, so it is not sent again.
func TestPutIsNotReplayed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, server *storetest.Server, c redisstore.Config) {
		p := startProxy(t, server.Addr)
		c.Dial = p.dial
		s := open(t, c)
		mustPut(t, s, "warm")
		before := p.seen("hincrby")

		p.mu.Lock()
		p.loseReply = func(request []byte) bool { return bytes.Contains(bytes.ToLower(request), []byte("hincrby")) }
		p.mu.Unlock()
		err := s.Put(t.Context(), app.Text{ID: app.NewID(), Body: []byte("abc"), Characters: 3})
		if !errors.Is(err, app.ErrUnavailable) {
			t.Errorf("Put without a reply = %v; want ErrUnavailable", err)
		}
		if n := p.seen("hincrby") - before; n != 2 {
			t.Errorf("HINCRBY was sent %d times; want 2 (texts and characters, once each)", n)
		}
		got, err := s.Stats(t.Context())
		if err != nil || got.Texts != 2 {
			t.Errorf("Stats = %v, %v; want 2 texts", got, err)
		}
	})
}

// A Get can be sent again, and is.
func TestGetSurvivesALostReply(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, server *storetest.Server, c redisstore.Config) {
		p := startProxy(t, server.Addr)
		c.Dial = p.dial
		s := open(t, c)
		x := mustPut(t, s, "abc")

		lost := false
		p.mu.Lock()
		p.loseReply = func(request []byte) bool {
			lose := !lost && bytes.Contains(request, []byte(x.ID))
			lost = lost || lose
			return lose
		}
		p.mu.Unlock()
		if got, err := s.Get(t.Context(), x.ID); err != nil || string(got) != "abc" {
			t.Errorf("Get = %q, %v", got, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if !lost {
			t.Error("no reply was lost: the test proves nothing")
		}
	})
}

// The deadline covers everything that an operation waits for. Time is simulated.
func TestDeadline(t *testing.T) {
	for name, tt := range map[string]struct {
		dialling time.Duration
		op       func(s *redisstore.Store) error
	}{
		"silent server, Put":   {0, func(s *redisstore.Store) error { return s.Put(context.Background(), app.Text{ID: "x"}) }},
		"silent server, Get":   {0, func(s *redisstore.Store) error { _, err := s.Get(context.Background(), "x"); return err }},
		"silent server, Stats": {0, func(s *redisstore.Store) error { _, err := s.Stats(context.Background()); return err }},
		"silent server, Ping":  {0, func(s *redisstore.Store) error { return s.Ping(context.Background()) }},
		"slow dial too":        {1500 * time.Millisecond, func(s *redisstore.Store) error { return s.Ping(context.Background()) }},
		"endless dial":         {time.Hour, func(s *redisstore.Store) error { return s.Ping(context.Background()) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := redisstore.Open(redisstore.Config{
					Addr: "silent:1", PoolSize: 1, TTL: time.Hour, Dial: silence(t, tt.dialling),
				})
				start := time.Now()
				err := tt.op(s)
				if took := time.Since(start); took > redisstore.Timeout {
					t.Errorf("took %v; want at most %v", took, redisstore.Timeout)
				}
				if !errors.Is(err, app.ErrUnavailable) {
					t.Errorf("error = %v; want ErrUnavailable", err)
				}
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				// go-redis probes once a second after failed dials, until closed.
				time.Sleep(2 * redisstore.Timeout)
			})
		})
	}
}

// silence returns a Dial to a server that reads and never answers.
func silence(t *testing.T, dialling time.Duration) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		timer := time.NewTimer(dialling)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		client, server := net.Pipe()
		go func() {
			buf := make([]byte, 1024)
			for {
				if _, err := server.Read(buf); err != nil {
					return
				}
			}
		}()
		return client, nil
	}
}

// Whoever waits for a connection stops waiting with the client.
func TestCancelWhileWaitingForAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := redisstore.Open(redisstore.Config{
			Addr: "silent:1", PoolSize: 1, TTL: time.Hour, Dial: silence(t, time.Hour),
		})
		ctx, cancel := context.WithCancel(context.Background())
		start := time.Now()
		go func() { time.Sleep(100 * time.Millisecond); cancel() }()
		err := s.Ping(ctx)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, app.ErrUnavailable) {
			t.Errorf("error = %v; want context.Canceled and ErrUnavailable", err)
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("took %v; want 100ms", took)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		time.Sleep(2 * redisstore.Timeout)
	})
}

// A connection that lay unused for longer than peers keep one is not trusted, even
// though it looks open: a frozen Lambda environment does not see it die.
func TestOldIdleConnectionIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		s := redisstore.Open(redisstore.Config{
			Addr: "polite:1", PoolSize: 1, TTL: time.Hour,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				dials++
				client, server := net.Pipe()
				go pong(server)
				return client, nil
			},
		})
		for _, step := range []struct {
			idle time.Duration
			want int
		}{{0, 1}, {3 * time.Minute, 1}, {5 * time.Minute, 2}} {
			time.Sleep(step.idle)
			if err := s.Ping(context.Background()); err != nil {
				t.Fatalf("Ping after %v: %v", step.idle, err)
			}
			if dials != step.want {
				t.Errorf("after %v idle: %d dials; want %d", step.idle, dials, step.want)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// A connection does not get older than it may, however busy it is, and the next one
// asks for credentials again.
func TestConnectionsAreRenewed(t *testing.T) {
	for name, maxAge := range map[string]time.Duration{"aged": 11 * time.Hour, "ageless": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dialled []time.Time
				asked := 0
				s := redisstore.Open(redisstore.Config{
					Addr: "polite:1", PoolSize: 1, TTL: time.Hour, MaxAge: maxAge,
					Credentials: func(context.Context) (string, string, error) {
						asked++
						return "user", fmt.Sprintf("token-%d", asked), nil
					},
					Dial: func(context.Context, string, string) (net.Conn, error) {
						dialled = append(dialled, time.Now())
						client, server := net.Pipe()
						go guard(server, fmt.Sprintf("token-%d", len(dialled)))
						return client, nil
					},
				})
				for end := time.Now().Add(36 * time.Hour); time.Now().Before(end); time.Sleep(time.Minute) {
					if err := s.Ping(context.Background()); err != nil {
						t.Fatalf("Ping: %v", err)
					}
				}
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				want := 1
				if maxAge > 0 {
					want = 4
				}
				if len(dialled) != want || asked != want {
					t.Errorf("%d dials and %d credentials in 36 hours; want %d", len(dialled), asked, want)
				}
				for i, at := range dialled[1:] {
					if age := at.Sub(dialled[i]); age < maxAge*19/20 || age > maxAge+time.Minute {
						t.Errorf("connection %d was used for %v; want %v to %v", i, age, maxAge*19/20, maxAge)
					}
				}
			})
		})
	}
}

// guard is pong for who says HELLO with that password.
func guard(conn net.Conn, password string) {
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	if err != nil || !bytes.Contains(buf[:n], []byte("\r\n"+password+"\r\n")) {
		_, _ = conn.Write([]byte("-WRONGPASS\r\n"))
		_ = conn.Close()
		return
	}
	_, _ = conn.Write([]byte("*2\r\n$5\r\nproto\r\n:2\r\n"))
	pong(conn)
}

// pong is a server that knows PING and nothing else, HELLO included, as old ones.
func pong(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		reply := "-ERR unknown command\r\n"
		if bytes.Contains(bytes.ToLower(buf[:n]), []byte("ping")) {
			reply = "+PONG\r\n"
		}
		if _, err := conn.Write([]byte(reply)); err != nil {
			return
		}
	}
}
