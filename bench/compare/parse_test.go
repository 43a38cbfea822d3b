package main

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestParse reads what the tools printed in the stall test, and on a server that fails. That of oha follows its documentation, the
// others are recordings.
func TestParse(t *testing.T) {
	tests := []struct {
		file  string
		parse func(string) (figures, error)
		want  figures
	}{
		{"wrk.txt", parseWrk, figures{
			RatePerSecond: 76443.03, Requests: 76644, Percentiles: percentiles{0.588, 0.97, unknown, 1.51},
		}},
		{"wrk-failed.txt", parseWrk, figures{
			Requests: 25749, Failed: 25749, Percentiles: percentiles{0.095, 2.3, unknown, 42.25},
		}},
		{"wrk2.txt", parseWrk, figures{RatePerSecond: 199.98, Requests: 4001, Percentiles: percentiles{4.49, 1070, unknown, 1910}}},
		{"hey.txt", parseHey, figures{RatePerSecond: 161.9049, Requests: 1620, Percentiles: percentiles{2.8, 5.9, 7.6, 9.7}}},
		{"hey-failed.txt", parseHey, figures{Requests: 20, Failed: 20, Percentiles: percentiles{0.3, 5.7, 6.6, unknown}}},
		{"hey-refused.txt", parseHey, figures{Requests: 5049, Failed: 5049, Percentiles: noPercentiles()}},
		{"vegeta.json", parseVegeta, figures{
			RatePerSecond: 200.05, Requests: 2000, Percentiles: percentiles{2.57, 3.26, 4.57, 10.2},
		}},
		{"vegeta-failed.json", parseVegeta, figures{Requests: 20, Failed: 20, Percentiles: percentiles{0.65, 10.44, 19.55, 26.9}}},
		{"k6.json", parseK6, figures{
			RatePerSecond: 160.848, Requests: 1609, Percentiles: percentiles{2.723, 4.871, 6.621, 12.91}, Note: "392 dropped",
		}},
		{"k6-failed.json", parseK6, figures{Requests: 21, Failed: 21, Percentiles: percentiles{0.27, 0.4205, 1.688, 2.883}}},
		{"fortio.json", parseFortio, figures{
			RatePerSecond: 199.756, Requests: 2000, Percentiles: percentiles{3.61, 7.87, 11.1, 19.2},
		}},
		{"bombardier.json", parseBombardier, figures{
			RatePerSecond: 158.6, Requests: 1588, Percentiles: percentiles{2.93, 7.62, 11.2, 28.4},
		}},
		{"bombardier-failed.json", parseBombardier, figures{
			Requests: 20, Failed: 20, Percentiles: percentiles{0.082, 0.464, 3.913, 4.072},
		}},
		{"oha.json", parseOha, figures{
			RatePerSecond: 198.099, Requests: 2000, Failed: 20, Percentiles: percentiles{2.5, 1050, 1525, 1908},
			Note: "7 cut off at the end",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			got, err := tt.parse(read(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateApprox(0.005, 0)); diff != "" {
				t.Errorf("figures (-want +got):\n%s", diff)
			}
		})
	}
}

// read a file of testdata.
func read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseNothing(t *testing.T) {
	for _, tool := range allTools() {
		for _, out := range []string{"", "{}", "null", "Usage: tool [flags]\n", `{"Requests": "many"}`, "Requests/sec: many\n"} {
			if f, err := tool.figures(out); err == nil {
				t.Errorf("%s: figures %+v of %q", tool.name, f, out)
			}
		}
	}
}

func TestParseImpossible(t *testing.T) {
	const many = "99999999999999999999" // more than an int64 has room for
	for name, outs := range map[string][]string{
		"wrk": {
			"Requests/sec: 5\n 100 requests in 1s\n Non-2xx or 3xx responses: " + many + "\n", "Requests/sec: 5\n " + many + " requests in 1s\n",
			"Requests/sec: 5\n 100 requests in 1s\n Socket errors: connect 0, read 1000000000001, write 0, timeout 0\n",
			"Requests/sec: 1.2.3\n 100 requests in 1s\n", "Requests/sec: 1" + strings.Repeat("0", 400) + "\n 100 requests in 1s\n",
		},
		"hey": {
			"Requests/sec: 5\n [200] 10 responses\n [500] " + many + " responses\n", "Requests/sec: 5\n [200] 10 responses\nError distribution:\n [" + many + "] refused\n",
		},
		"vegeta": {`{"requests":2000,"throughput":200,"success":6}`, `{"requests":9000000000000000000,"throughput":200,"success":0}`, `{"requests":2000,"throughput":200,"success":1e300}`},
		"k6":     {`{"http_reqs":{"values":{"count":1e300,"rate":5}}}`, `{"http_reqs":{"values":{"count":100,"rate":5}},"http_req_failed":{"values":{"passes":1e300}}}`},
		"fortio": {
			`{"ActualQPS":5,"RetCodes":{"200":-3}}`, `{"ActualQPS":5,"RetCodes":{"200":-3,"500":5}}`,
			`{"ActualQPS":5,"RetCodes":{"200":9000000000000000000,"500":9000000000000000000,"503":9000000000000000000}}`,
		},
		"bombardier": {`{"result":{"timeTakenSeconds":1,"req2xx":5,"req4xx":9000000000000000000,"req5xx":9000000000000000000,"others":900000000000000000}}`},
		"oha":        {`{"summary":{"requestsPerSec":-1},"statusCodeDistribution":{"200":3}}`, `{"summary":{"requestsPerSec":5},"statusCodeDistribution":{"200":3,"500":9000000000000000000}}`},
	} {
		i := slices.IndexFunc(allTools(), func(t *tool) bool { return t.name == name })
		for _, out := range outs {
			if f, err := allTools()[i].figures(out); !errors.Is(err, errImpossible) {
				t.Errorf("%s: figures %+v, %v of %q", name, f, err, out)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		f.Add(read(f, filepath.Base(file)))
	}
	tools := allTools()
	f.Fuzz(func(t *testing.T, out string) {
		for _, tool := range tools {
			got, err := tool.figures(out)
			if err != nil {
				continue
			}
			if got.RatePerSecond < 0 || math.IsNaN(got.RatePerSecond) || math.IsInf(got.RatePerSecond, 0) {
				t.Errorf("%s: %g requests/s of %q", tool.name, got.RatePerSecond, out)
			}
			if got.Requests < 0 || got.Failed < 0 {
				t.Errorf("%s: %d requests, %d failed of %q", tool.name, got.Requests, got.Failed, out)
			}
		}
		if n, mb := parseGC(out); n < 0 || mb < 0 {
			t.Errorf("%d collections, %d MB of %q", n, mb, out)
		}
	})
}

func TestParseGC(t *testing.T) {
	const trace = `gc 1 @0.011s 1%: 0.010+0.43+0.003 ms clock, 0.010+0/0.30/0.11+0.003 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 1 P
something else
gc 2 @5.203s 0%: 0.020+0.73+0.002 ms clock, 0.020+0.25/0.42/0+0.002 ms cpu, 5->6->2 MB, 5 MB goal, 0 MB stacks, 0 MB globals, 1 P
gc 3 @9.9s 0%: 0.020+0.73+0.002 ms clock, 0.020+0.25/0.42/0+0.002 ms cpu, 4->4->2 MB, 5 MB goal, 0 MB stacks, 0 MB globals, 1 P (forced)
`
	// 4 until the first; 4 until and 1 during the second; 2 until the third.
	if n, mb := parseGC(trace); n != 3 || mb != 4+4+1+2 {
		t.Errorf("%d collections, %d MB, want 3 and 11", n, mb)
	}
}
