package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// full has every chart that there is.
func full(t testing.TB, run *result.Run) *analysis.Model {
	t.Helper()
	m := model(t, run)
	m.Timeline = analysis.NewTimeline(run, resulttest.Intervals(run, 20*time.Millisecond))
	m.BreakEven = breakEven()
	for i, base := range []float64{1, 3} {
		m.Waterfalls = append(m.Waterfalls, analysis.Waterfall{Target: i, Parts: []analysis.WaterfallPart{
			{Label: "queue", Mean: analysis.Known(40 * base)},
			{Label: "connect", Mean: analysis.Known(12)},
			{Label: "front door and network", Mean: analysis.Known(700 * base)},
			{Label: "adapter", Mean: analysis.Known(90 * base)},
			{Label: "handler", Mean: analysis.Known(210)},
			{Label: "Redis", Mean: analysis.Known(480)},
		}})
	}
	return m
}

func breakEven() *analysis.BreakEven {
	b := &analysis.BreakEven{Basis: "Prices of us-east-1 of 31 July 2026; the billed time is emulated.", Bands: "Bands: the range of what was measured.", Curves: []analysis.CostCurve{{Target: 0}, {Target: 1}}}
	for e := -20; e <= 50; e++ {
		rate := math.Pow(10, float64(e)/10)
		ec2, lambda := 30*math.Ceil(rate/2500)+math.Sqrt(rate)/10, 5.4*rate
		b.Curves[0].Points = append(b.Curves[0].Points, analysis.CostPoint{RateRPS: rate, USD: ec2, Low: ec2 * 0.95, High: ec2 * 1.1})
		b.Curves[1].Points = append(b.Curves[1].Points, analysis.CostPoint{RateRPS: rate, USD: lambda, Low: lambda * 0.6, High: lambda * 1.6})
	}
	b.Crossings = []analysis.Crossing{{Below: 1, Above: 0, RateRPS: analysis.Known(5.6), Low: analysis.Known(3.5), High: analysis.Known(9.4)}}
	return b
}

const attack = `</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1> "'><svg/onload=window.pwned=1>{{.}}${1}`

// hostile has an attack in each text that a user or a target gives.
func hostile() *result.Run {
	s := resulttest.FourPhase(20)
	s.Name = attack
	s.Steps[0].Name, s.Steps[0].Body = attack, []byte("```\n</script>"+attack)
	s.Phases[1].Name = attack
	one, two := resulttest.EC2(), resulttest.Lambda()
	one.Target.Name, two.Target.Name = attack, "2 "+attack
	two.Target.URL, two.Target.Kind = "http://h/"+attack, attack
	two.Target.Spec.Notes, two.Target.Spec.Region = []string{attack}, attack
	two.FailEvery, two.Errors = 50, []string{attack}
	run := resulttest.Run(s, 1, one, two)
	run.Targets[1].Examples[0].Detail = attack
	run.Generator.Verdict, run.Generator.Reasons = result.Suspect, []string{attack}
	run.Warnings = []string{attack, "<details>\n<summary>" + attack + "</summary>"}
	run.Tool.Version = attack
	return run
}

