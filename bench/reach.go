package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// reach is how requests get to their targets: the flags, and what comes of them before the load.
type reach struct {
	caCert   string
	insecure bool

	roots *x509.CertPool
	sign  map[string]*loadgen.Signing // by target
}

func (r *reach) flags(f *pflag.FlagSet) {
	f.StringVar(&r.caCert, "ca-cert", "", "FILE.pem with certificates to trust besides those of the system")
	f.BoolVar(&r.insecure, "insecure", false, "do not check the targets' certificates; the report says so")
}

func (r *reach) validate() error {
	if r.insecure && r.caCert != "" {
		return errors.New("--insecure and --ca-cert exclude each other: what is not checked needs no authority")
	}
	return nil
}

// open reads certificates and finds the credentials that targets need. Its errors are those of wrong usage or input.
func (r *reach) open(ctx context.Context, specs []target.Spec) error {
	if err := r.readRoots(); err != nil {
		return err
	}
	r.sign = map[string]*loadgen.Signing{}
	for _, s := range specs {
		if !s.Signed() {
			continue
		}
		credentials, err := ambientCredentials(ctx, s.Region)
		if err != nil {
			return fmt.Errorf("target %s has auth AWS_IAM, so its requests must be signed, but there are no AWS credentials: set AWS_PROFILE,"+
				" or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives them: %w", s.Name, err)
		}
		r.sign[s.Name] = &loadgen.Signing{Region: s.Region, Service: s.SigningService(), Credentials: credentials}
	}
	return nil
}

func (r *reach) readRoots() error {
	if r.caCert == "" {
		return nil
	}
	data, err := os.ReadFile(r.caCert)
	if err != nil {
		return fmt.Errorf("--ca-cert: %w", err)
	}
	if r.roots, err = x509.SystemCertPool(); err != nil {
		r.roots = x509.NewCertPool() // a system without any
	}
	if !r.roots.AppendCertsFromPEM(data) {
		return fmt.Errorf("--ca-cert %s: expected a PEM file with certificates, found none", r.caCert)
	}
	return nil
}

// Credentials are looked for so long, and renewed so long before they expire: the generator asks every minute.
const (
	credentialsPatience = 20 * time.Second
	credentialsMargin   = 5 * time.Minute
)

// ambientCredentials are those of the environment: variables, shared files, a web identity, a container's or an instance's role.
func ambientCredentials(ctx context.Context, region string) (aws.CredentialsProvider, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsPatience)
	defer cancel()
	c, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(region),
		config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = credentialsMargin }))
	if err != nil {
		return nil, err
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, err
	}
	return c.Credentials, nil
}

// targets are those of the set, as the generator takes them.
func (r *reach) targets(set *target.Set) []loadgen.Target {
	targets := make([]loadgen.Target, len(set.Targets))
	for i, t := range set.Targets {
		targets[i] = loadgen.Target{Name: t.Name, URL: t.URL, Sign: r.sign[t.Name]}
	}
	return targets
}

func (r *reach) options(seed uint64) loadgen.Options {
	return loadgen.Options{Seed: seed, RootCAs: r.roots, Insecure: r.insecure}
}

// warnings say what readers of the result must know of how targets were reached.
func (r *reach) warnings() []string {
	if !r.insecure {
		return nil
	}
	return []string{"The targets' certificates were not checked (--insecure): whoever was on the way could have answered in their place."}
}
