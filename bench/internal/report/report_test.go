package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

var update = flag.Bool("update", false, "write the goldens from what the program prints")

// golden compares got with testdata/NAME.golden.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		if err := os.WriteFile(filepath.Join("testdata", name+".got"), got, 0o644); err != nil {
			t.Error(err)
		}
		t.Errorf("%s differs (-want +got), what was printed is in testdata/%s.got:\n%s", path, name, diff)
	}
}

func model(t testing.TB, run *result.Run) *analysis.Model {
	t.Helper()
	m, err := analysis.Compare(run)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func terminal(t testing.TB, m *analysis.Model, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Terminal(&b, m, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func markdown(t testing.TB, m *analysis.Model) string {
	t.Helper()
	text, err := report.Markdown(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReports(t *testing.T) {
	t.Parallel()
	for name, build := range runs() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model(t, build())
			narrow, text := terminal(t, m, report.Options{Width: 80}), markdown(t, m)
			golden(t, name+".80.txt", []byte(narrow))
			golden(t, name+".md", []byte(text))
			noNonsense(t, narrow)
			noNonsense(t, text)
			tablesStayTables(t, text)
			if name != "nasty" { // words longer than a line cannot be broken
				fits(t, narrow, 80)
				fits(t, terminal(t, m, report.Options{Width: 60}), 60)
				fits(t, terminal(t, m, report.Options{Width: 40}), 40)
			}
			colorAddsNothingButColor(t, m)
			if name == "three" || name == "queueing" {
				wide := terminal(t, m, report.Options{Width: 120})
				golden(t, name+".120.txt", []byte(wide))
				fits(t, wide, 120)
			}
			if name == "three" || name == "rounds" {
				golden(t, name+".60.txt", []byte(terminal(t, m, report.Options{Width: 60})))
			}
			if name == "errors" {
				golden(t, "errors.color.txt", []byte(terminal(t, m, report.Options{Width: 80, Color: true})))
			}
		})
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func colorAddsNothingButColor(t *testing.T, m *analysis.Model) {
	t.Helper()
	colored, without := terminal(t, m, report.Options{Width: 80, Color: true}), terminal(t, m, report.Options{Width: 80})
	if diff := cmp.Diff(without, escapes.ReplaceAllString(colored, "")); diff != "" {
		t.Errorf("(-without colour +colour taken out)\n%s", diff)
	}
	if strings.ContainsRune(without, '\x1b') {
		t.Error("an escape without colour")
	}
}

func fits(t *testing.T, text string, columns int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		// One word of a text cannot be broken; the rule of a table is none.
		if n := len([]rune(line)); n > columns && (len(strings.Fields(line)) > 1 || strings.Trim(line, "─") == "") {
			t.Errorf("%d columns, not %d: %s", n, columns, line)
		}
	}
}

// tablesStayTables counts the cells of each Markdown table: an unescaped pipe or line break would change them.
func tablesStayTables(t *testing.T, text string) {
	t.Helper()
	want := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			want = 0
			continue
		}
		got := strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, ""), "|")
		if want == 0 {
			want = got
		}
		if got != want {
			t.Errorf("%d bars, not %d: %s", got, want, line)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir, m := t.TempDir(), full(t, normal())
	listed := func() (names []string) {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, f.Name())
		}
		return names
	}
	want := []string{
		"break-even.svg", "intervals.csv", "latency-cdf.svg", "latency-over-time.svg", "percentiles.svg", "report.html", "report.md", "tables.csv",
		"throughput-over-time.svg", "verdict.json", "waterfall.svg",
	}
	for range 2 {
		if err := report.Write(dir, m); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, listed()); diff != "" {
			t.Errorf("the files in the folder (-want +got)\n%s", diff)
		}
	}
	for name, text := range map[string]string{report.FileName: markdown(t, m), report.HTMLName: string(page(t, m))} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	// What is not drawn any more does not stay, and what is another's does.
	if err := os.WriteFile(filepath.Join(dir, "mine.svg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report.Write(dir, model(t, normal())); err != nil {
		t.Fatal(err)
	}
	want = []string{"latency-cdf.svg", "mine.svg", "percentiles.svg", "report.html", "report.md", "tables.csv", "verdict.json"}
	if diff := cmp.Diff(want, listed()); diff != "" {
		t.Errorf("the files in the folder (-want +got)\n%s", diff)
	}
	if err := report.Write(filepath.Join(dir, "missing"), m); err == nil {
		t.Error("writing into a folder that does not exist was no error")
	}
}

