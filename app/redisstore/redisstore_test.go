package redisstore_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/crossover-bench/crossover/app"
	"github.com/crossover-bench/crossover/app/redisstore"
	"github.com/crossover-bench/crossover/app/storetest"
)

func TestMain(m *testing.M) {
	redisstore.LogTo(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// open opens a store that is closed with the test.
func open(t *testing.T, c redisstore.Config) *redisstore.Store {
	t.Helper()
	if c.TTL == 0 {
		c.TTL = time.Hour
	}
	if c.PoolSize == 0 {
		c.PoolSize = 4
	}
	s := redisstore.Open(c)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	t.Run("miniredis", func(t *testing.T) {
		mini := miniredis.RunT(t)
		storetest.Run(t, func(t *testing.T) app.Store {
			return open(t, redisstore.Config{Addr: mini.Addr()})
		})
	})
	t.Run("redis", func(t *testing.T) {
		server := storetest.StartRedis(t)
		storetest.Run(t, func(t *testing.T) app.Store {
			return open(t, redisstore.Config{Addr: server.Addr})
		})
	})
	t.Run("cluster", func(t *testing.T) {
		server := storetest.StartCluster(t)
		storetest.Run(t, func(t *testing.T) app.Store {
			return open(t, redisstore.Config{Addr: server.Addr, Cluster: true})
		})
	})
	t.Run("TEST_REDIS_URL", func(t *testing.T) {
		raw := os.Getenv("TEST_REDIS_URL")
		if raw == "" {
			t.Skip("TEST_REDIS_URL is not set")
		}
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal("TEST_REDIS_URL is not a URL")
		}
		password, _ := u.User.Password()
		storetest.Run(t, func(t *testing.T) app.Store {
			return open(t, redisstore.Config{
				Addr: u.Host, Username: u.User.Username(), Password: password, TTL: time.Minute,
			})
		})
	})
}

// each runs a test on a standalone server and on a cluster.
func each(t *testing.T, test func(t *testing.T, server *storetest.Server, c redisstore.Config)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := storetest.StartRedis(t)
		test(t, server, redisstore.Config{Addr: server.Addr})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		server := storetest.StartCluster(t)
		test(t, server, redisstore.Config{Addr: server.Addr, Cluster: true})
	})
}

func mustPut(t *testing.T, s app.Store, body string) app.Text {
	t.Helper()
	x := app.Text{ID: app.NewID(), Body: []byte(body), Characters: len(body)}
	if err := s.Put(t.Context(), x); err != nil {
		t.Fatalf("Put: %v", err)
	}
	return x
}

func TestPutExpires(t *testing.T) {
	mini := miniredis.RunT(t)
	s := open(t, redisstore.Config{Addr: mini.Addr(), TTL: time.Hour})
	x := mustPut(t, s, "abc")

	mini.FastForward(time.Hour - time.Second)
	if _, err := s.Get(t.Context(), x.ID); err != nil {
		t.Errorf("Get a second before the expiry: %v", err)
	}
	mini.FastForward(time.Second)
	if _, err := s.Get(t.Context(), x.ID); !errors.Is(err, app.ErrNotFound) {
		t.Errorf("Get after the expiry = %v; want ErrNotFound", err)
	}
	if got, err := s.Stats(t.Context()); err != nil || got.Texts != 1 || got.Characters != 3 {
		t.Errorf("Stats after the expiry = %v, %v; want what was ever stored", got, err)
	}
}

func TestPutSetsTheExpiryOnARealServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, server *storetest.Server, c redisstore.Config) {
		c.TTL = time.Hour
		x := mustPut(t, open(t, c), "abc")
		reply, err := server.Do("EXPIRETIME crossover:text:" + x.ID)
		if err != nil || reply == ":-1" || reply == ":-2" {
			t.Errorf("EXPIRETIME = %q, %v; want a time", reply, err)
		}
	})
}

func TestOutageAndRecovery(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, server *storetest.Server, c redisstore.Config) {
		s := open(t, c)
		mustPut(t, s, "before")

		server.Stop(t)
		// More failures than the pool has places, so that go-redis stops dialling
		// for each request and probes on its own.
		for range 10 {
			if err := s.Ping(t.Context()); !errors.Is(err, app.ErrUnavailable) {
				t.Fatalf("Ping during the outage = %v; want ErrUnavailable", err)
			}
		}
		if err := s.Put(t.Context(), app.Text{ID: app.NewID()}); !errors.Is(err, app.ErrUnavailable) {
			t.Errorf("Put during the outage = %v; want ErrUnavailable", err)
		}

		server.Start(t)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		poll := time.NewTicker(20 * time.Millisecond)
		defer poll.Stop()
		for s.Ping(ctx) != nil {
			select {
			case <-poll.C:
			case <-ctx.Done():
				t.Fatal("no recovery")
			}
		}
		mustPut(t, s, "after")
	})
}

// After a Lambda environment was frozen the server has closed its connections. The
// first request must not pay for that with an error, not even one that is never
// sent twice.
func TestStaleConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, server *storetest.Server, c redisstore.Config) {
		c.PoolSize = 1
		s := open(t, c)
		for range 3 {
			mustPut(t, s, "warm")
			if reply, err := server.Do("CLIENT KILL TYPE normal SKIPME yes"); err != nil || reply == ":0" {
				t.Fatalf("CLIENT KILL = %q, %v; want at least one connection closed", reply, err)
			}
		}
		mustPut(t, s, "after the freeze")
	})
}

func TestWrongPassword(t *testing.T) {
	mini := miniredis.RunT(t)
	mini.RequireUserAuth("app", "right")
	right := open(t, redisstore.Config{Addr: mini.Addr(), Username: "app", Password: "right"})
	if err := right.Ping(t.Context()); err != nil {
		t.Errorf("Ping with the right password: %v", err)
	}
	wrong := open(t, redisstore.Config{Addr: mini.Addr(), Username: "app", Password: "wrong"})
	if err := wrong.Ping(t.Context()); !errors.Is(err, app.ErrUnavailable) {
		t.Errorf("Ping with a wrong password = %v; want ErrUnavailable", err)
	}
}

func TestTLS(t *testing.T) {
	// Whoever has a certificate for 127.0.0.1 will do.
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	mini, err := miniredis.RunTLS(&tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mini.Close)

	s := open(t, redisstore.Config{Addr: mini.Addr(), TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	mustPut(t, s, "abc")
	if n := mini.TotalConnectionCount(); n != 1 {
		t.Errorf("%d connections; want 1", n)
	}
	distrustful := open(t, redisstore.Config{Addr: mini.Addr(), TLS: &tls.Config{MinVersion: tls.VersionTLS12}})
	var unknown x509.UnknownAuthorityError
	if err := distrustful.Ping(t.Context()); !errors.Is(err, app.ErrUnavailable) || !errors.As(err, &unknown) {
		t.Errorf("Ping with an unknown authority = %v; want ErrUnavailable for that", err)
	}
}