// TestSummariesAreHTML: what folds a part of the page is read as HTML, so that a name in it is escaped as such and not as Markdown.
func TestSummariesAreHTML(t *testing.T) {
	t.Parallel()
	run := capacity()
	run.Targets[1].Lambda = resulttest.Meter()
	for i := range run.Targets {
		run.Targets[i].Name = "<b>x|y " + run.Targets[i].Name
	}
	text := markdown(t, model(t, run))
	for _, want := range []string{"The bill of &lt;b&gt;x|y ", "The trials of &lt;b&gt;x|y ", "The concurrency of &lt;b&gt;x|y "} {
		if !strings.Contains(text, "\n<summary>"+want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "<b>") {
		t.Errorf("a name is an element in\n%s", text)
	}
}

// written are the files of a report by name.
func written(t testing.TB, m *analysis.Model) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := report.Write(dir, m); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

// inlined are the files that are in the page as they are.
var inlined = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>|sha256-[^&]*`)

func TestFilesOfAReport(t *testing.T) {
	t.Parallel()
	files := written(t, full(t, withErrors()))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		if name == report.HTMLName {
			text = inlined.ReplaceAllString(text, "…")
		}
		golden(t, "full."+name, []byte(text))
	}
}

// oddRuns are results that are hardly one, beside the usual ones.
func oddRuns() map[string]func() *result.Run {
	list := runs()
	list["hostile"] = hostile
	list["empty"] = func() *result.Run {
		return resulttest.Run(scenario.Scenario{Name: "empty", Load: scenario.Closed}, 1, resulttest.EC2(), resulttest.Lambda())
	}
	list["no success"] = func() *result.Run {
		ec2 := resulttest.EC2()
		ec2.FailEvery, ec2.Errors = 1, []string{"connect"}
		return resulttest.Run(resulttest.FourPhase(20), 2, ec2, ec2)
	}
	list["one success"] = func() *result.Run {
		s := resulttest.FourPhase(20)
		s.Steps, s.Phases = s.Steps[:1], s.Phases[:1]
		s.Phases[0].Workers, s.Phases[0].Iterations = 1, 1
		return resulttest.Run(s, 1, resulttest.EC2())
	}
	list["only cold starts"] = func() *result.Run {
		run := normal()
		o := &run.Targets[1].Overall
		run.Targets[1].ColdStarts = &result.ColdStarts{Requests: o.Requests, ResponseTime: o.ResponseTime}
		return run
	}
	list["no cold starts"] = func() *result.Run {
		run := normal()
		none := int64(0)
		run.Targets[1].ColdStarts = &result.ColdStarts{Environments: &none, MaxConcurrent: &none}
		run.Targets[1].Lambda = &result.Lambda{LoadS: 3, Errors: map[string]int64{}}
		return run
	}
	list["one sample of concurrency"] = func() *result.Run {
		run := normal()
		run.Targets[1].Lambda = &result.Lambda{LoadS: 3, Errors: map[string]int64{}, Concurrency: []result.ConcurrencySample{{TS: 0}}}
		return run
	}
	return list
}

// TestOddRuns says that whatever the run, each file is what it must be, and that what is not drawn is not drawn for a reason.
func TestOddRuns(t *testing.T) {
	t.Parallel()
	for name, build := range oddRuns() {
		for _, with := range []string{"", " with intervals", " with a cost that is none"} {
			t.Run(name+with, func(t *testing.T) {
				t.Parallel()
				run := build()
				m := model(t, run)
				switch with {
				case " with intervals":
					m.Timeline = analysis.NewTimeline(run, resulttest.Intervals(run, 0))
				case " with a cost that is none":
					m.BreakEven = &analysis.BreakEven{Curves: []analysis.CostCurve{{}, {Points: []analysis.CostPoint{
						{RateRPS: 0, USD: 0}, {RateRPS: 1, USD: math.NaN(), Low: math.Inf(-1), High: math.Inf(1)},
					}}}}
					m.BreakEven.Curves[1].Target = len(m.Targets) - 1
					m.Waterfalls = []analysis.Waterfall{{Parts: []analysis.WaterfallPart{{Label: attack, Mean: analysis.Known(math.NaN())}, {Label: "x", Mean: analysis.Known(0)}}}}
				}
				filesAreSound(t, written(t, m))
			})
		}
	}
}

func filesAreSound(t *testing.T, files map[string]string) {
	t.Helper()
	text := files[report.FileName]
	for name, data := range files {
		if name != report.HTMLName { // the library says NaN
			noNonsense(t, data)
		}
		switch filepath.Ext(name) {
		case ".svg":
			wellFormed(t, name, data)
			if !strings.Contains(text, "]("+name+")") {
				t.Errorf("%s is in no report", name)
			}
		case ".csv":
			if _, err := csv.NewReader(strings.NewReader(data)).ReadAll(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, id := range allCharts {
		_, drawn := files[id+".svg"]
		inPage := strings.Contains(files[report.HTMLName], `data-chart="`+id+`"`)
		inData := strings.Contains(files[report.HTMLName], `{"id":"`+id+`"`)
		if inPage != drawn || inData != drawn {
			t.Errorf("%s is a file: %v, a chart of the page: %v, with data: %v", id, drawn, inPage, inData)
		}
	}
	if got := strings.Count(text, ": not drawn. ") + strings.Count(text, ".svg)"); got != len(allCharts) {
		t.Errorf("the report accounts for %d of %d charts in\n%s", got, len(allCharts), text)
	}
	noNonsense(t, inlined.ReplaceAllString(files[report.HTMLName], ""))
}

// wellFormed demands XML with a title and a description, and without anything that runs or loads.
func wellFormed(t *testing.T, name, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	seen := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			seen[e.Name.Local]++
			for _, a := range e.Attr {
				if a.Name.Local == "href" || strings.HasPrefix(a.Name.Local, "on") {
					t.Errorf("%s: %s has %s", name, e.Name.Local, a.Name.Local)
				}
			}
		}
	}
	for e := range seen {
		if !slices.Contains([]string{"svg", "title", "desc", "style", "g", "path", "text"}, e) {
			t.Errorf("%s has an element %s", name, e)
		}
	}
	if seen["title"] != 1 || seen["desc"] != 1 || seen["text"] < 3 || seen["path"] < 3 {
		t.Errorf("%s has %v", name, seen)
	}
}

func TestLibraryIsTheOnePublished(t *testing.T) {
	t.Parallel()
	notes, err := os.ReadFile("web/uplot/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"uPlot.iife.min.js", "uPlot.min.css"} {
		data, err := os.ReadFile(filepath.Join("web/uplot", name))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if line := hex.EncodeToString(sum[:]) + "  " + name; !bytes.Contains(notes, []byte(line)) {
			t.Errorf("the README has not the line %q", line)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	m := full(t, normal())
	whole, err := report.Summary(m, report.SummaryLimit)
	if err != nil || !bytes.Contains(whole, []byte("## Definitions")) || bytes.Contains(whole, []byte(".svg")) {
		t.Errorf("the whole one is not whole, or has pictures: %v\n%s", err, whole)
	}
	short, err := report.Summary(m, len(whole)-1)
	if err != nil || len(short) >= len(whole) || !bytes.Contains(short, []byte("## Totals")) || bytes.Contains(short, []byte("## Definitions")) {
		t.Errorf("the short one is %d bytes of %d: %v\n%s", len(short), len(whole), err, short)
	}
	if none, err := report.Summary(m, 100); err != nil || len(none) > 0 {
		t.Errorf("where nothing fits there is %q, %v", none, err)
	}
}

// long is a run of 100 rounds of five phases on two targets, with the intervals of 20 s in each.
func long() (*result.Run, []result.Interval) {
	s := resulttest.OpenLoad(20, scenario.Rate{From: 50, To: 50}, scenario.Rate{From: 50, To: 100}, scenario.Rate{From: 100, To: 100}, scenario.Rate{From: 100, To: 50}, scenario.Rate{From: 20, To: 20})
	run := resulttest.Run(s, 100, resulttest.EC2(), resulttest.Lambda())
	return run, resulttest.Intervals(run, time.Second)
}

// TestLongRun holds a long run to a size that can be sent: series are thinned, and no peak is lost.
func TestLongRun(t *testing.T) {
	t.Parallel()
	if testing.Short() || raceEnabled { // one goroutine, three times as slow
		t.Skip("short, or with the race detector: a thousand phases")
	}
	run, intervals := long()
	peak := 59_000_000.
	intervals[1234].Times.Max = &peak
	m := model(t, run)
	m.Timeline = analysis.NewTimeline(run, intervals)
	files := written(t, m)
	for name, most := range map[string]int{report.HTMLName: 1 << 20, "latency-over-time.svg": 300 << 10, report.FileName: 1 << 20} {
		if n := len(files[name]); n == 0 || n > most {
			t.Errorf("%s has %d bytes, more than %d", name, n, most)
		}
	}
	if !strings.Contains(files[report.HTMLName], ",59000000,") {
		t.Error("a peak was lost")
	}
	if want := fmt.Sprintf("Of the up to %s intervals of a target, the lowest and the highest figure of each 400th of the time are drawn.", "5,000"); !strings.Contains(files[report.FileName], want) {
		t.Errorf("the report does not say %q", want)
	}
	if got := strings.Count(files["intervals.csv"], "\n"); got != len(intervals)+1 {
		t.Errorf("intervals.csv has %d lines, of %d intervals", got, len(intervals))
	}
}

// BenchmarkReports reads, analyses and renders a run of 100 rounds, 5 phases and 2 targets. It is to stay below 2 s and 200 MiB; peak-MiB is what
// Go took from the system, with what made the run.
func BenchmarkReports(b *testing.B) {
	made, intervals := long()
	meter := resulttest.Meter()
	meter.Invocations = made.Targets[1].Overall.Requests // or there were answers without one
	made.Targets[1].Lambda = meter
	text, err := made.Encode()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		run, err := result.Decode(text)
		if err != nil {
			b.Fatal(err)
		}
		m, err := analysis.Compare(run)
		if err != nil {
			b.Fatal(err)
		}
		if m.BreakEven == nil || m.Bills == nil {
			b.Fatal("no cost")
		}
		m.Timeline = analysis.NewTimeline(run, intervals)
		if err := report.Write(dir, m); err != nil {
			b.Fatal(err)
		}
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if after.Sys > 200<<20 {
		b.Errorf("it took %d MiB from the system", after.Sys>>20)
	}
	b.ReportMetric(float64(after.Sys)/(1<<20), "peak-MiB")
}

// TestSharesBelowAll keeps a table from calling everything done while the slowest are still out.
func TestSharesBelowAll(t *testing.T) {
	t.Parallel()
	run := resulttest.Run(resulttest.FourPhase(100), 5, resulttest.EC2(), resulttest.Lambda())
	for i := range run.Targets {
		s := &run.Targets[i].Overall
		h, err := s.ResponseTime.Decode()
		if err != nil {
			t.Fatal(err)
		}
		h.Record(10 * time.Second) // one of many thousands
		s.ResponseTime = h.Summary()
	}
	_, text, _ := strings.Cut(markdown(t, full(t, run)), "Share of requests by response time")
	_, text, _ = strings.Cut(text, " Within |")
	text, _, _ = strings.Cut(text, "</details>")
	if got := strings.Count(text, "| 100 % "); got > 2*2 || !strings.Contains(text, "99.9+ %") {
		t.Errorf("%d cells are all, and one sample is at 10 s:\n%s", got, text)
	}
}
