package parity_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/parity"
)

// suite is what the tests of parity compare: each corpus with the answers of net/http, and how to get those of Lambda.
type suite struct {
	table *parity.Table
	parts []*part
}

type part struct {
	corpus    *parity.Corpus
	left      *parity.Answers
	bootstrap string
	env       []string
}

func newSuite(tb testing.TB) *suite {
	tb.Helper()
	watchSources(tb)
	table, err := parity.Doors()
	if err != nil {
		tb.Fatal(err)
	}
	redis := "REDIS_URL=redis://" + miniredis.RunT(tb).Addr()
	s := &suite{table: table}
	for _, p := range []struct {
		corpus, server, bootstrap string
		env                       []string
	}{
		{parity.CorpusApp, programs.ec2, programs.bootstrap, []string{redis}},
		{parity.CorpusMirror, programs.mirror, programs.mirror, nil},
	} {
		corpus, err := parity.Builtin(p.corpus)
		if err != nil {
			tb.Fatal(err)
		}
		left := send(tb, corpus, "net/http", listen(tb, p.server, p.env...))
		s.parts = append(s.parts, &part{corpus: corpus, left: left, bootstrap: p.bootstrap, env: p.env})
	}
	return s
}

// watchSources makes go test run again what it has in its cache when the programs have changed that TestMain builds.
func watchSources(tb testing.TB) {
	tb.Helper()
	for _, dir := range []string{"../../../app", "../../../adapters"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}

func send(tb testing.TB, c *parity.Corpus, name, url string) *parity.Answers {
	tb.Helper()
	answers, err := parity.Send(tb.Context(), parity.Target{Name: name, URL: url}, c, limit)
	if err != nil {
		tb.Fatal(err)
	}
	return answers
}

// modes are the doors by how the function has to answer.
func modes() map[string][]emulator.FrontDoor {
	m := map[string][]emulator.FrontDoor{"stream": {emulator.DoorFunctionURLStream}}
	for _, d := range emulator.FrontDoors() {
		if d != emulator.DoorFunctionURLStream {
			m["buffered"] = append(m["buffered"], d)
		}
	}
	return m
}

// TestParity sends both corpora through each front door to package httpevent. There must be no difference that the table
// does not explain, and nothing in the table that explains none.
func TestParity(t *testing.T) {
	s := newSuite(t)
	used := newUsage()
	t.Run("doors", func(t *testing.T) {
		for _, p := range s.parts {
			for mode, doors := range modes() {
				fn := serveLambda(t, p.bootstrap, doors, append(slices.Clone(p.env), "LAMBDA_RESPONSE_MODE="+mode)...)
				for _, door := range doors {
					t.Run(p.corpus.Name+"/"+string(door), func(t *testing.T) {
						t.Parallel()
						right := send(t, p.corpus, string(door), fn.URL(door))
						res := s.table.CompareAll(p.corpus, p.left, right, string(door))
						for _, row := range res.Rows(false) {
							t.Error(strings.Join(row, " | "))
						}
						used.add(res)
					})
				}
			}
		}
	})
	if t.Failed() {
		return
	}
	for _, unused := range used.missing(s.table) {
		t.Error(unused)
	}
	for _, p := range s.parts {
		for _, n := range append(s.table.Normalise, p.corpus.Normalise...) {
			if n.Uses() == 0 {
				t.Errorf("normaliser of %s for %s (%s) is not needed", p.corpus.Name, n.Field, n.Pattern)
			}
		}
	}
}

// usage notes which rows of the table were needed, and of each row which doors, requests and fields.
type usage struct {
	mu   sync.Mutex
	seen map[string]bool
}

func newUsage() *usage { return &usage{seen: map[string]bool{}} }

func usageKey(row *parity.Row, kind, name string) string {
	return fmt.Sprintf("doors.yaml:%d: %s %s is not needed", row.Line, kind, name)
}

// add notes what a result has needed.
func (u *usage) add(res *parity.Result) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, d := range res.Explained {
		u.seen[usageKey(d.Row, "door", res.Door)] = true
		for _, glob := range d.Row.Requests {
			if parity.Matches(glob, d.Request) {
				u.seen[usageKey(d.Row, "request", glob)] = true
			}
		}
		for _, glob := range d.Row.Fields {
			if parity.Matches(glob, d.Field) {
				u.seen[usageKey(d.Row, "field", glob)] = true
			}
		}
	}
}

// missing returns a line for each part of the table that was not needed.
func (u *usage) missing(table *parity.Table) []string {
	var lines []string
	for i := range table.Rows {
		row := &table.Rows[i]
		check := func(kind string, names []string) {
			for _, name := range names {
				if key := usageKey(row, kind, name); !u.seen[key] {
					lines = append(lines, key)
				}
			}
		}
		check("door", row.Doors)
		check("request", row.Requests)
		check("field", row.Fields)
	}
	return lines
}

// TestParityFindsUnusedRows checks the check above: rows that cannot match are reported.
func TestParityFindsUnusedRows(t *testing.T) {
	table, err := parity.ParseDoors("doors.yaml", []byte(`
doors: [{name: alb, about: a}, {name: http_api, about: b}]
rows:
  - {doors: [alb, http_api], requests: [a, b], fields: [status, body], left: "200", right: "404", why: w, source: s}
`))
	if err != nil {
		t.Fatal(err)
	}
	used := newUsage()
	used.add(&parity.Result{Door: "alb", Explained: []parity.Difference{{Request: "a", Field: "status", Row: &table.Rows[0]}}})
	got := strings.Join(used.missing(table), "\n")
	const want = "doors.yaml:4: door http_api is not needed\ndoors.yaml:4: request b is not needed\ndoors.yaml:4: field body is not needed"
	if got != want {
		t.Errorf("= %s\nwant %s", got, want)
	}
}

// TestSame compares the answers of one server with themselves: no row of the table may be needed.
func TestSame(t *testing.T) {
	s := newSuite(t)
	for _, p := range s.parts {
		t.Run(p.corpus.Name, func(t *testing.T) {
			res := s.table.CompareAll(p.corpus, p.left, p.left, parity.DoorDirect)
			for _, row := range res.Rows(true) {
				t.Error(strings.Join(row, " | "))
			}
			if len(p.corpus.Requests) < 150 {
				t.Errorf("%d requests; want at least 150", len(p.corpus.Requests))
			}
		})
	}
}
