package main

import "testing"

// The vCPUs are those of https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: one at 1,769 MB.
func TestProcessors(t *testing.T) {
	for name, c := range map[string]struct {
		memoryMB, now int
		chosen        bool
		want          int
	}{
		"the least memory":          {128, 2, false, 1},
		"less than a vCPU":          {512, 2, false, 1},
		"one vCPU":                  {1769, 2, false, 1},
		"more than one":             {1770, 2, false, 2},
		"the most memory":           {10240, 6, false, 6},
		"never more than there are": {10240, 2, false, 2},
		"memory is not known":       {0, 4, false, 4},
		"GOMAXPROCS is set":         {128, 4, true, 4},
	} {
		t.Run(name, func(t *testing.T) {
			if got := processors(c.memoryMB, c.now, c.chosen); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
