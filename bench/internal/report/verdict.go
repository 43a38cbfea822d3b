package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
)

// verdictName is the file with the verdict and the comparisons of the rounds, for programs.
const verdictName = "verdict.json"

// Verdict is what the file holds: the verdict, null where the run has none, and what the rounds tell. It is no part of the result: an old
// result may get another verdict from a newer program, with newer prices.
func Verdict(m *analysis.Model) ([]byte, error) {
	out := struct {
		SchemaVersion int               `json:"schema_version"`
		Verdict       *analysis.Verdict `json:"verdict"`
		// Base is the target that all others are compared to.
		Base        string           `json:"base"`
		Comparisons []comparedMetric `json:"comparisons"`
	}{1, m.Verdict, m.Targets[0].Name, forPrograms(m.Comparisons, func(i int) string { return m.Targets[i].Name })}
	return indented(out)
}

func indented(v any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding for programs: %w", err)
	}
	return text.Bytes(), nil
}

// verdict comes before all figures.
func (d *document) verdict() {
	v := d.model.Verdict
	if v == nil {
		return
	}
	d.heading("Verdict")
	d.paragraph("%s", escapeMarkdown(printable(v.Text)))
	if len(v.Assumptions)+len(v.Caveats) > 0 {
		d.details("What the verdict assumes", func() {
			d.printf("\n")
			for _, line := range slices.Concat(v.Assumptions, v.Caveats) {
				d.printf("- %s\n", escapeMarkdown(printable(line)))
			}
		})
	}
}

func (t *terminal) verdict() {
	v := t.model.Verdict
	if v == nil {
		return
	}
	t.title("Verdict")
	t.out.WriteString(wrap(printable(v.Text), " ", " ", t.options.Width))
	t.out.WriteString(wrap("What it assumes is in the report, and "+verdictName+" has it for programs.", " ", " ", t.options.Width))
}
