package loadgen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
)

// authority signs certificates.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{key: newKey(t)}
	a.certificate = sign(t, template, template, a.key, a.key)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve makes a server with a certificate of the authority.
func (a *authority) serve(t *testing.T, change func(*x509.Certificate)) (url string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	change(template)
	key := newKey(t)
	c := sign(t, template, a.certificate, key, a.key)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestCertificates(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.certificate)
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	misnamed := func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.test"} }
	tests := []struct {
		name     string
		url      string
		insecure bool
		detail   string // empty: it is trusted
	}{
		{"trusted", ours.serve(t, func(*x509.Certificate) {}), false, ""},
		{"expired", ours.serve(t, expired), false, "the certificate of 127.0.0.1 has expired or is not valid yet: renew it, or set this machine's clock; --insecure measures without any check: "},
		{"not valid yet", ours.serve(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), false, "has expired or is not valid yet"},
		{"wrong name", ours.serve(t, misnamed), false, "the certificate is not for 127.0.0.1: use a name that it has in the target's URL"},
		{"unknown authority", others.serve(t, func(*x509.Certificate) {}), false, "is by an authority that this machine does not trust: name the authority's file with --ca-cert"},
		{"expired, not checked", ours.serve(t, expired), true, ""},
		{"wrong name, not checked", ours.serve(t, misnamed), true, ""},
		{"unknown authority, not checked", others.serve(t, func(*x509.Certificate) {}), true, ""},
	}
	for _, tt := range tests {
		for _, protocol := range []string{"http1", "http2"} {
			t.Run(tt.name+" "+protocol, func(t *testing.T) {
				s := plan(t, "protocol: "+protocol+"\nworkers: 1\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
				turns, _ := runWith(t, s, loadgen.Target{Name: "a", URL: tt.url}, loadgen.Options{RootCAs: trusted, Insecure: tt.insecure})
				got, want := turns[0].stats(), map[string]int64{}
				if tt.detail != "" {
					want["tls"] = 2
				}
				if d := cmp.Diff(want, got.Errors); d != "" || got.Successes+want["tls"] != 2 {
					t.Errorf("%d successes; errors: -want +got:\n%s\n%v", got.Successes, d, turns[0].Failures)
				}
				if tt.detail != "" && (len(turns[0].Failures) != 1 || !strings.Contains(turns[0].Failures[0].Detail, tt.detail)) {
					t.Errorf("examples %v, want %q", turns[0].Failures, tt.detail)
				}
			})
		}
	}
}

// TestSlowHandshake is a server that sends a TLS record byte by byte.
func TestSlowHandshake(t *testing.T) {
	address := listen(t, func(c net.Conn) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		hello := append([]byte{22, 3, 3, 0x40, 0}, make([]byte, 0x4000)...)
		for i := range hello {
			if _, err := c.Write(hello[i : i+1]); err != nil {
				return
			}
			<-tick.C
		}
	})
	s := plan(t, "workers: 1\ntimeout: 200ms\nsteps: [{name: get, path: /}]\nphases: [{name: all, iterations: 2}]")
	got := runAll(t, s, "https://"+address)[0].stats()
	if d := cmp.Diff(map[string]int64{"timeout": 2}, got.Errors); d != "" {
		t.Errorf("errors: -want +got:\n%s", d)
	}
}
