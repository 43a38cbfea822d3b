package parity

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Difference is a field in which two answers to the same request differ.
type Difference struct {
	Request string // its name in the corpus
	Field   string
	Left    Value
	Right   Value
	// Row is what explains the difference, nil if nothing does.
	Row *Row
}

// Compare compares two answers to the request q of a corpus; the right one came through the given door. It returns all
// differences, also those that a row of the table explains.
//
// The fields are: failure, interim (the 1xx statuses), status, header.NAME, and body, or body.NAME for the members of a body
// that is a JSON object in both answers. A Content-Length that is the length of the body it came with is compared as such.
// The values of both sides are normalised first, as the corpus and the table declare.
func (t *Table) Compare(c *Corpus, q *Request, left, right *Answers, i int, door string) []Difference {
	l, r := &left.List[i], &right.List[i]
	split := splits(l, r)
	fl, fr := fieldsOf(q, l, split), fieldsOf(q, r, split)
	touched := t.normalise(c, q, fl, left.vars)
	touched = t.normalise(c, q, fr, right.vars) || touched
	var found []Difference
	add := func(field string, l, r Value) {
		d := Difference{Request: q.Name, Field: field, Left: l, Right: r}
		if k := slices.IndexFunc(t.Rows, func(row Row) bool { return row.Explains(door, &d) }); k >= 0 {
			d.Row = &t.Rows[k]
		}
		found = append(found, d)
	}
	if q.Status != 0 && l.Status != q.Status {
		found = append(found, Difference{Request: q.Name, Field: "expected status", Left: fl["status"], Right: Value{strconv.Itoa(q.Status)}})
	}
	inBody := false
	for _, name := range names(fl, fr) {
		if !slices.Equal(fl[name], fr[name]) || (fl[name] == nil) != (fr[name] == nil) {
			inBody = inBody || name[0] == 'b'
			add(name, fl[name], fr[name])
		}
	}
	if split && !inBody && !touched && !bytes.Equal(l.Body, r.Body) {
		// The same JSON, written in another way.
		add("body", Value{string(l.Body)}, Value{string(r.Body)})
	}
	return found
}

// normalise applies all normalisers to the fields of an answer; it tells whether it has changed a part of the body.
func (t *Table) normalise(c *Corpus, q *Request, fields map[string]Value, vars map[string]string) (body bool) {
	for _, list := range [][]Normaliser{t.Normalise, c.Normalise} {
		for i := range list {
			n := &list[i]
			if !Matches(n.Request, q.Name) {
				continue
			}
			pattern := n.expand(vars)
			for name, value := range fields {
				if !Matches(n.Field, name) {
					continue
				}
				for k, text := range value {
					if value[k] = pattern.ReplaceAllString(text, n.As); value[k] != text {
						n.uses.Add(1)
						body = body || name[0] == 'b'
					}
				}
			}
		}
	}
	return body
}

// Result is how two targets have answered a corpus.
type Result struct {
	Corpus      string
	Door        string
	Left, Right Target
	Requests    int // how many were sent to each target
	// Differences are those that nothing explains: what must not be.
	Differences []Difference
	// Explained are those that a row of the table of front doors explains.
	Explained []Difference
}

// CompareAll compares what two targets have answered to a corpus.
func (t *Table) CompareAll(c *Corpus, left, right *Answers, door string) *Result {
	res := &Result{Corpus: c.Name, Door: door, Left: left.Target, Right: right.Target, Requests: len(c.Requests)}
	for i := range c.Requests {
		for _, d := range t.Compare(c, &c.Requests[i], left, right, i, door) {
			if d.Row != nil {
				res.Explained = append(res.Explained, d)
			} else {
				res.Differences = append(res.Differences, d)
			}
		}
	}
	return res
}

// Run sends a corpus to both targets at the same time and compares the answers. The right target is behind the given door
// (DoorDirect for none), the left one is not. timeout bounds each request; 0 means DefaultTimeout.
func Run(ctx context.Context, left, right Target, c *Corpus, door string, timeout time.Duration) (*Result, error) {
	t, err := Doors()
	if err != nil {
		return nil, err
	}
	if err := t.Check(door); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg      sync.WaitGroup
		answers [2]*Answers
	)
	for i, target := range []Target{left, right} {
		wg.Go(func() {
			var err error
			if answers[i], err = Send(ctx, target, c, timeout); err != nil {
				cancel(err) // the first error ends the other side too
			}
		})
	}
	wg.Wait()
	if answers[0] == nil || answers[1] == nil {
		err := context.Cause(ctx)
		if err == nil {
			err = errors.New("the requests were not sent")
		}
		return nil, err
	}
	return t.CompareAll(c, answers[0], answers[1], door), nil
}

// Columns are the headings of Rows.
func Columns() []string { return []string{"Request", "Field", "Left", "Right"} }

// Rows are the differences as the rows of a table, in the order of the corpus. explained adds those that the table of front
// doors explains.
func (r *Result) Rows(explained bool) [][]string {
	list := r.Differences
	if explained {
		list = append(slices.Clone(list), r.Explained...)
	}
	rows := make([][]string, len(list))
	for i, d := range list {
		rows[i] = []string{d.Request, d.Field, d.Left.String(), d.Right.String()}
	}
	return rows
}
