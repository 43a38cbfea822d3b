package result_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// recording makes the lines of a journal from samples, and beside them keeps all samples of a span in one histogram, which is what
// merging the intervals must give.
type recording struct {
	t      testing.TB
	text   bytes.Buffer
	random *rand.Rand
	run    *result.Run
	now    time.Time
	open   bool // the load has a schedule
}

func newRecording(t testing.TB, open bool, targets ...string) *recording {
	t.Helper()
	s := scenario.Scenario{
		Name: "some", Load: scenario.Closed, Workers: 4, Order: scenario.Blocks, Timeout: scenario.Duration(time.Second),
		Steps:  []scenario.Step{{Name: "post", Method: "POST", Path: "/", Body: []byte("<&>")}, {Name: "get", Method: "GET", Path: "/"}},
		Phases: []scenario.Phase{{Name: "warm", Workers: 2, Iterations: 1, Warmup: true}, {Name: "peak", Workers: 4, Iterations: 1}},
	}
	run := &result.Run{
		SchemaVersion: result.SchemaVersion, StartedAt: time.Date(2026, time.July, 31, 9, 30, 0, 0, time.UTC), Scenario: s, Seed: 1, Rounds: 1,
		Generator: result.Generator{Verdict: result.Valid, Reasons: []string{}}, Targets: []result.Target{}, Warnings: []string{},
	}
	for _, name := range targets {
		run.Targets = append(run.Targets, result.Target{Name: name, Kind: "url", URL: "http://127.0.0.1:1", Provenance: result.Measured})
	}
	r := &recording{t: t, random: rand.New(rand.NewPCG(1, 2)), run: run, now: run.StartedAt, open: open}
	r.write(result.JournalHead{Run: run})
	return r
}

func (r *recording) write(line interface{ Line() ([]byte, error) }) {
	r.t.Helper()
	text, err := line.Line()
	if err != nil {
		r.t.Fatal(err)
	}
	r.text.Write(text)
}

// span has all samples of a span in one histogram of each kind.
type span struct {
	wall                                                           time.Duration
	errors                                                         map[string]int64
	response, service, failed, connects, handshakes, lag, due, app *result.Histogram
}

func newSpan() *span {
	h := result.NewHistogram
	return &span{errors: map[string]int64{}, response: h(), service: h(), failed: h(), connects: h(), handshakes: h(), lag: h(), due: h(), app: h()}
}

func (s *span) stats() result.Stats {
	some := func(h *result.Histogram) *result.Summary {
		if h.Count() == 0 {
			return nil
		}
		summary := h.Summary()
		return &summary
	}
	out := result.Stats{
		Successes: s.response.Count(), Requests: s.response.Count(), Errors: s.errors, ResponseTime: s.response.Summary(),
		ServiceTime: s.service.Summary(), ErrorTime: s.failed.Summary(), ConnectTime: s.connects.Summary(), TLSTime: some(s.handshakes),
		SendLag: some(s.lag), UnsentTime: some(s.due), ServerTiming: result.NewServerTiming(s.app, nil, nil),
	}
	for _, n := range s.errors {
		out.Requests += n
	}
	if s.wall > 0 {
		wall := s.wall.Seconds()
		rps := float64(out.Successes) / wall
		out.WallS, out.ThroughputRPS = &wall, &rps
	}
	return out
}

func (r *recording) took() time.Duration {
	return time.Duration(1+r.random.ExpFloat64()*3e6) * time.Nanosecond * time.Duration(1+r.random.IntN(50))
}

// request records one in all spans that it is part of. Connections and lag are none of a step's.
func (r *recording) request(whole, steps []*span) {
	all := append(append([]*span{}, whole...), steps...)
	response, service, kind := r.took(), r.took(), ""
	switch r.random.IntN(20) {
	case 0:
		kind = "timeout"
	case 1:
		kind = "unsent"
	case 2:
		for _, s := range whole {
			s.connects.Record(service)
			s.handshakes.Record(service / 2)
		}
	}
	if !r.open {
		service = response
	}
	for _, s := range all {
		switch kind {
		case "":
			s.response.Record(response)
			s.service.Record(service)
		case "unsent":
			s.errors[kind]++
			s.due.Record(response)
		default:
			s.errors[kind]++
			s.failed.Record(response)
		}
	}
	if kind == "" {
		for _, s := range whole {
			s.app.Record(service / 3)
		}
	}
	if r.open {
		for _, s := range whole {
			s.lag.Record(response / 100)
		}
	}
}

// turn writes one of so many intervals, each of so many requests, and records it in into: the whole, and then each step.
func (r *recording) turn(target int, phase result.PhaseStats, intervals, requests int, end bool, into ...*span) {
	turn := newSpan()
	for n := range intervals {
		line := result.JournalInterval{
			Target: r.run.Targets[target].Name, At: r.now.Add(time.Duration(n+1) * time.Second), FromS: float64(n), ToS: float64(n + 1), InFlight: 3,
			Phase: phase,
		}
		now, parts := newSpan(), []*span{newSpan(), newSpan()}
		for range requests {
			step := r.random.IntN(2)
			whole := append([]*span{turn, now}, into[:min(1, len(into))]...)
			part := []*span{parts[step]}
			if len(into) > 0 {
				part = append(part, into[1+step])
			}
			r.request(whole, part)
		}
		line.Phase.Stats = now.stats()
		for i, p := range parts {
			line.Steps = append(line.Steps, result.StepStats{Name: r.run.Scenario.Steps[i].Name, Stats: p.stats()})
		}
		for kind := range now.errors {
			line.Examples = append(line.Examples, result.ErrorSample{Kind: kind, Phase: phase.Name, Step: "get", Detail: fmt.Sprint("in interval ", n)})
		}
		if n == 0 && requests > 0 && now.response.Count() > 0 {
			cold := now.response.Summary()
			line.Cold = &cold
		}
		r.write(line)
	}
	r.now = r.now.Add(time.Duration(intervals) * time.Second)
	wall := time.Duration(intervals)*time.Second - 123456789
	turn.wall = wall
	if len(into) > 0 {
		into[0].wall += wall
	}
	if end {
		s := wall.Seconds()
		cpu := 0.25
		r.write(result.JournalTurn{
			Target: r.run.Targets[target].Name, At: r.now, Phase: phase.Name, Round: phase.Round, WallS: &s,
		})
		r.write(result.JournalHealth{Generator: result.Generator{Verdict: result.Valid, Reasons: []string{}, CPUFraction: &cpu}})
	}
	phase.Stats = turn.stats()
	r.run.Targets[target].Phases = append(r.run.Targets[target].Phases, phase)
}
