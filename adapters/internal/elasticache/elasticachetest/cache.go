// Package elasticachetest is a cache with IAM authentication for tests: a real
// redis-server with an ACL, behind a door that speaks TLS and checks tokens.
package elasticachetest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/app/storetest"
)

// Keys are AWS credentials.
type Keys struct{ ID, Secret, Session string }

// Env is the environment in which programs find them.
func (k Keys) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + k.ID, "AWS_SECRET_ACCESS_KEY=" + k.Secret, "AWS_SESSION_TOKEN=" + k.Session}
}

// Cache is a cache that lets in who presents a token for its user.
type Cache struct {
	// Addr is its host:port.
	Addr string
	// CertFile has the certificate to trust, for SSL_CERT_FILE.
	CertFile string

	keys   Keys
	server *storetest.Server
	tls    *tls.Config

	mu      sync.Mutex
	entries []error // one a connection: nil if it was let in
}

// The cache that a token must be for.
const (
	User   = "crossover-app"
	Name   = "crossover"
	Region = "eu-central-1"
)

// Env is what points an adapter at the cache, credentials apart.
func (c *Cache) Env() []string {
	return []string{
		"REDIS_URL=rediss://" + c.Addr, "REDIS_IAM_USER=" + User, "REDIS_IAM_CACHE=" + Name, "AWS_REGION=" + Region, "SSL_CERT_FILE=" + c.CertFile,
	}
}

// Start starts a cache that ends with the test. The test is skipped without a
// redis-server.
func Start(t testing.TB, keys Keys) *Cache {
	t.Helper()
	server := storetest.StartRedis(t)
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	c := &Cache{keys: keys, server: server, CertFile: filepath.Join(t.TempDir(), "ca.pem")}
	c.tls = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	if err := os.WriteFile(c.CertFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	tcp, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Addr = tcp.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.serve(ctx, tls.Server(conn, c.tls)) })
		}
	})
	t.Cleanup(func() { _ = tcp.Close(); cancel(); wg.Wait() })
	return c
}

// Entries tells of each connection so far why it was not let in; nil if it was.
func (c *Cache) Entries() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]error(nil), c.entries...)
}

// serve leads a connection through to the server if its first command has a valid token,
// which it makes a password of the server's user: the server has the last word.
func (c *Cache) serve(ctx context.Context, client net.Conn) {
	defer func() { _ = client.Close() }()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	r := bufio.NewReader(client)
	raw, words, err := command(r)
	if err != nil {
		return // such as one that does not trust the certificate
	}
	err = c.admit(words) //nolint:contextcheck // what it asks of the server has a deadline of its own
	c.mu.Lock()
	c.entries = append(c.entries, err)
	c.mu.Unlock()
	if err != nil {
		_, _ = io.WriteString(client, "-WRONGPASS invalid username-password pair or user is disabled.\r\n")
		return
	}
	server, err := new(net.Dialer).DialContext(ctx, "tcp", c.server.Addr)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if _, err := io.WriteString(server, raw); err != nil {
		return
	}
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
	_, _ = io.Copy(server, r)
}

// admit checks a HELLO 2 AUTH user token.
func (c *Cache) admit(words []string) error {
	if len(words) < 5 || !strings.EqualFold(words[0], "hello") || !strings.EqualFold(words[2], "auth") {
		return fmt.Errorf("the first command is %.20q, not HELLO with AUTH", words)
	}
	user, token := words[3], words[4]
	if user != User {
		return fmt.Errorf("the user is %q, not %q", user, User)
	}
	if err := c.keys.Verify(token, User, Name, Region, false, time.Now()); err != nil {
		return err
	}
	reply, err := c.server.Do("ACL SETUSER " + user + " on >" + token + " ~crossover:* +@all -@admin")
	if err == nil && reply != "+OK" {
		err = fmt.Errorf("the server replied %s", reply)
	}
	return err
}

// command reads one command: an array of bulk strings.
func command(r *bufio.Reader) (raw string, words []string, err error) {
	n, err := length(r, '*', &raw)
	for range n {
		size, err := length(r, '$', &raw)
		if err != nil {
			return "", nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return "", nil, err
		}
		raw += string(word)
		words = append(words, string(word[:size]))
	}
	return raw, words, err
}

func length(r *bufio.Reader, kind byte, raw *string) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	*raw += line
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil || line[0] != kind || n < 0 || n > 64<<10 {
		return 0, fmt.Errorf("%q is no length", line)
	}
	return n, nil
}
