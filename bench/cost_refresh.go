package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// refreshOptions are about reading AWS's price list.
type refreshOptions struct {
	on      bool
	list    string
	out     string
	timeout time.Duration
}

var refreshFlags = []string{"refresh", "price-list", "prices-out", "refresh-timeout", "region", "instance-type"}

// maxOfferBytes of one service: that of EC2 has some hundreds of megabytes in a large region.
const maxOfferBytes = 2 << 30

func (o *refreshOptions) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.on, "refresh", false, "read the prices of --region from AWS's public price list, some hundreds of megabytes, into a file for --prices")
	f.StringVar(&o.list, "price-list", "https://pricing.us-east-1.amazonaws.com", "with --refresh: address of the price list")
	f.StringVar(&o.out, "prices-out", "prices.json", "with --refresh: the file to write")
	f.DurationVar(&o.timeout, "refresh-timeout", 15*time.Minute, "with --refresh: time-out of all of it")
}

// run reads all offers, and writes what could be read.
func (o *refreshOptions) run(ctx context.Context, std streams, region, instanceType string, now time.Time) error {
	base, err := url.Parse(o.list)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return usageError{fmt.Errorf("--price-list %q: expected an address such as https://pricing.us-east-1.amazonaws.com", o.list)}
	}
	if o.timeout <= 0 {
		return usageError{fmt.Errorf("--refresh-timeout %s: expected a duration above zero", o.timeout)}
	}
	if err := checkRegionName(region); err != nil {
		return usageError{err}
	}
	ctx, _, stop := watchSignals(ctx, nil)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(std.err, format+"\n", args...) }
	wanted := func(t string) bool { _, known := cost.Embedded().Instances[t]; return known || t == instanceType }
	var table cost.Table
	var errs []error
	read := 0
	for _, offer := range cost.Offers() {
		address := base.JoinPath(cost.OfferPath(offer, region)).String()
		prices, err := fetchOffer(ctx, address, offer, wanted)
		if err != nil {
			errs = append(errs, err)
			if ctx.Err() != nil {
				break
			}
			continue
		}
		for _, key := range prices.Ambiguous {
			say("%s: the list has several prices for %s; it is left as it is", offer, key)
		}
		say("%s: %s of %s", offer, numeral.Plural(len(prices.Prices), "price"), prices.Published.UTC().Format(time.DateOnly))
		read += len(prices.Prices)
		table.Add(region, prices, now, o.list)
	}
	if read == 0 {
		return fmt.Errorf("no price was read and nothing was written; bench cost works without it, with the built-in prices of %s: %w",
			cost.Embedded().Written, errors.Join(errs...))
	}
	if err := writePrices(&table, o.out); err != nil {
		return errors.Join(append(errs, err)...)
	}
	if _, err := fmt.Fprintf(std.out, "%s written: %s of %s. Use it with --prices %s.\n", o.out, numeral.Plural(read, "price"), region, o.out); err != nil {
		return errors.Join(append(errs, err)...)
	}
	if len(errs) > 0 {
		return fmt.Errorf("not all of it could be read, what is not in %s stays as built in: %w", o.out, errors.Join(errs...))
	}
	return nil
}

// checkRegionName keeps anything but a region out of the address.
func checkRegionName(region string) error {
	for _, c := range region {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("--region %q: expected a region such as eu-west-1", region)
		}
	}
	if region == "" {
		return errors.New("--region: expected a region such as eu-west-1, got an empty name")
	}
	return nil
}

// fetchOffer reads one service's prices as they come.
func fetchOffer(ctx context.Context, address, offer string, wanted func(string) bool) (*cost.OfferPrices, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("reading the offer %s (is there a network?): %w", offer, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reading the offer %s: %s answered %s", offer, address, answer.Status)
	}
	body := &io.LimitedReader{R: answer.Body, N: maxOfferBytes}
	prices, err := cost.ReadOffer(body, offer, wanted)
	if err != nil && body.N <= 0 {
		return nil, fmt.Errorf("reading the offer %s: has more than %s bytes", offer, numeral.Exact(maxOfferBytes))
	}
	return prices, err
}

// writePrices replaces the file at once, so that one that is there is never half written.
func writePrices(t *cost.Table, path string) error {
	data, err := t.Encode()
	if err != nil {
		return err
	}
	if err := result.WriteFile(path, data); err != nil {
		return fmt.Errorf("writing prices: %w", err)
	}
	return nil
}
