package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// TestTheWorstIsFirst wants that nothing stands above what makes figures worthless.
func TestTheWorstIsFirst(t *testing.T) {
	t.Parallel()
	run := interrupted()
	run.Generator.Verdict, run.Generator.Reasons, run.CheckSkipped = result.Invalid, []string{"It was late."}, true
	m := model(t, run)
	if text := terminal(t, m, report.Options{Width: 200}); !strings.HasPrefix(text, "!! INVALID: ") {
		t.Errorf("the terminal begins with %.60s", text)
	}
	text := markdown(t, m)
	last := 0
	for _, part := range []string{"# ec2", "> [!CAUTION]\n> INVALID: ", "> INTERRUPTED: ", "> [!WARNING]\n> NOT CHECKED: ", "## In short"} {
		at := strings.Index(text, part)
		if at < last {
			t.Errorf("%q is at %d, not after %d, in\n%.900s", part, at, last, text)
		}
		last = at
	}
}

// TestMissedByAHair: limits are as they were given, and a figure that is above one reads so.
func TestMissedByAHair(t *testing.T) {
	t.Parallel()
	run := queueing()
	run.Thresholds = run.Judge()
	for i := range run.Thresholds {
		th := &run.Thresholds[i]
		switch {
		case th.Target != "lambda" || th.Phase != "":
		case th.Metric == scenario.MetricP99:
			th.Value, th.Met = new(50_020.), false
		case th.Metric == scenario.MetricErrorRate:
			th.Value, th.Met = new(0.0010004), false
		}
	}
	m := model(t, run)
	for form, text := range map[string]string{"terminal": terminal(t, m, report.Options{}), "Markdown": markdown(t, m), "HTML": string(page(t, m))} {
		for _, want := range []string{"p99 ≤ 50ms", "MISSED, 50.02 ms", "Error rate ≤ 0.1%", "MISSED, 0.10004 %"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %s", want, form)
			}
		}
	}
}

func TestLoadInWords(t *testing.T) {
	t.Parallel()
	closed := normal()
	http2 := queueing()
	http2.Scenario.Protocol, http2.Scenario.Phases[0].Arrivals = scenario.HTTP2, scenario.Poisson
	tests := []struct {
		name string
		run  *result.Run
		want []string
		not  []string
	}{
		{
			"closed", closed,
			[]string{
				"closed loop, 20 workers: capacity measurement, not user experience", "## Totals (capacity measurement, not user experience)",
				"Closed loop: this is a capacity measurement, not user experience.",
			},
			[]string{"grace", "response  ", "Waiting:", "Thresholds"},
		},
		{
			"open, and a target that stalls", queueing(),
			[]string{
				"open loop, 0/s to 400/s, constant arrivals, up to 10 connections, grace 1s",
				"Waiting: requests to ec2 waited for a free connection, of which there were 10: p99 response 1.89 s beside p99 service 1.60 ms, in total.",
				"Thresholds: lambda met all 9.", "| 50/s..400/s |", "| total | p99 ≤ 50ms",
			},
			[]string{"capacity measurement", "NEVER SENT", "requests to lambda waited"},
		},
		{"HTTP/2", http2, []string{"constant and Poisson arrivals, up to 10 streams, HTTP/2, grace", "waited for a free stream"}, []string{"free connection, of which"}},
		{
			"never sent", unsent(),
			[]string{
				"(13.6 %). The target, or the cap of 2 connections, could not take the load.", "MISSED, failed", "Where it says failed, the percentile falls on",
				"| TLS handshake of it, max", "| Waited, max", "a fresh connection for each request", "Each request had a fresh connection.",
			},
			[]string{"No request failed"},
		},
		{
			"capacity", capacity(),
			[]string{
				"Capacity: ec2 kept p99=50ms,p99_9=250ms,error_rate=0.1% at 4,100/s and missed it at 4,250/s; limited by the target, 3 trials.",
				"Capacity of lambda over ec2: 0.422x (0.402x to 0.453x).", "<summary>The trials of lambda</summary>", "MISSED, fell behind, generator at its limits",
				"--find-capacity \\\n  --slo 'p99=50ms,p99_9=250ms,error_rate=0.1%'",
			},
			[]string{"did not run the same phases", "--rounds", "open loop, 200/s"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := markdown(t, model(t, test.run))
			for _, part := range test.want {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in\n%s", part, text)
				}
			}
			for _, part := range test.not {
				if strings.Contains(text, part) {
					t.Errorf("%q is in\n%s", part, text)
				}
			}
		})
	}
}