func TestRatesWithoutFigures(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(scenario.Scenario{Name: "empty", Load: scenario.Closed}, 1, resulttest.EC2(), resulttest.Lambda())
	for _, text := range []string{markdown(t, model(t, run)), terminal(t, model(t, run), report.Options{})} {
		if !strings.Contains(text, "n/a") {
			t.Errorf("nothing is n/a in\n%s", text)
		}
		noNonsense(t, text)
	}
}

var nonsense = regexp.MustCompile(`NaN|[+-]Inf|\bInf\b|%!`)

// glued is a figure without a space before its unit. Inputs are as they were given: code, thresholds, and durations of the scenario.
var (
	glued  = regexp.MustCompile(`(^|[ (|≥])[\d.,]+(µs|ms|s|MB|MiB|%)([ ,.);|]|$)`)
	inputs = regexp.MustCompile("(?s)```.*?```|<code.*?</code>|<script.*?</script>|<style.*?</style>|[a-z0-9_]+=\\S+|≤ \\S+|(grace|for)\\s+\\d+s|Timeout of a request[^\n]*\\d+s|&[a-z#0-9]+;")
)

func noNonsense(t *testing.T, text string) {
	t.Helper()
	if found := glued.FindString(inputs.ReplaceAllString(text, "")); found != "" {
		t.Errorf("%q is in\n%s", found, text)
	}
	if found := nonsense.FindString(text); found != "" {
		t.Errorf("%q is in\n%s", found, text)
	}
}

// TestRatiosAreNamed says which of two ratios that are called alike is which.
func TestRatiosAreNamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		run  *result.Run
		want bool
	}{{rounds(), len(model(t, rounds()).Rounds) >= 5}, {compared(), true}, {normal(), false}} {
		_, text, _ := strings.Cut(markdown(t, model(t, test.run)), "## In short")
		text, _, _ = strings.Cut(text, "\n## ")
		if got := strings.Contains(text, ", of the totals)"); got != test.want {
			t.Errorf("of %d rounds it says which ratio this is: %v\n%s", test.run.Rounds, got, text)
		}
	}
}

func TestHowToRunItAgain(t *testing.T) {
	t.Parallel()
	kinds := func(one, two string) *result.Run {
		run := normal()
		run.Targets[0].Kind, run.Targets[1].Kind = one, two
		return run
	}
	source := func(name string, s result.ScenarioSource) *result.Run {
		run := normal()
		run.Scenario.Name, run.ScenarioSource = name, s
		return run
	}
	bodyFile := source("own", result.FromFile)
	bodyFile.Scenario.Steps[0].BodyFile = "large.bin"
	tests := []struct {
		name      string
		run       *result.Run
		want, not string
	}{
		{"both started by bench", normal(), "--targets local", "TARGETS"},
		{"both by URL", kinds("url", "url"), "--target ec2=http://127.0.0.1:8080 \\\n  --target lambda=http://127.0.0.1:9000", "--targets"},
		{"one by URL", kinds("url", "bootstrap"), "--targets TARGETS.json", "terraform"},
		{"of the cloud", kinds("ec2", "lambda"), "--targets TARGETS.json", "terraform"},
		{"the other way round", kinds("bootstrap", "process"), "--targets TARGETS.json", "--targets local"},
		{"shipped, says the file", source("another", result.Shipped), "--scenario another", "FILE.yaml"},
		{"a file of a shipped one's name", source("four-phase-20", result.FromFile), "--scenario FILE.yaml", "--scenario four"},
		{"an old file of a shipped one", source("four-phase-20", ""), "--scenario four-phase-20", "FILE.yaml"},
		{"an old file of another", source("own", ""), "--scenario FILE.yaml", "--scenario own"},
		{"a file", source("own", result.FromFile), "JSON is YAML", "body files"},
		{"a file with a body file", bodyFile, "it does not hold what the body files held", "JSON is YAML"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, text, _ := strings.Cut(markdown(t, model(t, test.run)), "## How to run it again")
			if !strings.Contains(text, test.want) || strings.Contains(text, test.not) {
				t.Errorf("want %q and not %q in\n%s", test.want, test.not, text)
			}
		})
	}
}

func TestSentencesEndOnce(t *testing.T) {
	t.Parallel()
	run := urls()
	run.Generator.Reasons = append(run.Generator.Reasons, "It was late.")
	for _, verdict := range []result.Verdict{result.Suspect, result.Invalid} {
		run.Generator.Verdict = verdict
		for _, text := range []string{markdown(t, model(t, run)), terminal(t, model(t, run), report.Options{Width: 200})} {
			if strings.Contains(text, "..") || strings.Contains(text, ".;") || strings.Contains(text, ".)") || !strings.Contains(text, "; It was late") {
				t.Errorf("a sentence ends twice in\n%s", text)
			}
		}
	}
}
