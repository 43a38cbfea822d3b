package parity

import (
	_ "embed" // the table
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed doors.yaml
var doorsYAML []byte

// Anything in place of a pattern stands for any value and for none.
const Anything = "anything"

// DoorDirect is the door of two targets that are both reached without a front door in between.
const DoorDirect = "direct"

// Door is a front door: what is between a client and a target.
type Door struct{ Name, About string }

// Row is one thing that a front door changes or loses and that thus is no difference between two targets. It is for the
// answers to requests that match one of Requests, whose field matches one of Fields and has on the left (no front door) a
// value that matches Left and on the right (behind the door) one that matches Right. * in Requests and Fields stands for any
// text; Left and Right are patterns for the whole value, or Absent, or Anything.
type Row struct {
	Doors    []string
	Requests []string
	Fields   []string
	Left     string
	Right    string // {left} stands for the left value
	Change   string // one of Changes, instead of Left and Right
	Why      string
	Source   string

	left, right *regexp.Regexp
	Line        int
}

// Table is what is known of front doors.
type Table struct {
	Doors     []Door
	Normalise []Normaliser
	Rows      []Row
}

// changes are relations between two values that no pattern can express.
var changes = map[string]func(left, right Value) bool{
	"joined": func(left, right Value) bool { return len(left) > 1 && same(right, strings.Join(left, ",")) },
	"joined with a space": func(left, right Value) bool {
		return len(left) > 1 && same(right, strings.Join(left, ", "))
	},
	"last value": func(left, right Value) bool { return len(left) > 1 && same(right, left[len(left)-1]) },
	"decoded": func(left, right Value) bool {
		if len(left) != 1 {
			return false
		}
		s, err := url.PathUnescape(left[0])
		return err == nil && s != left[0] && same(right, s)
	},
	"decoded and encoded again": func(left, right Value) bool {
		if len(left) != 1 || len(right) != 1 {
			return false
		}
		l, err := url.PathUnescape(left[0])
		r, err2 := url.PathUnescape(right[0])
		return err == nil && err2 == nil && l == r
	},
	"query in another order or encoding": func(left, right Value) bool {
		return len(left) == 1 && len(right) == 1 && samePath(left[0], right[0]) && slices.Equal(pairs(left[0]), pairs(right[0]))
	},
	"each parameter with a value": func(left, right Value) bool {
		return len(left) == 1 && len(right) == 1 && valued(left[0]) == right[0]
	},
	"a semicolon separates parameters": func(left, right Value) bool {
		return len(left) == 1 && len(right) == 1 && strings.Contains(left[0], ";") && samePath(left[0], right[0]) &&
			slices.Equal(pairs(strings.ReplaceAll(left[0], ";", "&")), pairs(right[0]))
	},
	"last value of each parameter": func(left, right Value) bool {
		l := pairs(strings.Join(left, "&"))
		last := l[:0:0]
		for i, pair := range l {
			if name, _, _ := strings.Cut(pair, "="); i+1 == len(l) || !strings.HasPrefix(l[i+1], name+"=") {
				last = append(last, pair)
			}
		}
		return len(last) < len(l) && slices.Equal(last, pairs(strings.Join(right, "&"))) && samePath(left[0], right[0])
	},
}

// valued writes a query, or a target with one, without empty parameters and with a value for each.
func valued(target string) string {
	path, query := cutTarget(target)
	var all []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && !strings.Contains(pair, "=") {
			pair += "="
		}
		if pair != "" {
			all = append(all, pair)
		}
	}
	return path + strings.Join(all, "&")
}

func same(v Value, text string) bool { return len(v) == 1 && v[0] == text }

// cutTarget splits a target, or URL, after its question mark. All of a text that is neither is a query.
func cutTarget(target string) (path, query string) {
	if !strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "http") {
		return "", target
	}
	i := strings.IndexByte(target, '?') + 1
	if i == 0 {
		i = len(target)
	}
	return target[:i], target[i:]
}

func samePath(left, right string) bool {
	l, _ := cutTarget(left)
	r, _ := cutTarget(right)
	return l == r
}

// pairs are the decoded pairs of a query, or of a target with one, in a fixed order; those of one name keep theirs.
func pairs(target string) []string {
	_, query := cutTarget(target)
	var all []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err == nil {
			name = n
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		if pair != "" {
			all = append(all, name+"="+value)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return strings.Compare(a, b)
	})
	return all
}

