package cost_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// The files in testdata/offers are written by hand in the shape that AWS documents for its bulk price list. No real offer file was read, and
// all prices in them are made up, so that they differ from the built-in ones.

func readOffers(t *testing.T) *cost.Table {
	t.Helper()
	var table cost.Table
	for _, offer := range cost.Offers() {
		data, err := os.ReadFile("testdata/offers/" + offer + ".json")
		if err != nil {
			t.Fatal(err)
		}
		o, err := cost.ReadOffer(iotest.OneByteReader(bytes.NewReader(data)), offer, func(kind string) bool { return kind != "x9.huge" })
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Ambiguous) != 0 {
			t.Errorf("%s: ambiguous %v", offer, o.Ambiguous)
		}
		table.Add("eu-west-1", o, time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC), "https://list.example")
	}
	return &table
}

func TestOffers(t *testing.T) {
	t.Parallel()
	data, err := readOffers(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	p, err := cost.ParsePrices("refreshed", data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key          string
		amount, want float64
	}{
		{"lambda.request", 1e6, 0.21},
		{"lambda.gb_second.x86_64", 16e9, 6e9*0.000017 + 9e9*0.000016 + 1e9*0.000014},
		{"lambda.gb_second.arm64", 1e6, 13.4},
		{"lambda.provisioned_concurrency.arm64", 1e6, 4},
		{"ec2.t4g.small", 1, 0.019},
		{"ec2.c9g.large", 1, 0.09},
		{"ebs.gp3.gb_month", 1, 0.09},
		{"ebs.gp3.mibps_month", 1, 0.044}, // 45.056 a GiB/s
		{"nat.hour", 1, 0.049},
		{"alb.hour", 1, 0.026},
		{"alb.lcu_hour", 1, 0.0085},
		{"http_api.request", 301e6, 300*1.12 + 1.01},
		{"rest_api.request", 334e6, 333*3.6 + 2.9},
		{"ipv4.hour", 1, 0.0055},
		{"vpc_endpoint.hour", 1, 0.011},
		{"logs.ingest_gb", 1, 0.58},
		{"elasticache.t4g.micro.valkey", 1, 0.014},
		{"data_out.gb", 10241, 10240*0.091 + 0.086},
		{"s3.put", 1e6, 5.1},
	} {
		got, ok := p.Rate("eu-west-1", c.key).Cost(c.amount)
		if !ok || fmt.Sprintf("%.6f", got) != fmt.Sprintf("%.6f", c.want) {
			t.Errorf("%g of %s cost %g, %t; expected %g", c.amount, c.key, got, ok, c.want)
		}
		if tier := p.Rate("eu-west-1", c.key).Tiers; len(tier) > 0 && tier[0].AsOf != "2026-11-20" {
			t.Errorf("%s is of %s, the list of 2026-11-20", c.key, tier[0].AsOf)
		}
	}
	for _, key := range []string{"ec2.x9.huge", "elasticache.t4g.micro.redis", "lambda.ephemeral_storage"} {
		if tiers := p.Rate("eu-west-1", key).Tiers; len(tiers) > 0 {
			t.Errorf("%s was not to be kept: %v", key, tiers)
		}
	}
	if i := p.Instances["c9g.large"]; i.VCPU != 2 || i.MemoryGiB != 4 || i.Arch != cost.ARM64 {
		t.Errorf("c9g.large is %+v", i)
	}
	if _, ok := p.Instances["t4g.small"]; ok {
		t.Error("a type that is known already loses its baseline")
	}
}

func TestBrokenOffersAreRefused(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/offers/AWSLambda.json")
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "unexpected EOF"},
		"no offer":       {`{"message":"not found"}`, "is no offer file"},
		"html":           {"<html>", "invalid character"},
		"list":           {"[]", "expected an object"},
		"another offer":  {strings.Replace(good, `"AWSLambda"`, `"AmazonEC2"`, 1), `is the offer of "AmazonEC2"`},
		"negative":       {strings.Replace(good, `"0.0000002100"`, `"-1"`, 1), "a price of -1 USD"},
		"no number":      {strings.Replace(good, `"0.0000002100"`, `"free"`, 1), "SKU"},
		"hole":           {strings.Replace(good, `"endRange": "6000000000"`, `"endRange": "5000000000"`, 1), "do not follow each other"},
		"end":            {strings.Replace(good, `"endRange": "Inf"`, `"endRange": "7"`, 1), "its tiers end at 7"},
		"terms first":    {`{"terms":{}}`, "terms before its products"},
		"cut in a term":  {good[:len(good)*3/4], "EOF"},
		"cut in a field": {good[:len(good)/3], "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := cost.ReadOffer(strings.NewReader(c.text), "AWSLambda", func(string) bool { return true })
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "AWSLambda") {
				t.Errorf("%v, %+v: expected %q", err, o, c.want)
			}
		})
	}
	broken := errors.New("the line is cut")
	if _, err := cost.ReadOffer(io.MultiReader(strings.NewReader(good[:200]), iotest.ErrReader(broken)), "AWSLambda", nil); !errors.Is(err, broken) {
		t.Errorf("%v: expected the error of the reader", err)
	}
}

// TestSeveralPricesAreNone leaves a price as it is where the list has two for it.
func TestSeveralPricesAreNone(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/offers/AWSELB.json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "LoadBalancing:Network", "LoadBalancing:Application", 1)
	o, err := cost.ReadOffer(strings.NewReader(text), "AWSELB", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Ambiguous) != 1 || o.Ambiguous[0] != "alb.hour" || o.Prices["alb.hour"] != nil || o.Prices["alb.lcu_hour"] == nil {
		t.Errorf("ambiguous %v, prices %v", o.Ambiguous, o.Prices)
	}
}

// TestLogsWithoutAnOperation: the usage type alone says what is paid for, where the list says no more.
func TestLogsWithoutAnOperation(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/offers/AmazonCloudWatch.json")
	if err != nil {
		t.Fatal(err)
	}
	for operation, want := range map[string]bool{"PutLogEvents": true, "": true, "VendedLogs": false} {
		text := strings.Replace(string(data), `"operation": "PutLogEvents"`, `"operation": "`+operation+`"`, 1)
		o, err := cost.ReadOffer(strings.NewReader(text), "AmazonCloudWatch", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Prices["logs.ingest_gb"] != nil; got != want {
			t.Errorf("the operation %q: there is a price: %v, want %v", operation, got, want)
		}
	}
}

func FuzzReadOffer(f *testing.F) {
	for _, offer := range []string{"AWSLambda", "AmazonEC2"} {
		data, err := os.ReadFile("testdata/offers/" + offer + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, offer)
	}
	f.Fuzz(func(t *testing.T, data []byte, offer string) {
		o, err := cost.ReadOffer(bytes.NewReader(data), offer, func(string) bool { return true })
		if err != nil {
			return
		}
		var table cost.Table
		table.Add("eu-west-1", o, time.Unix(0, 0), "fuzz")
		text, err := table.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cost.ParsePrices("fuzz", text); err != nil && o.Published.Year() > 1000 && o.Published.Year() < 9999 {
			t.Fatalf("what was read is no prices file: %v", err)
		}
	})
}
