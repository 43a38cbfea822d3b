package report_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	text := page(t, full(t, withErrors()))
	t.Run("light", func(t *testing.T) {
		o := open(t, ctx, text, 1200, 900, "light")
		o.drawnAll(allCharts)
		o.readable()
		o.look("light")
		o.quiet()
	})
	t.Run("dark", func(t *testing.T) {
		o := open(t, ctx, text, 1200, 900, "dark")
		list := o.drawnAll(allCharts)
		if !slices.Contains(list[0].Colors, "#58A6FF") || slices.Contains(list[0].Colors, "#0A5FBF") {
			t.Errorf("the first chart has not the colours for a dark ground: %q", list[0].Colors)
		}
		if ground := eval[string](o, `getComputedStyle(document.body).backgroundColor`); ground != "rgb(13, 17, 23)" {
			t.Errorf("the ground is %s", ground)
		}
		o.readable()
		o.look("dark")
		// The reader's system changes while the page is open.
		o.scheme("light")
		if list := o.drawnAll(allCharts); !slices.Contains(list[0].Colors, "#0A5FBF") {
			t.Errorf("the first chart has not the colours for a light ground: %q", list[0].Colors)
		}
		o.quiet()
	})
	for _, width := range []int64{320, 390} {
		t.Run(fmt.Sprintf("%d pixels wide", width), func(t *testing.T) {
			o := open(t, ctx, text, width, 800, "light")
			o.eval(`document.querySelectorAll("details").forEach(d => d.open = true)`)
			for _, d := range o.drawnAll(allCharts) {
				if d.Width > width {
					t.Errorf("chart %s is %d pixels wide", d.ID, d.Width)
				}
			}
			if scroll := eval[int64](o, `document.documentElement.scrollWidth`); scroll > width {
				wide := eval[string](o, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre")).map(e => e.outerHTML.slice(0, 120)).join("\n")`)
				t.Errorf("the page is %d pixels wide: it scrolls sideways for\n%s", scroll, wide)
			}
			o.eval(`document.querySelectorAll("details").forEach(d => d.open = false)`)
			o.look(fmt.Sprintf("narrow-%d", width))
			o.quiet()
		})
	}
	t.Run("keyboard", func(t *testing.T) { keyboard(t, open(t, ctx, text, 1200, 900, "light")) })
	t.Run("names for screen readers", func(t *testing.T) { names(t, open(t, ctx, text, 1200, 900, "light")) })
	t.Run("printed", func(t *testing.T) {
		o := open(t, ctx, text, 1200, 900, "dark")
		o.eval(`dispatchEvent(new Event("beforeprint"))`)
		closed := eval[int](o, `document.querySelectorAll("main details:not([open])").length`)
		if list := o.drawnAll(allCharts); closed != 0 || !slices.Contains(list[0].Colors, "#0A5FBF") {
			t.Errorf("%d details are closed on paper, and the colours are %q", closed, list[0].Colors)
		}
		o.eval(`dispatchEvent(new Event("afterprint"))`)
		if closed = eval[int](o, `document.querySelectorAll("main details[open]").length`); closed != 0 {
			t.Errorf("%d details stayed open", closed)
		}
		o.quiet()
	})
	t.Run("the policy keeps it from loading anything", func(t *testing.T) {
		o := open(t, ctx, text, 1200, 900, "light")
		what := eval[string](o, `(async () => {
			const script = document.createElement("script");
			script.src = "/evil.js";
			document.body.append(script);
			document.body.append(Object.assign(document.createElement("img"), {src: "/evil.png"}));
			try { await fetch("/evil"); return "loaded"; } catch { return "refused"; }
		})()`)
		o.mu.Lock()
		defer o.mu.Unlock()
		if what != "refused" || len(o.served) != 1 {
			t.Errorf("a fetch was %s; served were %q", what, o.served)
		}
	})
	t.Run("figures", func(t *testing.T) { figures(t, open(t, ctx, text, 1200, 900, "light")) })
	t.Run("hostile names", func(t *testing.T) {
		o := open(t, ctx, page(t, full(t, hostile())), 1200, 900, "light")
		o.drawnAll([]string{"percentiles", "latency-cdf", "latency-over-time", "throughput-over-time", "break-even", "waterfall"})
		got := eval[struct {
			Pwned   bool   `json:"pwned"`
			Scripts int    `json:"scripts"`
			Title   string `json:"title"`
		}](o, `({pwned: !!window.pwned, scripts: document.scripts.length, title: document.title})`)
		if got.Pwned || got.Scripts != 3 || !strings.Contains(got.Title, `</script><script>`) {
			t.Errorf("the page is %+v", got)
		}
		o.quiet()
	})
}