// Doors returns the table of front doors that comes with the program.
func Doors() (*Table, error) { return ParseDoors("doors.yaml", doorsYAML) }

// ParseDoors reads a table of front doors. Faults are as those of Parse.
func ParseDoors(file string, data []byte) (*Table, error) {
	r := &reader{file: file}
	doc := r.document(data)
	if doc == nil {
		return nil, r.err()
	}
	t := &Table{}
	f := r.fields(doc, "table", "doors", "normalise", "rows")
	for _, n := range r.list(f["doors"], "doors", 100) {
		d := r.fields(n, "doors", "name", "about")
		t.Doors = append(t.Doors, Door{r.text(d["name"], "name", ""), r.text(d["about"], "about", "")})
	}
	for _, n := range r.list(f["normalise"], "normalise", 1000) {
		t.Normalise = append(t.Normalise, r.normaliser(n))
	}
	for _, n := range r.list(f["rows"], "rows", 1000) {
		t.Rows = append(t.Rows, r.row(n, t))
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return t, nil
}

// Check returns an error if there is no such door.
func (t *Table) Check(door string) error {
	names := make([]string, len(t.Doors))
	for i, d := range t.Doors {
		names[i] = d.Name
		if d.Name == door {
			return nil
		}
	}
	return fmt.Errorf("there is no front door %q, only %s", door, strings.Join(names, ", "))
}

func (r *reader) row(n *yaml.Node, t *Table) Row {
	f := r.fields(n, "row", "doors", "requests", "fields", "left", "right", "change", "why", "source")
	row := Row{
		Doors: r.texts(f["doors"], "doors"), Requests: r.texts(f["requests"], "requests"), Fields: r.texts(f["fields"], "fields"),
		Left: r.text(f["left"], "left", ""), Right: r.text(f["right"], "right", ""), Change: r.text(f["change"], "change", ""),
		Why: r.text(f["why"], "why", ""), Source: r.text(f["source"], "source", ""), Line: n.Line,
	}
	for _, d := range row.Doors {
		if err := t.Check(d); err != nil {
			r.fault(n, "doors", "%v", err)
		}
	}
	if f != nil && (len(row.Doors) == 0 || len(row.Requests) == 0 || len(row.Fields) == 0 || row.Why == "" || row.Source == "") {
		r.fault(n, "row", "expected doors, requests, fields, why and source")
	}
	switch known := changes[row.Change] != nil; {
	case row.Change != "" && (!known || row.Left != "" || row.Right != ""):
		r.fault(n, "change", "%s is not known, or left or right are given beside it", quote(row.Change))
	case row.Change == "" && (row.Left == "" || row.Right == ""):
		r.fault(n, "row", "expected change, or left and right")
	}
	var err, err2 error
	row.left, err = regexp.Compile(`(?s)\A(?:` + row.Left + `)\z`)
	row.right, err2 = regexp.Compile(`(?s)\A(?:` + strings.ReplaceAll(row.Right, "{left}", "left") + `)\z`)
	if err != nil || err2 != nil {
		r.fault(n, "row", "left or right is no regular expression")
	}
	return row
}

// texts reads a list of texts.
func (r *reader) texts(n *yaml.Node, what string) []string {
	var texts []string
	for _, item := range r.list(n, what, 1000) {
		texts = append(texts, r.text(item, what, ""))
	}
	return texts
}

// Explains tells whether the row is about a difference.
func (row *Row) Explains(door string, d *Difference) bool {
	matching := func(name string) func(string) bool {
		return func(glob string) bool { return Matches(glob, name) }
	}
	if !slices.Contains(row.Doors, door) || !slices.ContainsFunc(row.Fields, matching(d.Field)) || !slices.ContainsFunc(row.Requests, matching(d.Request)) {
		return false
	}
	if row.Change != "" {
		return changes[row.Change](d.Left, d.Right)
	}
	right := row.right
	if strings.Contains(row.Right, "{left}") {
		right = whole(strings.ReplaceAll(row.Right, "{left}", regexp.QuoteMeta(strings.Join(d.Left, ", "))))
	}
	return fits(row.Left, row.left, d.Left) && fits(row.Right, right, d.Right)
}

// whole compiles a pattern, which has been compiled before, for whole values.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`(?s)\A(?:` + pattern + `)\z`) }

func fits(source string, pattern *regexp.Regexp, v Value) bool {
	switch {
	case source == Anything:
		return true
	case v == nil || source == Absent:
		return v == nil && source == Absent
	}
	return pattern.MatchString(strings.Join(v, ", "))
}
