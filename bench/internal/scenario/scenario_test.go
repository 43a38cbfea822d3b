package scenario_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

var errNoFile = errors.New("no such file")

func noFiles(string) ([]byte, error) { return nil, errNoFile }

// minimal is the shortest scenario, with one line for each thing that tests replace.
const minimal = `name: short
workers: 20
steps:
  - {name: get, path: /}
phases:
  - {name: only, iterations: 5}
`

// edited is minimal with old replaced.
func edited(t *testing.T, replacements ...string) string {
	t.Helper()
	for i, old := range replacements {
		if i%2 == 0 && !strings.Contains(minimal, old) {
			t.Fatalf("the scenario has no %q to replace", old)
		}
	}
	return strings.NewReplacer(replacements...).Replace(minimal)
}

func parse(t *testing.T, text string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Parse("test.yaml", []byte(text), noFiles)
	if err != nil {
		t.Fatalf("Parse: %v\n%s", err, text)
	}
	return s
}

func TestDefaults(t *testing.T) {
	want := &scenario.Scenario{
		Name: "short", Load: scenario.Closed, Workers: 20, Order: scenario.Blocks, Timeout: scenario.Duration(10 * time.Second),
		Protocol: scenario.HTTP1,
		Steps:    []scenario.Step{{Name: "get", Method: "GET", Path: "/"}},
		Phases:   []scenario.Phase{{Name: "only", Workers: 20, Iterations: 5}},
	}
	if d := cmp.Diff(want, parse(t, minimal)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestEveryKey(t *testing.T) {
	const text = `
name: all.of_it-1
load: closed
order: interleaved
timeout: 1m30s
steps:
  - name: put
    method: put
    path: /a%20b?c=d
    content_type: text/plain; charset=utf-8
    headers: {X-One: "1", x-empty: ""}
    body: ""
    expect: {status: 201, body: "", content_type: Text/Plain}
  - {name: file, method: POST, path: //twice, body_file: data/b.bin}
phases:
  - {name: first, workers: 7, duration: 250ms, warmup: true}
  - {name: second, workers: 9, iterations: 1_000, warmup: false}
`
	content := []byte{0, 0xff, 1}
	s, err := scenario.Parse("test.yaml", []byte(text), func(name string) ([]byte, error) {
		if name != "data/b.bin" {
			return nil, errNoFile
		}
		return content, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	empty := ""
	want := &scenario.Scenario{
		Name: "all.of_it-1", Load: scenario.Closed, Workers: 9, Order: scenario.Interleaved,
		Timeout: scenario.Duration(90 * time.Second), Protocol: scenario.HTTP1,
		Steps: []scenario.Step{
			{
				Name: "put", Method: "PUT", Path: "/a%20b?c=d", ContentType: "text/plain; charset=utf-8",
				Headers: map[string]string{"x-one": "1", "x-empty": ""}, Body: []byte{},
				Expect: scenario.Expect{Status: 201, Body: &empty, ContentType: "text/plain"},
			},
			{Name: "file", Method: "POST", Path: "//twice", Body: content, BodyFile: "data/b.bin"},
		},
		Phases: []scenario.Phase{
			{Name: "first", Workers: 7, Duration: scenario.Duration(250 * time.Millisecond), Warmup: true},
			{Name: "second", Workers: 9, Iterations: 1000},
		},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	for i, n := range []int{-1, 9 * 1000 * 2} {
		if got := s.Requests(s.Phases[i]); got != n {
			t.Errorf("phase %s has %d requests, want %d", s.Phases[i].Name, got, n)
		}
	}
}

func TestShareOfWorkers(t *testing.T) {
	tests := []struct {
		whole int
		share string
		want  int
	}{
		{20, "10%", 2},
		{20, "25%", 5},
		{20, "100%", 20},
		{20, "100.000 %", 20},
		{20, "12.5%", 3}, // 2.5, away from zero
		{20, "12.4%", 2},
		{20, "1%", 1}, // 0.2, but a phase without workers is none
		{20, "0.001%", 1},
		{3, "50%", 2},
		{1, "50%", 1},
		{10_000, "33.333%", 3333},
		{20, "20", 20},
		{20, "1", 1},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s of %d", tt.share, tt.whole), func(t *testing.T) {
			s := parse(t, edited(t, "workers: 20", fmt.Sprintf("workers: %d", tt.whole), "iterations", "workers: "+tt.share+", iterations"))
			if got := s.Phases[0].Workers; got != tt.want {
				t.Errorf("got %d workers, want %d", got, tt.want)
			}
			if s.Workers != tt.whole {
				t.Errorf("the scenario has %d workers, want %d", s.Workers, tt.whole)
			}
		})
	}
}

func TestJSONRoundTrip(t *testing.T) {
	for name, text := range map[string]string{
		"minimal":      minimal,
		"body":         edited(t, "path: /", `method: POST, path: /, body: "<ä&\n\"\\>", headers: {a: b}, content_type: a/b`),
		"empty body":   edited(t, "path: /", `method: POST, path: /, body: ""`),
		"expectations": edited(t, "path: /", `path: /, expect: {status: 404, body: "", content_type: a/b}`),
		"duration":     edited(t, "iterations: 5", "duration: 1m30s, warmup: false"),
	} {
		t.Run(name, func(t *testing.T) { roundTrip(t, parse(t, text)) })
	}
}

// roundTrip checks that s survives its own JSON.
func roundTrip(t *testing.T, s *scenario.Scenario) {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var got scenario.Scenario
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if d := cmp.Diff(s, &got); d != "" {
		t.Errorf("after a round trip through %s: -want +got:\n%s", data, d)
	}
}

func TestJSONOfBodyFile(t *testing.T) {
	s, err := scenario.Parse("test.yaml", []byte(edited(t, "path: /", "method: POST, path: /, body_file: big.bin")),
		func(string) ([]byte, error) { return []byte("secret of the file"), nil })
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(s.Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"name":"get","method":"POST","path":"/","body_file":"big.bin","expect":{},"body_bytes":18}`
	if string(data) != want {
		t.Errorf("got  %s\nwant %s", data, want)
	}
}

func TestDurationText(t *testing.T) {
	var d scenario.Duration
	if err := d.UnmarshalText([]byte("1m30s")); err != nil || d != scenario.Duration(90*time.Second) {
		t.Errorf("1m30s is %v, %v", d, err)
	}
	if err := d.UnmarshalText([]byte("90")); err == nil {
		t.Error("a number without a unit was taken")
	}
}

func ExampleParse() {
	const text = `
name: reads
workers: 50
steps:
  - {name: get, path: /, expect: {status: 200}}
phases:
  - {name: warmup, workers: 10%, iterations: 100, warmup: true}
  - {name: peak, duration: 30s}
`
	s, err := scenario.Parse("reads.yaml", []byte(text), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range s.Phases {
		fmt.Println(p.Name, p.Workers, s.Requests(p), p.Duration)
	}

	_, err = scenario.Parse("wrong.yaml", []byte(strings.Replace(text, "duration: 30s", "duration: 30, wokers: 5", 1)), nil)
	fmt.Println(err)
	// Output:
	// warmup 5 500 0s
	// peak 50 -1 30s
	// wrong.yaml:8: phases[1].wokers: unknown key, expected one of name, workers, rate, arrivals, iterations, duration, warmup
	// wrong.yaml:8: phases[1].duration: expected a duration from 1ms to 24h0m0s such as 250ms or 10s, got "30"
}
