package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

func TestSpend(t *testing.T) {
	t.Parallel()
	total := func(v float64) *spendEstimate { return &spendEstimate{USD: &v, AtLeast: v} }
	aws := []target.Spec{{Name: "ec2", Kind: target.KindEC2, Region: "us-east-1"}, {Name: "here", Kind: target.KindProcess}, {Name: "lambda", Kind: target.KindLambda, Region: "us-east-1"}}
	for name, tt := range map[string]struct {
		specs    []target.Spec
		estimate *spendEstimate
		said     string
		refused  string
	}{
		"below":          {aws, total(0.0123), "Estimated cost of this run: 0.012 USD", ""},
		"at it":          {aws, total(1), "Estimated cost of this run: 1.00 USD", ""},
		"above":          {aws, total(1.5), "Estimated cost of this run: 1.50 USD", "the run is estimated to cost 1.50 USD, above --max-cost 1: raise that"},
		"not a number":   {aws, total(math.NaN()), "NaN", "above --max-cost 1"},
		"unknown price":  {aws, &spendEstimate{AtLeast: 0.5, Notes: []string{"The price of t9.nano is not known."}}, "Estimated cost of this run: at least 0.5 USD (The price of t9.nano is not known.)", ""},
		"at least above": {aws, &spendEstimate{AtLeast: 20}, "at least 20.00 USD", "at least 20.00 USD, above --max-cost 1"},
		"nothing on AWS": {[]target.Spec{{Kind: target.KindURL, URL: "http://h"}, {Kind: target.KindBootstrap}}, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spend{max: defaultMaxCost, estimate: func(_ *scenario.Scenario, rounds int, specs []target.Spec) (*spendEstimate, error) {
				if diff := cmp.Diff([]string{"ec2", "lambda"}, []string{specs[0].Name, specs[len(specs)-1].Name}); diff != "" || rounds != 3 {
					t.Errorf("%d rounds on (-want +got):\n%s", rounds, diff)
				}
				return tt.estimate, nil
			}}
			var said strings.Builder
			err := s.check(&scenario.Scenario{}, 3, tt.specs, func(format string, args ...any) { fmt.Fprintf(&said, format, args...) })
			if !strings.Contains(said.String(), tt.said) || tt.said == "" && said.Len() > 0 {
				t.Errorf("it says %q; want %q", said.String(), tt.said)
			}
			if (err != nil) != (tt.refused != "") || err != nil && (!strings.Contains(err.Error(), tt.refused) || exitStatus(err) != exitUsage) {
				t.Errorf("error is %v; want %q", err, tt.refused)
			}
		})
	}
	for _, bad := range []float64{-1, math.NaN()} {
		if err := (&spend{max: bad}).validate(); err == nil {
			t.Errorf("--max-cost %g is taken", bad)
		}
	}
}