// keyboard goes through the page with the Tab key alone.
func keyboard(t *testing.T, o *tab) {
	t.Helper()
	const stop = `(() => {
		const e = document.activeElement;
		const box = e.getBoundingClientRect();
		return {tag: e.tagName, label: e.getAttribute("aria-label") || e.textContent.trim().slice(0, 30), id: e.id,
			place: [...document.querySelectorAll("*")].indexOf(e), outline: getComputedStyle(e).outlineStyle, visible: box.width > 0 && box.height > 0};
	})()`
	type place struct {
		Tag     string `json:"tag"`
		Label   string `json:"label"`
		ID      string `json:"id"`
		Outline string `json:"outline"`
		Place   int    `json:"place"`
		Visible bool   `json:"visible"`
	}
	want := eval[int](o, `[...document.querySelectorAll("a[href], button:not([disabled]), input, summary, [tabindex='0']")].filter(e => e.checkVisibility()).length`)
	var stops []place
	for range want {
		o.do(chromedp.KeyEvent(kb.Tab))
		stops = append(stops, eval[place](o, stop))
	}
	if stops[0].Label != "Skip to the report" {
		t.Errorf("the first stop is %+v", stops[0])
	}
	sliders := map[string]bool{}
	for i, at := range stops {
		if !at.Visible || at.Outline == "none" || i > 0 && at.Place <= stops[i-1].Place {
			t.Errorf("stop %d is not seen or not in the order of the page: %+v after %+v", i, at, stops[max(0, i-1)])
		}
		if at.Tag == "INPUT" {
			sliders[at.ID] = true
		}
	}
	for _, id := range allCharts {
		if !sliders["probe-"+id] {
			t.Errorf("chart %s cannot be read with the keyboard", id)
		}
	}
	// The arrow keys read the chart, and a button takes a line away.
	const said = `document.activeElement.getAttribute("aria-valuetext")`
	o.eval(`document.querySelector("#probe-percentiles").focus()`)
	before := eval[string](o, said)
	o.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	after := eval[string](o, said)
	if before == after || !strings.HasPrefix(after, "p") || !strings.Contains(after, "ec2 ") || !strings.Contains(after, "lambda ") {
		t.Errorf("the slider said %q, and then %q", before, after)
	}
	// What is read has the digits of the tables.
	read := eval[[]string](o, `[...document.querySelectorAll("figure[data-chart] .legend output")].map(e => e.textContent)`)
	for _, text := range read {
		number, unit, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(text, "/s"), "$"), " ")
		v, err := strconv.ParseFloat(strings.ReplaceAll(number, ",", ""), 64)
		if text == "–" || err == nil && (number == numeral.Digits(v) || unit == "µs" || v == math.Trunc(v) && unit == "") {
			continue
		}
		t.Errorf("%q is read in a chart, of %q", text, read)
	}
	if len(read) == 0 {
		t.Error("nothing is read in the charts")
	}
	o.eval(`document.querySelector("#chart-percentiles button").focus()`)
	o.do(chromedp.KeyEvent(" "))
	pressed, list := eval[string](o, `document.activeElement.getAttribute("aria-pressed")`), eval[[]drawn](o, drawing)
	if pressed != "false" || slices.Contains(list[0].Colors, "#0A5FBF") {
		t.Errorf("after the button aria-pressed is %s, and the colours are %q", pressed, list[0].Colors)
	}
	o.quiet()
}

// figures holds what is read in a chart against the tables: the script writes each time as package numeral does.
func figures(t *testing.T, o *tab) {
	t.Helper()
	script, err := os.ReadFile("web/report.js")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(script), "// --- figures as text")
	part, _, ended := strings.Cut(part, "// --- axes")
	if !found || !ended {
		t.Fatal("the script has no part about figures as text")
	}
	times := []float64{1, 36, 36.44, 999, 999.4, 999.6, 1000, 2281, 999_400, 999_499, 999_600, 999_999, 1e6, 13_441_000, 3_612e6, -999.6, -2281}
	values, err := json.Marshal(times)
	if err != nil {
		t.Fatal(err)
	}
	got := eval[[]string](o, "(() => { //"+part+"return "+string(values)+".map(readings.us); })()")
	for i, v := range times {
		if want := numeral.Time(v); got[i] != want {
			t.Errorf("%v µs are %q in a chart and %q in a table", v, got[i], want)
		}
	}
}

// names says that what has no text has a name, and that each chart has its figures as a table.
func names(t *testing.T, o *tab) {
	t.Helper()
	nameless := eval[[]string](o, `[...document.querySelectorAll("[role=img], [role=region], nav, input, button, summary")].filter(e =>
		!(e.getAttribute("aria-label") || e.textContent || e.labels && e.labels[0] && e.labels[0].textContent).trim()).map(e => e.outerHTML)`)
	tableless := eval[[]string](o, `[...document.querySelectorAll("figure")].filter(f => {
		let at = f.nextElementSibling;
		while (at && !/^(DETAILS|H2|H3)$/.test(at.tagName)) at = at.nextElementSibling;
		return !(at && at.tagName === "DETAILS" && at.querySelectorAll("table tbody tr").length > 1 && at.querySelector("th[scope=col]"));
	}).map(f => f.id)`)
	if len(nameless) > 0 || len(tableless) > 0 {
		t.Errorf("without a name: %q; without a table: %q", nameless, tableless)
	}
	levels := eval[string](o, `[...document.querySelectorAll("h1,h2,h3,h4")].map(h => h.tagName[1]).join("")`)
	for i := 1; i < len(levels); i++ {
		if levels[i] > levels[i-1]+1 {
			t.Errorf("a level of headings is left out: %s", levels)
		}
	}
	if strings.Count(levels, "1") != 1 {
		t.Errorf("the page has %d titles", strings.Count(levels, "1"))
	}
	if language := eval[string](o, `document.documentElement.lang`); language != "en" {
		t.Errorf("the language is %q", language)
	}
}
