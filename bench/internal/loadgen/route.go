package loadgen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// route is how connections to one target are opened.
type route struct {
	endpoint  endpoint
	addresses *addresses // nil if there is no name to look up
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	session   *tls.Config   // nil without TLS
	timeout   time.Duration // of opening, and of each request
	fresh     bool          // a connection is used for one request
}

func newRoute(base *url.URL, s *scenario.Scenario, o *Options) (*route, error) {
	e, err := newEndpoint(base)
	if err != nil {
		return nil, err
	}
	r := &route{endpoint: e, dial: o.Dial, timeout: time.Duration(s.Timeout), fresh: s.FreshConnections}
	resolve := o.Lookup
	if r.dial == nil {
		var d net.Dialer
		r.dial = d.DialContext
		if resolve == nil {
			resolve = net.DefaultResolver.LookupNetIP
		}
	}
	if _, err := netip.ParseAddr(e.serverName); err != nil && resolve != nil {
		r.addresses = newAddresses(e.serverName, s.InFlight(), resolve)
	}
	if e.tls {
		r.session = &tls.Config{
			ServerName: e.serverName, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12,
			RootCAs: o.RootCAs, InsecureSkipVerify: o.Insecure, //nolint:gosec // the user asked for it, and the report says so
		}
		if s.Protocol == scenario.HTTP2 {
			// Both, so that a server without HTTP/2 says so, instead of just ending the handshake.
			r.session.NextProtos = []string{"h2", "http/1.1"}
		}
	}
	return r, nil
}

// connect opens a connection, and a TLS session on it where the target has TLS.
func (r *route) connect(ctx context.Context, s *seat) (nc net.Conn, o opened, _ *failure) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	start := time.Now()
	nc, fail := r.reach(ctx, s)
	if fail != nil {
		return nil, o, fail
	}
	if r.session != nil {
		shaken := time.Now()
		session := tls.Client(&polled{Conn: nc}, r.session)
		if err := session.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			r.addresses.leave(s)
			return nil, o, r.sessionFailure(err)
		}
		o.handshake = max(time.Since(shaken), 1)
		nc = session
	}
	o.took = max(time.Since(start), 1)
	return nc, o, nil
}

// reach dials the address whose turn it is, and then the others: one that is down, or of a family that this machine lacks, keeps
// no client from the rest.
func (r *route) reach(ctx context.Context, s *seat) (net.Conn, *failure) {
	if r.addresses == nil {
		nc, err := r.dial(ctx, "tcp", r.endpoint.address)
		if err != nil {
			return nil, dialFailure(err)
		}
		return nc, nil
	}
	if err := r.addresses.first(ctx); err != nil {
		return nil, &failure{kind: kindDNS, err: err}
	}
	order := r.addresses.take(s)
	var fail *failure
	for i, addr := range order {
		nc, err := r.try(ctx, addr, len(order)-i)
		if err == nil {
			if i > 0 {
				r.addresses.settle(s, addr)
			}
			return nc, nil
		}
		if f := dialFailure(err); fail == nil || f.kind == KindGenerator {
			fail = f
		}
		if fail.kind == KindGenerator || ctx.Err() != nil {
			break
		}
	}
	r.addresses.leave(s)
	return nil, fail
}

// try dials one address, in its share of the time that is left for so many.
func (r *route) try(ctx context.Context, addr netip.Addr, left int) (net.Conn, error) {
	if until, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(until)/time.Duration(left))
		defer cancel()
	}
	return r.dial(ctx, "tcp", net.JoinHostPort(addr.String(), r.endpoint.port))
}

func dialFailure(err error) *failure {
	return &failure{kind: dialKind(err), err: fmt.Errorf("connecting: %w", err)}
}

func dialKind(err error) string {
	for _, own := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, own) {
			return KindGenerator
		}
	}
	if isTimeout(err) {
		return kindTimeout
	}
	return kindConnect
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// sessionFailure says why there is no TLS session, and what can be done.
func (r *route) sessionFailure(err error) *failure {
	if isTimeout(err) {
		return &failure{kind: kindTimeout, err: fmt.Errorf("TLS handshake: %w", err)}
	}
	var alert tls.AlertError
	if errors.As(err, &alert) && alert == alertNoProtocol {
		return &failure{kind: kindProtocol, err: fmt.Errorf("TLS handshake: the server speaks none of %q", r.session.NextProtos)}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the server closed the connection")
	}
	return &failure{kind: kindTLS, err: fmt.Errorf("TLS handshake: %w", explain(err, r.endpoint.serverName))}
}

// alertNoProtocol is no_application_protocol of RFC 7301, section 3.2.
const alertNoProtocol = 120

// certificateError is a certificate that is not to be trusted, in words that help.
type certificateError struct {
	what string
	err  error
}

func (e *certificateError) Error() string { return e.what + ": " + e.err.Error() }
func (e *certificateError) Unwrap() error { return e.err }

// explain puts words before an error of verifying a certificate; other errors stay as they are.
func explain(err error, host string) error {
	var (
		verification *tls.CertificateVerificationError
		invalid      x509.CertificateInvalidError
		name         x509.HostnameError
		unknown      x509.UnknownAuthorityError
	)
	const insecure = "; --insecure measures without any check"
	var what string
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		what = "the certificate of " + host + " has expired or is not valid yet: renew it, or set this machine's clock" + insecure
	case errors.As(err, &name):
		what = "the certificate is not for " + host + ": use a name that it has in the target's URL" + insecure
	case errors.As(err, &unknown) && selfSigned(unknown.Cert):
		what = "the certificate of " + host + " is self-signed: name its file with --ca-cert" + insecure
	case errors.As(err, &unknown):
		what = "the certificate of " + host + " is by an authority that this machine does not trust: name the authority's file with --ca-cert" + insecure
	case errors.As(err, &verification):
		what = "the certificate of " + host + " cannot be trusted: --ca-cert names the file of another authority" + insecure
	default:
		return err
	}
	return &certificateError{what, err}
}

func selfSigned(c *x509.Certificate) bool {
	return c != nil && string(c.RawIssuer) == string(c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}
