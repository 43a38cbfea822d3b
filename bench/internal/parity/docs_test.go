package parity_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/parity"
)

var update = flag.Bool("update", false, "write docs/parity.md anew")

const docsFile = "../../../docs/parity.md"

// passes is how often the stock adapters are asked, to tell answers that differ from run to run.
const passes = 2

// finding is a difference that is the same for all the requests and doors that it names.
type finding struct {
	requests, doors    []string
	field, left, right string
}

// stock collects what the stock adapters change.
type stock struct {
	findings []*finding
	byKey    map[string]*finding
	changed  map[string]int // requests, by door
}

// TestDocs compares docs/parity.md with what the corpora find now. -update writes it.
func TestDocs(t *testing.T) {
	s := newSuite(t)
	mirror := s.parts[1]
	doors := modes()["buffered"]
	widened := widen(s.table)
	found := &stock{byKey: map[string]*finding{}, changed: map[string]int{}}
	fn := serveLambda(t, programs.mirror, doors, "LAMBDA_ADAPTER=api-proxy")
	for _, door := range doors {
		var results []*parity.Result
		for range passes {
			results = append(results, widened.CompareAll(mirror.corpus, mirror.left, send(t, mirror.corpus, string(door), fn.URL(door)), string(door)))
		}
		found.add(door, results)
	}
	var b strings.Builder
	writeDoc(&b, s.table, mirror.corpus, found, doors)
	got := b.String()
	if *update {
		if err := os.WriteFile(docsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("docs/parity.md is not what the corpora find; write it with -update (-there +found):\n%s", d)
	}
}

// widen has the relations of the table hold for all requests: where the order of a query is lost, for example, another
// adapter may find another order than httpevent, and it is not to blame.
func widen(t *parity.Table) *parity.Table {
	w := *t
	w.Rows = slices.Clone(t.Rows)
	for i := range w.Rows {
		if w.Rows[i].Change != "" {
			w.Rows[i].Requests = []string{"*"}
		}
	}
	return &w
}

// add takes what one door has answered in several passes. Of a request that got another status only that is shown: all else
// follows from it.
func (s *stock) add(door emulator.FrontDoor, results []*parity.Result) {
	values := map[string][]string{}
	broken := map[string]bool{}
	for _, res := range results {
		for _, d := range res.Differences {
			key := d.Request + " " + d.Field
			values[key] = append(values[key], sorted(d.Right.String()))
			broken[d.Request] = broken[d.Request] || d.Field == "status"
		}
	}
	seen := map[string]bool{}
	done := map[string]bool{}
	for _, res := range results {
		for _, d := range res.Differences {
			key := d.Request + " " + d.Field
			if done[key] || broken[d.Request] && d.Field != "status" {
				continue
			}
			done[key] = true
			if !seen[d.Request] {
				seen[d.Request] = true
				s.changed[string(door)]++
			}
			right := sorted(d.Right.String())
			if len(slices.Compact(slices.Clone(values[key]))) > 1 || len(values[key]) < len(results) {
				right = "(another one each time)"
			}
			s.note(string(door), d.Request, d.Field, d.Left.String(), right)
		}
	}
}

// sorted sorts the parameters of a query, which the stock adapters take from a map.
func sorted(value string) string {
	before, query, found := strings.Cut(value, "?")
	if !found {
		before, query = "", value
	} else {
		before += "?"
	}
	pairs := strings.Split(query, "&")
	slices.Sort(pairs)
	return before + strings.Join(pairs, "&")
}

// note adds one difference to the finding that it belongs to.
func (s *stock) note(door, request, field, left, right string) {
	key := field + "\x00" + left + "\x00" + right
	f := s.byKey[key]
	if f == nil {
		f = &finding{field: field, left: left, right: right}
		s.byKey[key] = f
		s.findings = append(s.findings, f)
	}
	if !slices.Contains(f.requests, request) {
		f.requests = append(f.requests, request)
	}
	if !slices.Contains(f.doors, door) {
		f.doors = append(f.doors, door)
	}
}

func writeDoc(b *strings.Builder, table *parity.Table, c *parity.Corpus, found *stock, doors []emulator.FrontDoor) {
	fmt.Fprintf(b, `# Parity: the same answers from EC2 and Lambda

This file is generated from the corpora in bench/internal/parity by

    go test ./bench/internal/parity -run TestDocs -update

and a test fails when it is not what they find. Requests are named as in the corpora; * stands for any text.

## What the stock adapter changes

The %d requests of the corpus mirror were sent to one Echo app (adapters/testdata/mirror): under net/http, and through the
Echo adapters of aws-lambda-go-api-proxy behind the local front doors. What the front doors change or lose by themselves, the
second table below, is left out. body.NAME is what the app's handler saw of the request. Of requests that got another status
only that is shown. Package httpevent has no difference at any door, buffered or streaming; a test holds it to that.

`, len(c.Requests))
	rows := make([][]string, 0, len(doors))
	for _, d := range doors {
		rows = append(rows, []string{code(string(d)), fmt.Sprint(found.changed[string(d)]), fmt.Sprint(len(c.Requests))})
	}
	writeTable(b, []string{"front door", "requests with another answer", "of"}, rows)
	b.WriteString("\n")
	order := map[string]int{}
	for i, q := range c.Requests {
		order[q.Name] = i
	}
	slices.SortStableFunc(found.findings, func(x, y *finding) int { return order[x.requests[0]] - order[y.requests[0]] })
	rows = nil
	for _, f := range found.findings {
		slices.SortFunc(f.requests, func(a, b string) int { return order[a] - order[b] })
		requests := code(f.requests[0])
		if more := len(f.requests) - 1; more > 0 {
			requests += fmt.Sprintf(" and %d more", more)
		}
		where := codes(f.doors)
		if len(f.doors) == len(doors) {
			where = "all"
		}
		rows = append(rows, []string{requests, where, code(f.field), code(f.left), code(f.right)})
	}
	writeTable(b, []string{"request", "front doors", "what", "net/http", "stock adapter"}, rows)

	b.WriteString("\n## What front doors change or lose\n\nThese are no differences between two targets, and `bench parity --front-door` does not report them.\n\n")
	rows = nil
	for _, d := range table.Doors {
		rows = append(rows, []string{code(d.Name), d.About})
	}
	writeTable(b, []string{"front door", "is"}, rows)
	b.WriteString("\n")
	rows = nil
	for i := range table.Rows {
		r := &table.Rows[i]
		change := r.Change
		if change == "" {
			change = code(r.Left) + " → " + code(r.Right)
		}
		where := codes(r.Doors)
		if len(r.Doors) == len(table.Doors)-1 {
			where = "all"
		}
		rows = append(rows, []string{where, codes(r.Requests), codes(r.Fields), change, r.Why, r.Source})
	}
	writeTable(b, []string{"front doors", "requests", "what", "change", "why", "source"}, rows)
}

// code shows s as code in a cell of a table.
func code(s string) string {
	const most = 100
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "`", "'")
	return "`" + s + "`"
}

func codes(list []string) string {
	shown := make([]string, len(list))
	for i, s := range list {
		shown[i] = code(s)
	}
	return strings.Join(shown, " ")
}

func writeTable(b *strings.Builder, head []string, rows [][]string) {
	for _, cells := range append([][]string{head, slices.Repeat([]string{"---"}, len(head))}, rows...) {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
}