func TestCapacityInWords(t *testing.T) {
	t.Parallel()
	with := func(change func(*result.Capacity)) *result.Run {
		run := capacity()
		change(run.Targets[1].Capacity)
		return run
	}
	for want, run := range map[string]*result.Run{
		"lambda kept p99=50ms,p99_9=250ms,error_rate=0.1% at 1,730/s, and missed it at no rate; limited by the highest rate that was allowed": with(func(c *result.Capacity) {
			c.MissedRPS, c.HighRPS, c.LimitedBy = nil, nil, result.LimitMaxRate
		}),
		"lambda over ec2: 0.422x at least: lambda may be able to take more.":      with(func(c *result.Capacity) { c.LimitedBy = result.LimitGenerator }),
		"lambda kept p99=50ms,p99_9=250ms,error_rate=0.1% at no rate; the lowest": with(func(c *result.Capacity) { c.KeptRPS, c.LowRPS = nil, nil }),
		"lambda was not seen to keep p99=50ms,p99_9=250ms,error_rate=0.1%, which does not say that it cannot: the load generator itself": with(func(c *result.Capacity) {
			c.KeptRPS, c.LowRPS, c.LimitedBy = nil, nil, result.LimitGenerator
		}),
		"lambda has no trial that tells; the search ended before it knew": with(func(c *result.Capacity) { *c = result.Capacity{} }),
		"limited by the target; the search was cut short, 3 trials.":      with(func(c *result.Capacity) { c.Converged = false }),
	} {
		text := markdown(t, model(t, run))
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%.1200s", want, text)
		}
		noNonsense(t, text)
	}
}

func TestGeneratorInTheHeader(t *testing.T) {
	t.Parallel()
	lag := func(samples int) *result.Summary {
		h := result.NewHistogram()
		for range samples {
			h.Record(30 * time.Microsecond)
		}
		s := h.Summary()
		return &s
	}
	for want, given := range map[string]*result.Summary{
		", sent late by 30 µs at p99, 30 µs at most\n": lag(1000), ", sent late by at most 30 µs\n": lag(999), " of memory\n": nil,
	} {
		run := normal()
		run.Generator.SendLag = given
		if text := terminal(t, model(t, run), report.Options{Width: 200}); !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%.600s", want, text)
		}
	}
}

// TestThresholdsOfNothing is of a run that ended before the second target's turn.
func TestThresholdsOfNothing(t *testing.T) {
	t.Parallel()
	run := interrupted()
	run.Scenario.SLO = limits()
	text := markdown(t, model(t, run))
	for _, part := range []string{"Thresholds: ec2 met all 6.", "Thresholds: lambda got no requests that count before the run was interrupted, so it is not known", "not run"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
	if strings.Contains(text, "MISSED") {
		t.Errorf("what was not run is missed in\n%s", text)
	}
	// Of a whole run nothing shows that it would be met.
	run.Interrupted = false
	text = markdown(t, model(t, run))
	for _, part := range []string{"Thresholds: lambda got no requests that count, so it met none of 3.", "MISSED, no requests"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

// TestCheapestIsOfThoseThatAreKnown: a target that was not measured may keep the SLO, and cost less.
func TestCheapestIsOfThoseThatAreKnown(t *testing.T) {
	t.Parallel()
	for want, meets := range map[string][]*bool{
		"The cheapest that keeps the SLO at this rate is ":            {new(true), new(false)},
		"None of known cost keeps the SLO at this rate.":              {new(false), new(false)},
		"The cheapest that is known to keep the SLO at this rate is ": {nil, new(true)},
		"None of known cost is known to keep the SLO at this rate.":   {nil, new(false)},
	} {
		m := model(t, withErrors())
		for i, met := range meets {
			m.Bills.List[i].Meets = met
		}
		if text := markdown(t, m); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestTooFewSamples says how many there were, in every table.
func TestTooFewSamples(t *testing.T) {
	t.Parallel()
	text := markdown(t, model(t, withErrors()))
	for _, part := range []string{"| n/a (6,990 samples) |", "n/a (400 samples)", "| n/a (10 samples) |", "Too few samples: "} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}
