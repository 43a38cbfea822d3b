package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/chart"
)

// The parts of report.html. uPlot is a copy of the published file: web/uplot/README.md.
var (
	//go:embed web/page.html
	pageText string
	//go:embed web/report.css
	pageStyle string
	//go:embed web/report.js
	pageScript string
	//go:embed web/uplot/uPlot.iife.min.js
	libraryScript string
	//go:embed web/uplot/uPlot.min.css
	libraryStyle string
)

var page = template.Must(template.New("page").Parse(pageText))

// HTML is the whole report as one page that loads nothing: the text and the tables of the Markdown report, and charts that answer to
// mouse, keyboard and touch. It fails only when a table or a chart cannot be rendered.
func HTML(m *analysis.Model) ([]byte, error) { return html(m, figuresOf(m)) }

func html(m *analysis.Model, figures []figure) ([]byte, error) {
	source, err := markdown(m, figures)
	if err != nil {
		return nil, err
	}
	body, title, contents, err := markup(source, figures)
	if err != nil {
		return nil, err
	}
	data, err := chartData(figures)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Policy": policy(), "Title": title, "Version": visible(or(m.Run.Tool.Version, "of unknown version")), "Contents": contents,
		//nolint:gosec // made by a renderer that lets no markup of the source through but its own, see markup
		"Body": template.HTML(body),
		//nolint:gosec // JSON with <, > and & escaped, and the rest are files of this package
		"Data": template.JS(data), "Library": template.JS(libraryScript), "Script": template.JS(pageScript),
		"LibraryStyle": template.CSS(libraryStyle), "Style": template.CSS(pageStyle), //nolint:gosec // the same
	})
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", HTMLName, err)
	}
	return out.Bytes(), nil
}

// policy lets the page run and style itself by what is written in it, and load nothing from anywhere.
func policy() string {
	source := func(texts ...string) string {
		list := make([]string, len(texts))
		for i, text := range texts {
			sum := sha256.Sum256([]byte(text))
			list[i] = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		return strings.Join(list, " ")
	}
	return "default-src 'none'; script-src " + source(libraryScript, pageScript) + "; style-src " + source(libraryStyle, pageStyle) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

// chartData is what the page's script draws.
func chartData(figures []figure) ([]byte, error) {
	light, dark := chart.Themes()
	data := struct {
		Light  chart.Theme    `json:"light"`
		Dark   chart.Theme    `json:"dark"`
		Charts []*chart.Chart `json:"charts"`
	}{Light: light, Dark: dark, Charts: []*chart.Chart{}}
	for i := range figures {
		if figures[i].absent == "" {
			data.Charts = append(data.Charts, &figures[i].Chart)
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encoding the charts: %w", err)
	}
	return text, nil
}
