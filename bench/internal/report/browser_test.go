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
