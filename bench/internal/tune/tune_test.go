package tune_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

func exactly(v float64) *cost.Interval { i := cost.Exactly(v); return &i }

func within(low, point, high float64) *cost.Interval {
	return &cost.Interval{Low: low, Point: point, High: high}
}

func option(usd, us float64) tune.Option {
	return tune.Option{Cost: exactly(usd), Latency: exactly(us)}
}

func TestStandings(t *testing.T) {
	t.Parallel()
	const front, near, beaten, unknown = tune.OnFront, tune.NearFront, tune.Beaten, tune.Unplaced
	for name, tt := range map[string]struct {
		options []tune.Option
		want    []tune.Standing
	}{
		"none":             {nil, []tune.Standing{}},
		"one":              {[]tune.Option{option(1, 1)}, []tune.Standing{front}},
		"a trade":          {[]tune.Option{option(1, 9), option(2, 4), option(3, 1)}, []tune.Standing{front, front, front}},
		"the same twice":   {[]tune.Option{option(1, 1), option(1, 1)}, []tune.Standing{front, front}},
		"dearer, as fast":  {[]tune.Option{option(1, 1), option(2, 1)}, []tune.Standing{front, beaten}},
		"slower, as cheap": {[]tune.Option{option(1, 2), option(1, 1)}, []tune.Standing{beaten, front}},
		"one beats all":    {[]tune.Option{option(2, 5), option(1, 4), option(3, 9)}, []tune.Standing{beaten, front, beaten}},
		"unknown cost":     {[]tune.Option{{Latency: exactly(1)}, option(2, 5)}, []tune.Standing{unknown, front}},
		"unknown latency":  {[]tune.Option{option(2, 5), {Cost: exactly(1)}}, []tune.Standing{front, unknown}},
		"no number":        {[]tune.Option{option(math.NaN(), 1), option(1, math.Inf(1)), option(2, 5)}, []tune.Standing{unknown, unknown, front}},
		"nothing is known": {[]tune.Option{{}, {}}, []tune.Standing{unknown, unknown}},
		"free":             {[]tune.Option{option(0, 0), option(0, 1)}, []tune.Standing{front, beaten}},
		"ranges overlap":   {[]tune.Option{{Cost: exactly(1), Latency: within(8, 10, 12)}, {Cost: exactly(2), Latency: within(9, 11, 13)}}, []tune.Standing{front, near}},
		"faster by chance": {[]tune.Option{{Cost: exactly(1), Latency: within(9, 11, 13)}, {Cost: exactly(2), Latency: within(8, 10, 12)}}, []tune.Standing{front, near}},
		"all the same":     {[]tune.Option{{Cost: within(1, 2, 3), Latency: within(8, 10, 12)}, {Cost: within(1, 2, 3), Latency: within(8, 10, 12)}}, []tune.Standing{near, near}},
		"ranges apart":     {[]tune.Option{{Cost: exactly(1), Latency: within(8, 10, 12)}, {Cost: exactly(2), Latency: within(13, 15, 17)}}, []tune.Standing{front, beaten}},
		"near one, under two": {
			[]tune.Option{{Cost: exactly(1), Latency: within(1, 2, 3)}, {Cost: exactly(2), Latency: within(3, 4, 9)}, {Cost: exactly(3), Latency: within(5, 6, 7)}},
			[]tune.Standing{front, beaten, beaten},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := gocmp.Diff(tt.want, tune.Standings(tt.options)); diff != "" {
				t.Errorf("standings (-want +got):\n%s", diff)
			}
		})
	}
}

// drawn are options with figures that often repeat, of which some are not known.
func drawn(r *rand.Rand) []tune.Option {
	list := make([]tune.Option, r.IntN(12))
	for i := range list {
		figure := func() *cost.Interval {
			if r.IntN(8) == 0 {
				return nil
			}
			v := float64(r.IntN(6))
			return within(v-float64(r.IntN(2)), v, v+float64(r.IntN(2)))
		}
		list[i] = tune.Option{Cost: figure(), Latency: figure()}
		if r.IntN(3) > 0 {
			meets := r.IntN(2) == 0
			list[i].Meets = &meets
		}
	}
	return list
}

