package report_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/report"
)

// chromium is where one is installed; the test that asks is skipped where none is.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is installed")
	return ""
}

// browser starts a headless Chromium that is gone, with all of its processes, when the test ends.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := chromium(t)
	profile := t.TempDir()
	adopt(t)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.DisableGPU)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox is not for root; the pages are our own
	}
	allocated, free := chromedp.NewExecAllocator(t.Context(), options...)
	// What chromedp cannot decode, such as events of a newer Chromium, is none of the page's faults.
	ctx, end := chromedp.NewContext(allocated, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("ending the browser: %v", err)
		}
		end()
		free()
		chromedp.FromContext(ctx).Allocator.Wait()
		killed, left := bury(t), processesOf(t, profile)
		if len(left) > 0 || killed > 0 {
			t.Errorf("%d processes of the browser had to be killed; left are %q", killed, left)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return ctx
}

// processesOf are the command lines that name the browser's profile, where there is a /proc to see them.
func processesOf(t *testing.T, profile string) []string {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Error(err)
	}
	var list []string
	for _, name := range names {
		if line, err := os.ReadFile(name); err == nil && strings.Contains(string(line), profile) {
			list = append(list, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// tab is a page that is watched.
type tab struct {
	t   *testing.T
	ctx context.Context
	// served are the requests that came to the server.
	server *httptest.Server
	mu     sync.Mutex
	served []string
	asked  []string
	faults []string
}

// open shows a page to a new tab of the browser, with so many CSS pixels.
func open(t *testing.T, ctx context.Context, page []byte, width, height int64, scheme string) *tab {
	t.Helper()
	o := &tab{t: t}
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		o.served = append(o.served, r.Method+" "+r.URL.Path)
		o.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/report.html" {
			_, _ = w.Write(page)
		}
	}))
	t.Cleanup(o.server.Close)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	ctx, end = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(end)
	o.ctx = ctx
	if err := chromedp.Listen(ctx, o.hear); err != nil {
		t.Fatal(err)
	}
	call(o, network.Enable, network.EnableParams{})
	call(o, log.Enable, cdp.Empty{})
	call(o, runtime.Enable, cdp.Empty{})
	call(o, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500,
	})
	o.scheme(scheme)
	o.do(chromedp.Navigate(o.server.URL + "/report.html"))
	return o
}

// scheme is what the reader's system prefers, light or dark.
func (o *tab) scheme(name string) {
	o.t.Helper()
	call(o, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
	o.eval(`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))`) // it is told with a frame
}

func call[P, R any](o *tab, command cdp.Command[P, R], params P) {
	o.t.Helper()
	if _, err := chromedp.Call(o.ctx, command, params); err != nil {
		o.t.Fatal(err)
	}
}

func (o *tab) hear(event any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") {
			o.asked = append(o.asked, e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		o.faults = append(o.faults, fmt.Sprintf("%s at line %d: %+v", e.ExceptionDetails.Text, e.ExceptionDetails.LineNumber, e.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		o.faults = append(o.faults, fmt.Sprintf("console.%s", e.Type))
	case *log.EventEntryAdded:
		o.faults = append(o.faults, fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL))
	}
}

func (o *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	o.t.Helper()
	if err := chromedp.Do(o.ctx, actions...); err != nil {
		o.t.Fatal(err)
	}
}

// eval is the value of an expression in the page.
func eval[T any](o *tab, expression string) T {
	o.t.Helper()
	value, err := chromedp.Run(o.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		o.t.Fatal(err)
	}
	return value
}

func (o *tab) eval(expression string) {
	o.t.Helper()
	eval[chromedp.Void](o, expression)
}

// quiet says that the page has loaded nothing but itself and complained of nothing.
func (o *tab) quiet() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if want := o.server.URL + "/report.html"; !slices.Equal(o.asked, []string{want}) {
		o.t.Errorf("the page asked for %q, not for itself alone", o.asked)
	}
	if !slices.Equal(o.served, []string{"GET /report.html"}) {
		o.t.Errorf("the server was asked for %q", o.served)
	}
	if len(o.faults) > 0 {
		o.t.Errorf("in the console: %q", o.faults)
	}
}

// look saves a picture for those who want to see what is tested, with LOOK=DIR.
func (o *tab) look(name string) {
	o.t.Helper()
	dir := os.Getenv("LOOK")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(o.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		o.t.Error(err)
	}
}

func page(t testing.TB, m *analysis.Model) []byte {
	t.Helper()
	text, err := report.HTML(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// drawing is what is on a canvas: how many pixels have a colour of a line, and the colours.
const drawing = `[...document.querySelectorAll("figure canvas")].map(c => {
	const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
	const colors = new Map();
	let inked = 0;
	for (let i = 0; i < d.length; i += 4) {
		if (d[i+3] < 200) continue;
		const key = "#" + [d[i], d[i+1], d[i+2]].map(v => v.toString(16).padStart(2, "0")).join("").toUpperCase();
		colors.set(key, (colors.get(key) || 0) + 1);
		if (Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 60) inked++;
	}
	return {id: c.closest("figure").dataset.chart, width: c.clientWidth, inked, colors: [...colors].filter(e => e[1] > 20).map(e => e[0])};
})`

type drawn struct {
	ID     string   `json:"id"`
	Width  int64    `json:"width"`
	Inked  int      `json:"inked"`
	Colors []string `json:"colors"`
}

// contrast is the lowest contrast of visible text to what is behind it, and where (WCAG 2.1, relative luminance).
const contrast = `(() => {
	const parse = s => { const m = s.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
	const luminance = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	let worst = {ratio: 99, where: ""};
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest("script,style") || !e.checkVisibility()) continue;
		let back = null;
		for (let at = e; at && !back; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c[3] === 1) back = c; }
		const [a, b] = [luminance(parse(getComputedStyle(e).color).slice(0, 3)), luminance((back || [255, 255, 255]).slice(0, 3))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < worst.ratio) worst = {ratio, where: e.tagName + " " + e.className + " " + e.textContent.slice(0, 40)};
	}
	return worst;
})()`

func (o *tab) readable() {
	o.t.Helper()
	worst := eval[struct {
		Ratio float64 `json:"ratio"`
		Where string  `json:"where"`
	}](o, contrast)
	if worst.Ratio < 4.5 {
		o.t.Errorf("the contrast is %.2f, below the 4.5 of WCAG AA, in %s", worst.Ratio, worst.Where)
	}
}

var allCharts = []string{"percentiles", "latency-cdf", "latency-over-time", "throughput-over-time", "concurrency", "break-even", "waterfall"}

// drawnAll says that each chart has lines or bars in it.
func (o *tab) drawnAll(want []string) []drawn {
	o.t.Helper()
	list := eval[[]drawn](o, drawing)
	var got []string
	for _, d := range list {
		got = append(got, d.ID)
		if d.Inked < 100 {
			o.t.Errorf("chart %s has %d coloured pixels: nothing is drawn", d.ID, d.Inked)
		}
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("the charts are %q, not %q", got, want)
	}
	return list
}

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
	o.eval(`document.querySelector("#chart-percentiles button").focus()`)
	o.do(chromedp.KeyEvent(" "))
	pressed, list := eval[string](o, `document.activeElement.getAttribute("aria-pressed")`), eval[[]drawn](o, drawing)
	if pressed != "false" || slices.Contains(list[0].Colors, "#0A5FBF") {
		t.Errorf("after the button aria-pressed is %s, and the colours are %q", pressed, list[0].Colors)
	}
	o.quiet()
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
