package analysis

import (
	"bytes"
	_ "embed" // the published runs
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

//go:embed published-runs.json
var publishedText string

// Published are the runs that the four-phase scenarios repeat: one app on EC2 and on Lambda, by another client.
type Published struct {
	About    string            `json:"about"`
	Workload PublishedWorkload `json:"workload"`
	Runs     []PublishedRun    `json:"runs"`
	// Flaws of the client that made them, in sentences.
	Flaws []string `json:"flaws_of_that_client"`
}

// PublishedWorkload is the load of the published runs.
type PublishedWorkload struct {
	Phases []struct {
		Name     string  `json:"name"`
		Fraction float64 `json:"threads_fraction"`
	} `json:"phases"`
	// Iterations of each of the two steps, per worker.
	Iterations int    `json:"iterations_per_thread"`
	Order      string `json:"per_thread_order"`
	Starts     string `json:"phase_starts_when"`
}

// PublishedRun is one published run. Times are milliseconds, cut to whole ones by the client that took them.
type PublishedRun struct {
	// Target is ec2 or lambda.
	Target    string           `json:"target"`
	Threads   int              `json:"threads"`
	PhaseMS   map[string]int64 `json:"phase_ms"`
	Requests  int64            `json:"requests"`
	Successes int64            `json:"successes"`
	WallMS    int64            `json:"wall_ms"`
	// Throughput is in requests a millisecond.
	Throughput float64 `json:"throughput_reported"`
	MeanMS     int64   `json:"mean_ms"`
	// RandomMS was published as the median, but is one element of an unsorted list.
	RandomMS int64 `json:"median_ms"`
	// P95MS was printed as a p99. It is told apart from P99MS by being the lower of the two.
	P95MS int64 `json:"p95_ms"`
	P99MS int64 `json:"p99_ms"`
}

// LoadPublished reads the embedded runs. It fails when a run contradicts what is said of it.
func LoadPublished() (*Published, error) {
	d := json.NewDecoder(strings.NewReader(publishedText))
	d.DisallowUnknownFields()
	p := &Published{}
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("reading the published runs: %w", err)
	}
	for _, r := range p.Runs {
		if r.P95MS > r.P99MS {
			return nil, fmt.Errorf("reading the published runs: %s at %d: p95 %d is above p99 %d", r.Target, r.Threads, r.P95MS, r.P99MS)
		}
		for _, phase := range p.Workload.Phases {
			if _, ok := r.PhaseMS[phase.Name]; !ok {
				return nil, fmt.Errorf("reading the published runs: %s at %d: no time of phase %s", r.Target, r.Threads, phase.Name)
			}
		}
	}
	return p, nil
}

// Run is the published run of a target, ec2 or lambda, at a number of threads; nil when there is none.
func (p *Published) Run(target string, threads int) *PublishedRun {
	for i := range p.Runs {
		if p.Runs[i].Target == target && p.Runs[i].Threads == threads {
			return &p.Runs[i]
		}
	}
	return nil
}

// Repeats says whether s puts the published workload on its targets. Names of scenario and steps do not matter.
func (p *Published) Repeats(s *scenario.Scenario) bool {
	w := p.Workload
	if s.Load != scenario.Closed || s.Order != scenario.Blocks || len(s.Steps) != 2 || len(s.Phases) != len(w.Phases) {
		return false
	}
	post, get := s.Steps[0], s.Steps[1]
	if post.Method != "POST" || !bytes.Equal(post.Body, []byte("123")) || get.Method != "GET" {
		return false
	}
	for i, phase := range s.Phases {
		want := w.Phases[i]
		if phase.Name != want.Name || phase.Iterations != w.Iterations || phase.Warmup ||
			phase.Workers != int(math.Round(want.Fraction*float64(s.Workers))) {
			return false
		}
	}
	return true
}

// Note says what is wrong with a published figure.
type Note int

// RandomSample was published as a median. SwappedLabel was printed under a label that is not its own, or beside one that was.
const (
	NoNote Note = iota
	RandomSample
	SwappedLabel
)

// PublishedRow is one metric of the published pair and of this run's targets.
type PublishedRow struct {
	Metric Metric
	Note   Note
	EC2    Value
	Lambda Value
	// Ratio is Lambda over EC2; missing where a figure is not what its label says.
	Ratio Value
	// Ours are this run's cells. Of several rounds, counts and wall times are those of the mean round.
	Ours []Cell
}

// PublishedComparison sets the published pair beside this run.
type PublishedComparison struct {
	Threads     int
	EC2, Lambda PublishedRun
	Flaws       []string
	Rows        []PublishedRow
}

func comparePublished(m *Model) (*PublishedComparison, error) {
	p, err := LoadPublished()
	if err != nil {
		return nil, err
	}
	ec2, lambda := p.Run("ec2", m.Run.Scenario.Workers), p.Run("lambda", m.Run.Scenario.Workers)
	if ec2 == nil || lambda == nil || !p.Repeats(&m.Run.Scenario) {
		return nil, nil // most workloads were never published
	}
	c := &PublishedComparison{Threads: ec2.Threads, EC2: *ec2, Lambda: *lambda, Flaws: p.Flaws}
	add := func(key string, note Note, of func(*PublishedRun) float64) {
		row, _ := Find(m.Totals, key)
		c.add(row, note, m.perRound(row), of)
	}
	add("requests", NoNote, func(r *PublishedRun) float64 { return float64(r.Requests) })
	add("successes", NoNote, func(r *PublishedRun) float64 { return float64(r.Successes) })
	add("wall_time", NoNote, func(r *PublishedRun) float64 { return float64(r.WallMS) * 1000 })
	add("throughput", NoNote, func(r *PublishedRun) float64 { return r.Throughput * 1000 })
	add("mean", NoNote, func(r *PublishedRun) float64 { return float64(r.MeanMS) * 1000 })
	add("p50", RandomSample, func(r *PublishedRun) float64 { return float64(r.RandomMS) * 1000 })
	add("p95", SwappedLabel, func(r *PublishedRun) float64 { return float64(r.P95MS) * 1000 })
	add("p99", SwappedLabel, func(r *PublishedRun) float64 { return float64(r.P99MS) * 1000 })
	for i, phase := range p.Workload.Phases {
		row, _ := Find(m.Phases[i].Rows, "wall_time")
		row.Metric.Label = "Wall time, " + phase.Name
		c.add(row, NoNote, m.perRound(row), func(r *PublishedRun) float64 { return float64(r.PhaseMS[phase.Name]) * 1000 })
	}
	return c, nil
}

func (c *PublishedComparison) add(row Row, note Note, ours []Cell, of func(*PublishedRun) float64) {
	r := PublishedRow{Metric: row.Metric, Note: note, EC2: Known(of(&c.EC2)), Lambda: Known(of(&c.Lambda)), Ours: ours}
	if note != RandomSample {
		r.Ratio = r.Lambda.Over(r.EC2)
	}
	c.Rows = append(c.Rows, r)
}

// perRound makes sums over rounds comparable to one run; other metrics do not grow with the rounds.
func (m *Model) perRound(row Row) []Cell {
	sums := map[string]bool{"requests": true, "successes": true, "wall_time": true}
	if len(m.Rounds) == 0 || !sums[row.Metric.Key] {
		return row.Cells
	}
	values := make([]Value, len(row.Cells))
	for i, c := range row.Cells {
		values[i] = c.Value.Over(Known(float64(len(m.Rounds))))
	}
	return newRow(row.Metric, values).Cells
}
