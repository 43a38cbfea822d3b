package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func (d *document) published() {
	p := d.model.Published
	if p == nil {
		return
	}
	d.heading("Beside the published runs")
	d.paragraph("The same workload was published for EC2 and Lambda, at %d workers, by another client. Those figures were not measured here; they are repeated as they were reported.", p.Threads)
	if slices.ContainsFunc(d.model.Targets, func(t analysis.Target) bool { return t.Local }) {
		d.paragraph("The published targets were called over a network, while targets of this run were called over loopback. Compare within each pair, not across.")
	}
	if d.model.Run.Interrupted {
		d.paragraph("This run was interrupted, so its counts and wall times are not those of the whole workload.")
	}
	g := &grid{head: []string{"Metric", "EC2 (published)", "Lambda (published)", "Lambda / EC2 (published)"}, left: map[int]bool{0: true}}
	for i, t := range d.model.Targets {
		g.head = append(g.head, d.view.head(i))
		if i > 0 {
			g.left[len(g.head)] = true
			g.head = append(g.head, short(t.Name)+" / "+short(d.model.Targets[0].Name))
		}
	}
	for _, row := range p.Rows {
		g.add(d.publishedRow(row)...)
	}
	d.table(g)
	if rounds := len(d.model.Rounds); rounds > 0 {
		d.paragraph("Of this run's %d rounds, counts and wall times are those of the mean round.", rounds)
	}
	d.printf("\n")
	d.printf("%s\n", "[1] The published \"median\" is an element of a list that was not sorted yet: a random sample. It says nothing about the middle, so there is no ratio.\n")
	d.printf("%s\n", "[2] The published client printed its p95 under the label p99, so a \"p99\" read in its output may be a p95. Each run has two figures, and of one list the p95 cannot be above the p99: "+
		"the lower one is shown as p95. That the higher one is a p99 rests on its label alone, as the raw times were not published.")
	d.details("What is wrong with the published figures", func() { d.list(p.Flaws) })
}

func (d *document) publishedRow(row analysis.PublishedRow) []cell {
	mark := map[analysis.Note]string{analysis.RandomSample: " [1]", analysis.SwappedLabel: " [2]"}[row.Note]
	theirs := scaleOf(row.Metric.Unit, []analysis.Value{row.EC2, row.Lambda})
	whole := func(v analysis.Value) string {
		// Published times are whole milliseconds; more digits would be invented.
		if us, ok := v.Get(); ok && row.Metric.Unit == analysis.Microseconds && us < 1e6 {
			return strconv.FormatFloat(us/1000, 'f', 0, 64) + " ms" + mark
		}
		return theirs.format(v) + mark
	}
	cells := []cell{plain(row.Metric.Label), plain(whole(row.EC2)), plain(whole(row.Lambda))}
	published := missing
	if r, ok := row.Ratio.Get(); ok {
		published = numeral.Digits(r) + "x"
	}
	cells = append(cells, plain(published))
	var ours []analysis.Value
	for _, c := range row.Ours {
		ours = append(ours, c.Value)
	}
	s := scaleOf(row.Metric.Unit, ours)
	for i, c := range row.Ours {
		cells = append(cells, plain(s.format(c.Value)))
		if i > 0 {
			cells = append(cells, ratio(c))
		}
	}
	return cells
}

func (d *document) reproduce() {
	r := d.model.Run
	d.heading("How to run it again")
	args := []string{"go run ./bench run"}
	targets, remark := targetArguments(d.model.Targets)
	args = append(args, targets...)
	name := quote(r.Scenario.Name)
	shipped := shipped(d.model)
	if !shipped {
		name = "FILE.yaml"
	}
	args = append(args, "--scenario "+name)
	if i := slices.IndexFunc(r.Targets, func(t result.Target) bool { return t.Capacity != nil }); i >= 0 {
		args = append(args, "--find-capacity", "--slo "+quote(slo(r.Targets[i].Capacity.SLO)))
	} else {
		args = append(args, "--rounds "+strconv.Itoa(max(r.Rounds, 1)))
	}
	args = append(args, "--seed "+strconv.FormatUint(r.Seed, 10))
	if r.CheckSkipped {
		args = append(args, "--skip-check")
	}
	d.code("sh", strings.Join(args, " \\\n  "))
	if remark != "" {
		d.paragraph("%s", remark)
	}
	if !shipped {
		text := "FILE.yaml is the file of the scenario " + md(r.Scenario.Name) + "."
		if !slices.ContainsFunc(r.Scenario.Steps, func(s scenario.Step) bool { return s.BodyFile != "" }) {
			text += " The effective scenario above is such a file too: JSON is YAML."
		} else {
			text += " The effective scenario above cannot take its place: it does not hold what the body files held."
		}
		d.paragraph("%s", text)
	}
	if r.Interrupted {
		d.paragraph("`result.json` beside this report, or the journal where there is no such file, has all that was measured, with the histograms; `go run ./bench report DIR` writes this report again from it.")
		return
	}
	d.paragraph("`result.json` beside this report has all that was measured, with the histograms; `go run ./bench report DIR` writes this report again from it.")
}

// shipped says whether the program has the scenario under its name. Files of before the source was recorded do not tell, but
// the workload of the four-phase scenarios is known.
func shipped(m *analysis.Model) bool {
	if source := m.Run.ScenarioSource; source != "" {
		return source == result.Shipped
	}
	return m.Published != nil && strings.HasPrefix(m.Run.Scenario.Name, "four-phase-")
}

// targetArguments names the targets as the command line takes them. Only what bench run starts by itself is local; what has a
// spec or must be signed cannot be told by a URL alone.
func targetArguments(targets []analysis.Target) (args []string, remark string) {
	kind := map[string]string{}
	plainURLs := true
	for _, t := range targets {
		kind[t.Name] = t.Kind
		plainURLs = plainURLs && t.Kind == "url"
		args = append(args, "--target "+quote(t.Name+"="+t.URL))
	}
	switch {
	case len(targets) == 2 && kind["ec2"] == "process" && kind["lambda"] == "bootstrap":
		return []string{"--targets local"}, ""
	case plainURLs:
		return args, ""
	}
	return []string{"--targets TARGETS.json"}, "TARGETS.json is the targets file of this run; its targets are named above."
}

// quote makes s one word of a POSIX shell; what cannot be printed becomes a visible escape.
func quote(s string) string {
	s = visible(s)
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
