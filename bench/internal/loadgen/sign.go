package loadgen

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sigv4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// signEvery is how often requests that are always the same are signed again. A signature holds for five minutes.
const signEvery = time.Minute

// Signing says how requests to a target are signed by AWS Signature Version 4.
type Signing struct {
	// Region and Service are what signatures are for, such as us-east-1 and lambda.
	Region, Service string
	// Credentials are asked for before the load and every minute. They must refresh themselves, some minutes before they expire.
	Credentials aws.CredentialsProvider
}

// signer signs the requests to one target. The credentials are at hand, so that signing never waits.
type signer struct {
	Signing
	algorithm *sigv4.Signer
	current   atomic.Pointer[aws.Credentials]

	mu      sync.Mutex
	renewed int64
	failed  int64
	failure error
}

// newSigner refuses steps that bring what signing adds.
func newSigner(s *Signing, steps []scenario.Step) (*signer, error) {
	var errs []error
	for _, step := range steps {
		for _, own := range []string{"authorization", "x-amz-date", "x-amz-security-token"} {
			if _, ok := step.Headers[own]; ok {
				errs = append(errs, fmt.Errorf("step %s: requests are signed, which adds the header %s: leave it out", step.Name, own))
			}
		}
	}
	return &signer{Signing: *s, algorithm: sigv4.NewSigner()}, errors.Join(errs...)
}

// renew asks for the credentials. If there are none, those from before stay; without those it is an error.
func (s *signer) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signEvery/2)
	defer cancel()
	c, err := s.Credentials.Retrieve(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewed++
	if err == nil {
		s.current.Store(&c)
		return nil
	}
	s.failed++
	s.failure = err
	if s.current.Load() == nil {
		return fmt.Errorf("getting AWS credentials: %w", err)
	}
	return nil
}

// trouble says in a sentence what went wrong with later credentials; empty if nothing did.
func (s *signer) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == 0 {
		return ""
	}
	return fmt.Sprintf("AWS credentials could not be had %d of %d times, those from before were used: %v", s.failed, s.renewed, s.failure)
}

// sign adds the headers of a signature to m, in place of those of an older one.
func (s *signer) sign(m *message, now time.Time) {
	m.headers = m.headers[:m.unsigned]
	m.signed = now
	credentials := s.current.Load()
	if credentials == nil {
		m.err = errors.New("there are no AWS credentials yet")
		return
	}
	r, err := m.canonical()
	if err != nil {
		m.err = err
		return
	}
	hash := sha256.Sum256(m.body)
	if err := s.algorithm.SignHTTP(context.Background(), *credentials, r, hex.EncodeToString(hash[:]), s.Service, s.Region, now); err != nil {
		m.err = fmt.Errorf("signing: %w", err)
		return
	}
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		if value := r.Header.Get(name); value != "" {
			m.headers = append(m.headers, field{name, []byte(value)})
		}
	}
}

// canonical is the message in the form that the signer takes, with path and query as they are sent.
func (m *message) canonical() (*http.Request, error) {
	path, query, _ := strings.Cut(string(m.target), "?")
	if _, err := url.ParseQuery(query); err != nil {
		return nil, fmt.Errorf("the query %q cannot be signed: %w", query, err)
	}
	// Without a scheme a port stays in the host, as it does in what is sent.
	r := &http.Request{Method: m.method, URL: &url.URL{RawQuery: query}, Header: make(http.Header, len(m.headers)), ContentLength: int64(len(m.body))}
	for _, h := range m.headers {
		switch name := textproto.CanonicalMIMEHeaderKey(h.name); name {
		case "Host":
			r.Host = string(h.value)
		case "Connection": // which is for the next hop only
		default:
			r.Header[name] = append(r.Header[name], string(h.value))
		}
	}
	r.URL.Opaque = "//" + r.Host + path
	return r, nil
}

// signStatic signs the requests that are always the same anew. Workers go on sending the old ones until the new ones are there.
func (c *client) signStatic() {
	for i := range c.requests {
		if r := &c.requests[i]; r.static && r.signer != nil {
			m := &message{}
			r.render(m, c.scenario.NewVariables())
			r.signed.Store(m)
		}
	}
}
