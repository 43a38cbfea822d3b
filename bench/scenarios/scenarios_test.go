package scenarios_test

import (
	"errors"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/scenarios"
)

func noFiles(string) ([]byte, error) { return nil, errors.New("a shipped scenario names a file") }

func TestShipped(t *testing.T) {
	want := map[string]int{"four-phase-20": 7_400, "four-phase-100": 37_000}
	names := scenarios.Names()
	if len(names) != len(want) {
		t.Errorf("shipped are %q, expected %d", names, len(want))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			data, ok := scenarios.Read(name)
			if !ok {
				t.Fatal("it is in Names, but cannot be read")
			}
			s, err := scenario.Parse(name, data, noFiles)
			if err != nil {
				t.Fatal(err)
			}
			if s.Name != name {
				t.Errorf("the file %s.yaml calls itself %q", name, s.Name)
			}
			total := 0
			for _, p := range s.Phases {
				if p.Warmup {
					t.Errorf("phase %s is kept out of the totals", p.Name)
				}
				total += s.Requests(p)
			}
			if total != want[name] {
				t.Errorf("%d requests, want %d", total, want[name])
			}
		})
	}
	if _, ok := scenarios.Read("no-such"); ok {
		t.Error("a scenario that is not shipped was read")
	}
	if _, ok := scenarios.Read(scenarios.Default); !ok {
		t.Errorf("the default %q is not shipped", scenarios.Default)
	}
}
