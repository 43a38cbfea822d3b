package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// tuned is a sweep over three sizes and an estimate, with all that can be shown.
func tuned() *tune.Result {
	figures := func(name string, mb int, p50, low, p99, high, ms, usd float64, meets bool) tune.Configuration {
		return tune.Configuration{
			Name: name, Function: true, Origin: tune.Emulated, MemoryMB: mb, VCPU: tune.VCPU(mb), Requests: 6000, Errors: 3, ThroughputRPS: new(199.), P50: &p50, P99: &p99,
			Tail: &cost.Interval{Low: low, Point: p99, High: high}, Cold: new(int64(2)), Init: new(21_000.), BilledMS: &cost.Interval{Low: ms * 0.95, Point: ms, High: ms * 1.05},
			BilledFrom: tune.BilledByMeter, USDPerMillion: &cost.Interval{Low: usd * 0.98, Point: usd, High: usd * 1.02}, Meets: &meets,
		}
	}
	small := figures("lambda-128", 128, 22_000, 41_000, 43_000, 45_000, 26, 0.48, false)
	small.Missed = []string{"p99 43.0 ms"}
	large := figures("lambda-3008", 3008, 2_100, 4_300, 4_600, 4_900, 2.6, 0.55, true)
	large.Notes = []string{"Its environments at once were entitled to 3.4 CPUs and this machine has 2: it may have been held back by the machine, not by its size."}
	r := &tune.Result{
		SchemaVersion: 1, Scenario: "tune", Seed: 7, Rounds: 5, RateRPS: new(198.), PricesWritten: "2026-07-31", Latency: "p99", SLO: []string{"p99=20ms"}, Apart: true,
		Configurations: []tune.Configuration{
			small, figures("lambda-512", 512, 2_300, 7_000, 7_400, 7_800, 4, 0.45, true), figures("lambda-1769", 1769, 2_100, 4_400, 4_700, 5_000, 2.6, 0.51, true), large,
			{Name: "t4g.small", Origin: tune.Estimated, InstanceType: "t4g.small", Instances: 2, VCPU: 2, USDPerMillion: &cost.Interval{Low: 0.3, Point: 0.3, High: 0.3}, Notes: []string{"Nothing ran on it."}},
		},
		Warnings: []string{}, Caveats: []string{"Emulated: it is this machine."},
	}
	r.Place()
	return r
}

func TestTune(t *testing.T) {
	t.Parallel()
	none := tuned()
	for i := range none.Configurations {
		none.Configurations[i].Meets = new(false)
	}
	none.Configurations[2].Missed = []string{"p99 4.70 ms"}
	none.SLO = []string{"p99=1ms"}
	none.Place()
	blind := tuned()
	blind.Apart, blind.Why = false, "CPU not limited (no right to make a cgroup): the sizes cannot be told apart."
	blind.Warnings = []string{"The generator sent late.", "It was busy."}
	blind.Place()
	free := tuned()
	free.SLO = []string{}
	for i := range free.Configurations {
		free.Configurations[i].Meets = nil
	}
	free.Place()
	all := tuned()
	all.Configurations = all.Configurations[:4]
	all.Place()
	for name, r := range map[string]*tune.Result{"tune": tuned(), "tune-none": none, "tune-blind": blind, "tune-free": free, "tune-all": all} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text bytes.Buffer
			if err := (report.Tune{Result: r}).Terminal(&text, report.Options{Width: 80}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(text.String()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
					t.Errorf("a line has %d columns: %s", n, line)
				}
			}
			golden(t, name+".80.txt", text.Bytes())
			dir := t.TempDir()
			if err := (report.Tune{Result: r}).Write(dir); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(dir, report.TuneName))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".md", data)
			wantTuneFiles(t, dir, r)
		})
	}
}

// wantTuneFiles demands that tune.json is the result, and tune.svg a picture.
func wantTuneFiles(t *testing.T, dir string, want *tune.Result) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, report.TuneJSONName))
	if err != nil {
		t.Fatal(err)
	}
	var got tune.Result
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, &got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tune.json (-want +got):\n%s", diff)
	}
	svg, err := os.ReadFile(filepath.Join(dir, report.TuneChartName))
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lambda-128", "lambda-3008"} {
		if !strings.Contains(string(svg), ">"+name+"<") {
			t.Errorf("%s is not named in the picture", name)
		}
	}
	if strings.Contains(string(svg), "t4g.small") {
		t.Error("what has no response time has a place in the picture")
	}
}

// TestTuneEmpty has nothing to draw, and names that are no Markdown.
func TestTuneEmpty(t *testing.T) {
	t.Parallel()
	r := &tune.Result{Scenario: "a|b\x1b[31m<script>", SLO: []string{}, Apart: true, Configurations: []tune.Configuration{{Name: "x|y\n# z"}}}
	r.Place()
	dir := t.TempDir()
	if err := (report.Tune{Result: r}).Write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, report.TuneChartName)); err == nil {
		t.Error("there is a picture of nothing")
	}
	text, err := os.ReadFile(filepath.Join(dir, report.TuneName))
	if err != nil || strings.Contains(string(text), "<script>") || strings.Contains(string(text), "\n# z") || strings.Contains(string(text), "\x1b") {
		t.Errorf("%v\n%s", err, text)
	}
	var out bytes.Buffer
	if err := (report.Tune{Result: r}).Terminal(&out, report.Options{}); err != nil || strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), "Nothing is chosen") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestTuneOfWhatDidNotRun has no figure where nothing was sent: no failure of nothing is no good sign.
func TestTuneOfWhatDidNotRun(t *testing.T) {
	t.Parallel()
	r := tuned()
	r.Configurations = r.Configurations[:1]
	c := &r.Configurations[0]
	for requests, want := range map[int64]string{0: "n/a", 1200: "0"} {
		c.Requests, c.Errors = requests, 0
		dir := t.TempDir()
		if err := (report.Tune{Result: r}).Write(dir); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, report.TuneName))
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(string(data), "| Configuration ")
		lines := strings.Split(table, "\n")
		column := slices.IndexFunc(strings.Split(lines[0], "|"), func(s string) bool { return strings.TrimSpace(s) == "Failed" })
		// The first head is cut off with its bar.
		if got := strings.TrimSpace(strings.Split(lines[2], "|")[column+1]); got != want {
			t.Errorf("of %d requests %q failed, want %q in\n%s", requests, got, want, table)
		}
	}
}

// TestTuneAsAList has all columns of the table that it stands for, each with its name.
func TestTuneAsAList(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if err := (report.Tune{Result: tuned()}).Terminal(&text, report.Options{Width: 50}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"   Origin: emulated\n", "   vCPU: ", "   Front: "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
