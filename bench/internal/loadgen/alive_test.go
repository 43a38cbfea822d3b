package loadgen

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// pair is both ends of a loopback connection.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var d net.Dialer
	if client, err = d.DialContext(t.Context(), "tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return client, server
}

func alive(nc net.Conn) bool { return newProbe(nc).state() == silent }

// settled waits until the client's socket has something to say.
func settled(t *testing.T, nc net.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if p, ok := nc.(*polled); ok {
		nc = p.Conn
	}
	for newSocket(nc).peek() == silent {
		if ctx.Err() != nil {
			t.Fatal("nothing arrived")
		}
	}
}

func TestAlive(t *testing.T) {
	t.Run("resting", func(t *testing.T) {
		client, _ := pair(t)
		if !alive(client) {
			t.Error("it was taken for dead")
		}
	})
	t.Run("resting for longer than the timeout of its last request", func(t *testing.T) {
		client, _ := pair(t)
		if err := client.SetDeadline(time.Now().Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if !alive(client) {
			t.Error("it was taken for dead")
		}
	})
	t.Run("closed by the server", func(t *testing.T) {
		client, server := pair(t)
		_ = server.Close()
		settled(t, client)
		if alive(client) {
			t.Error("it was taken for alive")
		}
	})
	t.Run("reset by the server", func(t *testing.T) {
		client, server := pair(t)
		if err := server.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		_ = server.Close()
		settled(t, client)
		if alive(client) {
			t.Error("it was taken for alive")
		}
	})
	t.Run("closed by us", func(t *testing.T) {
		client, _ := pair(t)
		_ = client.Close()
		if alive(client) {
			t.Error("it was taken for alive")
		}
	})
	t.Run("with bytes that nobody asked for", func(t *testing.T) {
		client, server := pair(t)
		if _, err := server.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		settled(t, client)
		if alive(client) {
			t.Error("it was taken for alive")
		}
	})
}

// sessions is both ends of a TLS connection.
func sessions(t *testing.T, version uint16) (client, server *tls.Conn) {
	t.Helper()
	source := httptest.NewTLSServer(http.NotFoundHandler())
	defer source.Close()
	a, b := pair(t)
	client = tls.Client(&polled{Conn: a}, &tls.Config{
		RootCAs:    source.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs,
		ServerName: "example.com", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(1),
	})
	server = tls.Server(b, &tls.Config{Certificates: source.TLS.Certificates, MaxVersion: version})
	shaken := make(chan error, 1)
	go func() { shaken <- server.HandshakeContext(t.Context()) }()
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-shaken; err != nil {
		t.Fatal(err)
	}
	return client, server
}

func TestAliveTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Run("resting", func(t *testing.T) {
				client, server := sessions(t, version)
				if !alive(client) {
					t.Fatal("it was taken for dead")
				}
				// The look has left it usable.
				if _, err := server.Write([]byte("a")); err != nil {
					t.Fatal(err)
				}
				if err := client.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if n, err := client.Read(make([]byte, 1)); n != 1 || err != nil {
					t.Errorf("reading from it: %d, %v", n, err)
				}
			})
			t.Run("with a part of a record", func(t *testing.T) {
				client, server := sessions(t, version)
				if _, err := server.NetConn().Write([]byte{23, 3, 3}); err != nil {
					t.Fatal(err)
				}
				settled(t, client.NetConn())
				for range 2 {
					if !alive(client) {
						t.Fatal("it was taken for dead")
					}
				}
			})
			t.Run("closed with a goodbye", func(t *testing.T) {
				client, server := sessions(t, version)
				_ = server.Close()
				settled(t, client.NetConn())
				if alive(client) {
					t.Error("it was taken for alive")
				}
			})
			t.Run("closed without", func(t *testing.T) {
				client, server := sessions(t, version)
				_ = server.NetConn().Close()
				settled(t, client.NetConn())
				if alive(client) {
					t.Error("it was taken for alive")
				}
			})
			t.Run("with bytes that nobody asked for", func(t *testing.T) {
				client, server := sessions(t, version)
				if _, err := server.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n")); err != nil {
					t.Fatal(err)
				}
				settled(t, client.NetConn())
				if alive(client) {
					t.Error("it was taken for alive")
				}
			})
		})
	}
}

func TestLookingDoesNotAllocate(t *testing.T) {
	client, _ := pair(t)
	p := newProbe(client)
	if n := testing.AllocsPerRun(100, func() { p.state() }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkLook(b *testing.B) {
	client, _ := pair(b)
	p := newProbe(client)
	b.ReportAllocs()
	for b.Loop() {
		if p.state() != silent {
			b.Fatal("it was taken for dead")
		}
	}
}
