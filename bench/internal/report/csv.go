package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/stats"
)

// Tables are all tables of the report as one table for programs: a line for each figure of each target, not scaled and not rounded. A
// figure that cannot be given is empty.
func Tables(m *analysis.Model) ([]byte, error) {
	t := &csvTable{model: m}
	t.line("table", "section", "metric", "unit", "target", "value", "too_few_samples", "ratio", "comparison")
	t.rows("totals", "", m.Totals)
	t.sections("phases", m.Phases)
	t.sections("steps", m.Steps)
	for _, r := range m.Rounds {
		t.rows("rounds", strconv.Itoa(r.Number), r.Rows)
	}
	t.comparisons()
	t.thresholds()
	t.capacity()
	t.bills()
	t.errors()
	t.rows("errors", "", m.ErrorTimes)
	t.rows("unsent", "", m.Unsent)
	t.rows("cold_starts", "", m.ColdStarts)
	t.coldWarm()
	t.rows("lambda", "", m.Lambda)
	t.rows("instances", "", m.Instances)
	t.rows("connections", "", m.Connections)
	for _, r := range m.Generator {
		t.figure("generator", "", r.Metric, "", r.Cells[0])
	}
	t.curves()
	return t.bytes()
}

// Intervals are the figures of each interval of each target; m must have a timeline.
func Intervals(m *analysis.Model) ([]byte, error) {
	t := &csvTable{model: m}
	t.line("target", "phase", "round", "from_s", "to_s", "requests", "errors", "cold_requests", "throughput_rps", "p50_us", "p99_us", "max_us")
	for i, list := range m.Timeline.Moments {
		for j := range list {
			at := &list[j]
			t.line(t.target(i), spreadsheetSafe(at.Phase), strconv.Itoa(at.Round), clock(at.FromS), clock(at.ToS),
				strconv.FormatInt(at.Requests, 10), strconv.FormatInt(at.Errors, 10), strconv.FormatInt(at.Cold, 10),
				number(at.Throughput), number(at.Median), number(at.Tail), number(at.Worst))
		}
	}
	return t.bytes()
}

type csvTable struct {
	model *analysis.Model
	lines [][]string
}

func (t *csvTable) line(cells ...string) { t.lines = append(t.lines, cells) }

func (t *csvTable) bytes() ([]byte, error) {
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(t.lines); err != nil {
		return nil, fmt.Errorf("writing a table: %w", err)
	}
	return out.Bytes(), nil
}

func (t *csvTable) target(i int) string { return spreadsheetSafe(t.model.Targets[i].Name) }