// sweep finds the front another way: from the cheapest on, what is faster than all that is cheaper.
func sweep(options []tune.Option) map[int]bool {
	var order []int
	for i, o := range options {
		if o.Cost != nil && o.Latency != nil {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(options[a].Cost.Point, options[b].Cost.Point), cmp.Compare(options[a].Latency.Point, options[b].Latency.Point))
	})
	front := map[int]bool{}
	fastest, at := math.Inf(1), math.Inf(1)
	for _, i := range order {
		if o := options[i]; o.Latency.Point < fastest || o.Latency.Point == fastest && o.Cost.Point == at {
			front[i], fastest, at = true, o.Latency.Point, o.Cost.Point
		}
	}
	return front
}

func TestFrontProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	for n := range 5_000 {
		options := drawn(r)
		standings, front, want := tune.Standings(options), tune.Front(options), sweep(options)
		if len(front) != len(want) || slices.ContainsFunc(front, func(i int) bool { return !want[i] }) {
			t.Fatalf("case %d: the front of %s is %v", n, show(options), front)
		}
		// It leads from the cheapest to the fastest.
		for k := range front[min(1, len(front)):] {
			if a, b := options[front[k]], options[front[k+1]]; a.Cost.Point > b.Cost.Point || a.Latency.Point < b.Latency.Point {
				t.Fatalf("case %d: the front of %s is %v", n, show(options), front)
			}
		}
		// What is surely on the front is on it by the figures, and what is surely beaten is not.
		for i, s := range standings {
			if s == tune.OnFront && !want[i] || s == tune.Beaten && want[i] || (s == tune.Unplaced) != (options[i].Cost == nil || options[i].Latency == nil) {
				t.Fatalf("case %d: option %d of %s is %q", n, i, show(options), s)
			}
		}
		i, ok := tune.Fastest(options)
		if ok != (len(want) > 0) || ok && options[i].Latency.Point > options[front[len(front)-1]].Latency.High {
			t.Fatalf("case %d: the fastest of %s is %d, %t", n, show(options), i, ok)
		}
		if c, ok := tune.Choose(options, false); ok != (len(want) > 0) || ok && !want[c.Option] {
			t.Fatalf("case %d: the cheapest of %s is %d, %t", n, show(options), c.Option, ok)
		}
		checkChoice(t, options)
		checkOrder(t, r, options, standings)
	}
}

// checkChoice demands that nothing that keeps the SLO costs less.
func checkChoice(t *testing.T, options []tune.Option) {
	t.Helper()
	c, ok := tune.Choose(options, true)
	least := math.Inf(1)
	for _, o := range options {
		if o.Meets != nil && *o.Meets && o.Cost != nil {
			least = min(least, o.Cost.Point)
		}
	}
	switch {
	case ok == math.IsInf(least, 1):
		t.Fatalf("of %s there is a choice: %t", show(options), ok)
	case ok && (options[c.Option].Cost.Point != least || !*options[c.Option].Meets || slices.Contains(c.Rivals, c.Option)):
		t.Fatalf("of %s chosen is %+v", show(options), c)
	}
	for _, i := range c.Rivals {
		if o := options[i]; o.Meets == nil || !*o.Meets || o.Cost.Low > options[c.Option].Cost.High {
			t.Fatalf("of %s a rival is %d", show(options), i)
		}
	}
}

// checkOrder demands that the standings do not depend on the order of the options.
func checkOrder(t *testing.T, r *rand.Rand, options []tune.Option, standings []tune.Standing) {
	t.Helper()
	order := r.Perm(len(options))
	shuffled := make([]tune.Option, len(options))
	for to, from := range order {
		shuffled[to] = options[from]
	}
	for to, s := range tune.Standings(shuffled) {
		if s != standings[order[to]] {
			t.Fatalf("in another order option %d of %s is %q and not %q", order[to], show(options), s, standings[order[to]])
		}
	}
}

func show(options []tune.Option) string {
	text := ""
	for _, o := range options {
		text += fmt.Sprintf("{%v %v} ", o.Cost, o.Latency)
	}
	return text
}

