package report

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// The names of the files of a sweep in their folder.
const (
	TuneJSONName  = "tune.json"
	TuneName      = "tune.md"
	TuneChartName = "tune.svg"
)

// Tune shows what a sweep over configurations found.
type Tune struct{ *tune.Result }

// Write puts tune.json, tune.md and tune.svg into dir, each in one step. Without a configuration of which cost and latency are known there is no
// picture, and that of an earlier sweep is not touched: a folder has one sweep.
func (t Tune) Write(dir string) error {
	data, err := t.JSON()
	if err != nil {
		return err
	}
	picture := t.chart()
	text, err := t.markdown(!picture.Empty())
	if err != nil {
		return err
	}
	files := []struct {
		name string
		data []byte
	}{{TuneJSONName, data}, {TuneName, text}}
	if !picture.Empty() {
		svg, err := picture.SVG()
		if err != nil {
			return err
		}
		files = append(files, files[1])
		files[1].name, files[1].data = TuneChartName, svg // the text that shows it comes last
	}
	for _, f := range files {
		if err := result.WriteFile(filepath.Join(dir, f.name), f.data); err != nil {
			return err
		}
	}
	return nil
}

// JSON is the result for programs.
func (t Tune) JSON() ([]byte, error) { return indented(t.Result) }

// Terminal writes it as a table.
func (t Tune) Terminal(w io.Writer, o Options) error {
	p := newTerminal(nil, o)
	for _, line := range t.loud() {
		p.loud(line)
	}
	p.out.WriteString(wrap(t.subject(), "", "  ", p.options.Width))
	p.paragraphs("In short", t.conclusion())
	p.title("Configurations")
	g := t.table(false, true)
	if widest(p.render(g)) > p.options.Width {
		if slim := t.table(false, false); p.tabular(slim) { // a list has room for the CPU
			g = slim
		}
	}
	p.out.WriteString(p.fitted(g))
	if note := t.undecided(); note != "" {
		p.out.WriteString(wrap(note, " ", " ", p.options.Width))
	}
	p.paragraphs("About the configurations", t.notes())
	p.paragraphs("What these figures cannot say", printables(t.Caveats))
	return p.flush(w)
}

// tabular says whether a grid has room as a table.
func (t *terminal) tabular(g *grid) bool {
	if t.room == 0 || widest(t.render(g)) <= t.room {
		return true
	}
	_, ok := g.wrapped(t.room)
	return ok
}

func (t Tune) markdown(picture bool) ([]byte, error) {
	d := &document{}
	d.printf("# Tuning: %s\n", escapeMarkdown(short(t.Scenario)))
	for _, line := range t.loud() {
		d.alert(banner{caution, line})
	}
	d.paragraph("%s", escapeMarkdown(t.subject()))
	d.heading("In short")
	d.list(t.conclusion())
	if picture {
		d.heading("Cost against " + t.percentile())
		c := t.chart()
		d.printf("\n![%s](%s)\n", escapeMarkdown(c.Summary), TuneChartName)
		d.paragraph("Both axes are logarithmic. What is lower and further to the left is better; nothing beats what the line joins.")
	}
	d.heading("Configurations")
	d.table(t.table(true, true))
	if note := t.undecided(); note != "" {
		d.paragraph("%s", escapeMarkdown(note))
	}
	if notes := t.notes(); len(notes) > 0 {
		d.heading("About the configurations")
		d.list(notes)
	}
	if len(t.Caveats) > 0 {
		d.heading("What these figures cannot say")
		d.list(printables(t.Caveats))
	}
	return d.out.Bytes(), d.err
}

// loud are the sentences that must be seen.
func (t Tune) loud() []string {
	var list []string
	if !t.Apart {
		list = append(list, visible(t.Why))
	}
	if n := len(t.Warnings); n > 0 {
		text := "The load generator may have been at its limits, and the figures not the configurations' alone: " + visible(t.Warnings[0])
		if n > 1 {
			text += fmt.Sprintf(" (And %s, in %s.)", numeral.Plural(n-1, "more reason"), TuneJSONName)
		}
		list = append(list, text)
	}
	return list
}

func (t Tune) subject() string {
	at := "no request was answered"
	if t.RateRPS != nil {
		at = "costs at " + numeral.Rate(*t.RateRPS)
	}
	return fmt.Sprintf("%s, %s in turns drawn from seed %d; %s, list prices of %s without tax.", visible(t.Scenario), numeral.Plural(t.Rounds, "round"), t.Seed, at, visible(t.PricesWritten))
}

func (t Tune) percentile() string {
	if t.Latency == "" {
		return "response time"
	}
	return t.Latency
}

func (t Tune) conclusion() []string {
	slo := strings.Join(t.SLO, ", ") // which are bench's own words
	var list []string
	chosen, fastest := t.named(t.Chosen), t.named(t.Fastest)
	switch {
	case !t.Apart:
		return []string{"Nothing is chosen: what was measured says nothing of the sizes."}
	case chosen == nil && slo != "" && t.Untold():
		list = append(list, "None is known to keep "+slo+".")
	case chosen == nil && slo != "":
		list = append(list, "None keeps "+slo+".")
	case chosen == nil:
		return []string{"Nothing is chosen: of no configuration both cost and response time are known."}
	case slo != "":
		keeps := "keeps"
		if slices.ContainsFunc(t.Configurations, func(c tune.Configuration) bool { return c.Meets == nil }) {
			keeps = "is known to keep"
		}
		list = append(list, fmt.Sprintf("%s is the cheapest that %s %s: %s.", short(chosen.Name), keeps, slo, t.figures(chosen)))
	default:
		of := "" // what did not run may cost less, as the table shows
		if slices.ContainsFunc(t.Configurations, func(c tune.Configuration) bool { return c.Standing == tune.Unplaced }) {
			of = " of those whose response time was measured"
		}
		list = append(list, fmt.Sprintf("%s is the cheapest%s: %s. No SLO was given (--slo p99=50ms).", short(chosen.Name), of, t.figures(chosen)))
	}
	if len(t.Rivals) > 0 {
		list = append(list, fmt.Sprintf("It cannot be told whether it costs less than %s: the ranges of the costs overlap.", visible(strings.Join(t.Rivals, ", "))))
	}
	if fastest != nil && (chosen == nil || fastest.Name != chosen.Name) {
		list = append(list, fmt.Sprintf("%s is the fastest: %s.", short(fastest.Name), t.figures(fastest)))
	}
	return list
}

func (t Tune) named(name string) *tune.Configuration {
	for i := range t.Configurations {
		if name != "" && t.Configurations[i].Name == name {
			return &t.Configurations[i]
		}
	}
	return nil
}

func (t Tune) figures(c *tune.Configuration) string {
	text := dollarsAMillion(c.USDPerMillion) + " a million requests"
	if c.Tail != nil {
		text += ", " + t.percentile() + " " + formatOne(analysis.Microseconds, analysis.Known(c.Tail.Point))
	}
	return text
}

func dollarsAMillion(i *cost.Interval) string {
	if i == nil {
		return missing
	}
	return "$" + numeral.Digits(i.Point)
}