// spreadsheetSafe keeps a text of unknown origin from being a formula where a spreadsheet opens the file.
func spreadsheetSafe(s string) string {
	s = printable(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// number is a figure with all its digits; empty where it is missing.
func number(v analysis.Value) string {
	n, ok := v.Get()
	if !ok {
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// clock is a time in seconds to the microsecond.
func clock(s float64) string { return strconv.FormatFloat(s, 'f', 6, 64) }

func unitName(u analysis.Unit) string {
	switch u {
	case analysis.Microseconds:
		return "us"
	case analysis.PerSecond:
		return "1/s"
	case analysis.Share:
		return "share"
	case analysis.Bytes:
		return "bytes"
	case analysis.Count:
	}
	return "count"
}

func (t *csvTable) rows(table, section string, rows []analysis.Row) {
	for _, r := range rows {
		for i, c := range r.Cells {
			t.figure(table, section, r.Metric, t.target(i), c)
		}
	}
}

func (t *csvTable) sections(table string, list []analysis.Section) {
	for _, s := range list {
		if s.Ran {
			t.rows(table, spreadsheetSafe(s.Name), s.Rows)
		}
	}
}

func (t *csvTable) figure(table, section string, m analysis.Metric, target string, c analysis.Cell) {
	few := ""
	if samples, ok := c.Value.TooFew(); ok {
		few = strconv.FormatInt(samples, 10)
	}
	standing := map[analysis.Standing]string{analysis.Better: "better", analysis.Same: "same", analysis.Worse: "worse"}[c.Standing]
	t.line(table, section, m.Key, unitName(m.Unit), target, number(c.Value), few, number(c.Ratio), standing)
}

// value is a figure that is compared to nothing.
func (t *csvTable) value(table, section, key, unit string, target int, v analysis.Value) {
	t.line(table, section, key, unit, t.target(target), number(v), "", "", "")
}

// comparisons are what the rounds tell.
func (t *csvTable) comparisons() {
	for _, c := range t.model.Comparisons {
		value := func(key string, v *float64) {
			if v != nil {
				t.value("rounds_tell", c.Metric.Key, key, "", c.Target, analysis.Known(*v))
			}
		}
		key := "ratio"
		if c.Scale == stats.Difference {
			key = "difference"
		}
		value(key, c.Effect)
		if c.Interval != nil {
			value(key+"_low", &c.Interval.Low)
			value(key+"_high", &c.Interval.High)
		}
		value("p", c.P)
		value("p_adjusted", c.Adjusted)
		value("p_rank", c.RankP)
		more := float64(c.More)
		value("more_rounds", &more)
	}
}

// coldWarm has the times of cold and warm requests, and what the model expects at other rates after the shortest and the longest idle
// time.
func (t *csvTable) coldWarm() {
	for _, c := range t.model.ColdWarm {
		for _, r := range c.Rows {
			t.value("cold_warm", "all", r.Metric.Key, unitName(r.Metric.Unit), c.Target, r.All)
			t.value("cold_warm", "warm", r.Metric.Key, unitName(r.Metric.Unit), c.Target, r.Warm)
			t.value("cold_warm", "cold", r.Metric.Key, unitName(r.Metric.Unit), c.Target, r.Cold)
		}
		for _, tail := range c.Tails {
			section := strconv.FormatFloat(tail.RateRPS, 'g', 6, 64)
			for i, idle := range []string{"shortest_idle", "longest_idle"} {
				t.value("other_rates", section, "cold_share_"+idle, "share", c.Target, tail.Share[i])
				t.value("other_rates", section, "p50_"+idle, "us", c.Target, tail.P50[i].Value)
				t.value("other_rates", section, "p99_"+idle, "us", c.Target, tail.P99[i].Value)
			}
		}
	}
}

func (t *csvTable) thresholds() {
	for _, h := range t.model.Thresholds {
		section := "total"
		if h.Phase != "" {
			section = spreadsheetSafe(h.Phase)
		}
		for i, held := range h.Held {
			if held == nil {
				continue
			}
			t.value("thresholds", section, h.Metric.Key+"_limit", unitName(h.Metric.Unit), i, h.Limit)
			t.value("thresholds", section, h.Metric.Key, unitName(h.Metric.Unit), i, held.Value)
			met := map[bool]float64{true: 1}[held.Met]
			t.value("thresholds", section, h.Metric.Key+"_met", "count", i, analysis.Known(met))
		}
	}
}

func (t *csvTable) capacity() {
	if t.model.Capacity == nil {
		return
	}
	t.rows("capacity", "", t.model.Capacity.Rows)
	for i, c := range t.model.Capacity.Found {
		if c == nil {
			continue
		}
		for n := range c.Trials {
			t.trial(i, strconv.Itoa(n+1), &c.Trials[n])
		}
	}
}

func (t *csvTable) trial(target int, name string, trial *result.Trial) {
	optional := func(v *float64) analysis.Value {
		if v == nil {
			return analysis.Value{}
		}
		return analysis.Known(*v)
	}
	for _, f := range []struct {
		key, unit string
		value     analysis.Value
	}{
		{"rate", "1/s", analysis.Known(trial.RateRPS)},
		{"met", "count", analysis.Known(map[bool]float64{true: 1}[trial.Met])},
		{"throughput", "1/s", optional(trial.AchievedRPS)},
		{"p50", "us", analysis.Percentile(trial.P50, trial.Requests-trial.Errors, 500)},
		{"p99", "us", analysis.Percentile(trial.P99, trial.Requests-trial.Errors, 990)},
		{"requests", "count", analysis.Known(float64(trial.Requests))},
		{"errors", "count", analysis.Known(float64(trial.Errors))},
		{"unsent", "count", analysis.Known(float64(trial.Unsent))},
	} {
		t.value("trials", name, f.key, f.unit, target, f.value)
	}
}

func (t *csvTable) errors() {
	for _, k := range t.model.Errors {
		for i, n := range k.Counts {
			t.value("errors", "", spreadsheetSafe(k.Kind), "count", i, analysis.Known(float64(n)))
		}
	}
}

// curves are those of the charts. The section of a point is its x.
func (t *csvTable) curves() {
	x := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	for i := range t.model.Shapes {
		s := &t.model.Shapes[i]
		key := "response_time"
		if s.Service {
			key = "service_time"
		}
		for _, p := range s.Percentiles {
			t.value("percentiles", strings.TrimPrefix(chart.Percentile.Format(p.X), "p"), key, "us", s.Target, analysis.Known(p.Y))
		}
		for _, p := range s.Cumulative {
			t.value("latency_cdf", x(p.X), key, "share", s.Target, analysis.Known(p.Y))
		}
	}
	if b := t.model.BreakEven; b != nil {
		for _, c := range b.Curves {
			for _, p := range c.Points {
				t.value("cost", x(p.RateRPS), "cost", "usd_month", c.Target, analysis.Known(p.USD))
				t.value("cost", x(p.RateRPS), "cost_low", "usd_month", c.Target, analysis.Known(p.Low))
				t.value("cost", x(p.RateRPS), "cost_high", "usd_month", c.Target, analysis.Known(p.High))
			}
		}
	}
	for _, w := range t.model.Waterfalls {
		for _, p := range w.Parts {
			t.value("waterfall", "", spreadsheetSafe(p.Label), "us", w.Target, p.Mean)
		}
	}
}