func TestChoose(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	with := func(o tune.Option, meets *bool) tune.Option { o.Meets = meets; return o }
	for name, tt := range map[string]struct {
		options []tune.Option
		slo     bool
		want    tune.Choice
		ok      bool
	}{
		"nothing":               {nil, false, tune.Choice{}, false},
		"cheapest of all":       {[]tune.Option{option(2, 1), option(1, 9)}, false, tune.Choice{Option: 1}, true},
		"cheapest that meets":   {[]tune.Option{with(option(2, 1), &yes), with(option(1, 9), &no), with(option(3, 1), &yes)}, true, tune.Choice{Option: 0}, true},
		"none meets":            {[]tune.Option{with(option(2, 1), &no), with(option(1, 9), &no)}, true, tune.Choice{}, false},
		"meeting is not known":  {[]tune.Option{option(2, 1)}, true, tune.Choice{}, false},
		"cost is not known":     {[]tune.Option{{Latency: exactly(1), Meets: &yes}}, true, tune.Choice{}, false},
		"latency is not needed": {[]tune.Option{{Cost: exactly(1), Meets: &yes}}, true, tune.Choice{Option: 0}, true},
		"equal cost: faster":    {[]tune.Option{with(option(1, 9), &yes), with(option(1, 8), &yes)}, true, tune.Choice{Option: 1, Rivals: []int{0}}, true},
		"equal: the first":      {[]tune.Option{with(option(1, 8), &yes), with(option(1, 8), &yes)}, true, tune.Choice{Option: 0, Rivals: []int{1}}, true},
		"ranges overlap": {
			[]tune.Option{
				{Cost: within(1, 2, 3), Latency: exactly(1), Meets: &yes},
				{Cost: within(2.5, 3.5, 4), Latency: exactly(1), Meets: &yes},
				{Cost: within(2, 5, 9), Latency: exactly(1), Meets: &no},
			},
			true,
			tune.Choice{Option: 0, Rivals: []int{1}},
			true,
		},
		"estimated without a latency": {[]tune.Option{{Cost: exactly(0.1)}, option(1, 1)}, false, tune.Choice{Option: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := tune.Choose(tt.options, tt.slo)
			if diff := gocmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
				t.Errorf("chosen %t (-want +got):\n%s", ok, diff)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	r := tune.Result{Apart: true, SLO: []string{"p99 10ms"}, Configurations: []tune.Configuration{
		{Name: "128", USDPerMillion: exactly(1), Tail: exactly(90), Meets: &no},
		{Name: "256", USDPerMillion: exactly(2), Tail: exactly(9), Meets: &yes},
		{Name: "512", USDPerMillion: exactly(3), Tail: exactly(9), Meets: &yes},
	}}
	r.Place()
	if r.Chosen != "256" || r.Fastest != "256" || len(r.Rivals) != 0 {
		t.Errorf("chosen %q, fastest %q, rivals %q", r.Chosen, r.Fastest, r.Rivals)
	}
	var got []tune.Standing
	for _, c := range r.Configurations {
		got = append(got, c.Standing)
	}
	if diff := gocmp.Diff([]tune.Standing{tune.OnFront, tune.OnFront, tune.Beaten}, got); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	// What cannot be told apart has neither a front nor a choice, even after it had.
	r.Apart = false
	r.Place()
	for _, c := range r.Configurations {
		if c.Standing != tune.Unplaced {
			t.Errorf("%s is %q", c.Name, c.Standing)
		}
	}
	if r.Chosen != "" || r.Fastest != "" {
		t.Errorf("chosen %q, fastest %q", r.Chosen, r.Fastest)
	}
}

func TestFastest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options []tune.Option
		want    int
		ok      bool
	}{
		"nothing":               {nil, -1, false},
		"unknown":               {[]tune.Option{{Latency: exactly(1)}}, -1, false},
		"lowest":                {[]tune.Option{option(1, 9), option(3, 1), option(2, 4)}, 1, true},
		"as fast, cheaper":      {[]tune.Option{option(2, 1), option(1, 1)}, 1, true},
		"faster by chance":      {[]tune.Option{{Cost: exactly(2), Latency: within(8, 10, 12)}, option(1, 11)}, 1, true},
		"faster, and not by it": {[]tune.Option{{Cost: exactly(2), Latency: within(8, 10, 12)}, {Cost: exactly(1), Latency: within(5, 13, 20)}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, ok := tune.Fastest(tt.options); got != tt.want || ok != tt.ok {
				t.Errorf("%d, %t; expected %d", got, ok, tt.want)
			}
		})
	}
}

func ExampleFront() {
	// Cost of a million requests and p99 in µs of three memory sizes: the largest is dearer than the middle one and no faster.
	options := []tune.Option{option(0.62, 9_000), option(0.55, 42_000), option(1.24, 9_100)}
	fmt.Println(tune.Front(options), tune.Standings(options))
	// Output: [1 0] [front front beaten]
}
