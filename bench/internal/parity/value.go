package parity

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Value is the value of a field of an answer: nil if the answer does not have it, else one text or several in order.
type Value []string

// Absent stands for a field that an answer does not have, in tables and in String.
const Absent = "absent"

const shownBytes = 160

// String shows v in one line, shortened. Several texts are a JSON array; what is no text is its length and the start of
// its SHA-256.
func (v Value) String() string {
	switch len(v) {
	case 0:
		return Absent
	case 1:
		return show(v[0])
	}
	texts := make([]string, len(v))
	for i, s := range v {
		texts[i] = strconv.Quote(show(s))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func show(s string) string {
	if s == "" {
		return `""`
	}
	printable := utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) })
	switch {
	case printable && len(s) <= shownBytes:
		return s
	case len(s) <= shownBytes/2:
		return strconv.QuoteToGraphic(s)
	case printable:
		return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:shownBytes*3/4], ""), len(s))
	}
	sum := sha256.Sum256([]byte(s))
	return fmt.Sprintf("%d bytes, sha256 %x…", len(s), sum[:4])
}

// lengthOfBody is the Content-Length of an answer that has as many bytes of body as it says.
const lengthOfBody = "{length of the body}"

// fieldsOf takes an answer apart. split takes a JSON object in the body apart too.
func fieldsOf(q *Request, a *Answer, split bool) map[string]Value {
	f := map[string]Value{}
	if a.Failure != FailureNone {
		f["failure"] = Value{a.Failure}
	}
	for _, status := range a.Interim {
		f["interim"] = append(f["interim"], strconv.Itoa(status))
	}
	if a.Status == 0 {
		return f
	}
	f["status"] = Value{strconv.Itoa(a.Status)}
	for name, values := range a.Header {
		f["header."+name] = slices.Clone(values)
	}
	if v := a.Header["Content-Length"]; len(v) == 1 && v[0] == strconv.Itoa(len(a.Body)) && !bodiless(q.Method, a.Status) {
		// Two bodies that differ are one difference, not two.
		f["header.Content-Length"] = Value{lengthOfBody}
	}
	if split {
		var object map[string]json.RawMessage
		if json.Unmarshal(a.Body, &object) == nil {
			flatten(f, "body", object)
			return f
		}
	}
	f["body"] = Value{string(a.Body)}
	return f
}

// flatten adds the leaves of a JSON object as fields. Lists of texts are values of several texts.
func flatten(f map[string]Value, at string, object map[string]json.RawMessage) {
	for name, raw := range object {
		var (
			inner map[string]json.RawMessage
			texts []string
			text  string
		)
		switch name := at + "." + name; {
		case bytes.HasPrefix(raw, []byte("{")) && json.Unmarshal(raw, &inner) == nil:
			flatten(f, name, inner)
		case bytes.HasPrefix(raw, []byte("[")) && json.Unmarshal(raw, &texts) == nil && len(texts) > 0:
			f[name] = texts
		case bytes.HasPrefix(raw, []byte(`"`)) && json.Unmarshal(raw, &text) == nil:
			f[name] = Value{text}
		default:
			f[name] = Value{string(raw)}
		}
	}
}

// splits tells that the bodies of both answers are JSON objects, and at least one says so. That the other one does not is a
// difference of its own.
func splits(left, right *Answer) bool {
	said := false
	for _, a := range []*Answer{left, right} {
		kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
		said = said || err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
		if !bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("{")) || !json.Valid(a.Body) {
			return false
		}
	}
	return said
}

// names returns the fields of both answers in a fixed order.
func names(left, right map[string]Value) []string {
	all := map[string]bool{}
	for name := range left {
		all[name] = true
	}
	for name := range right {
		all[name] = true
	}
	rank := func(name string) int {
		for i, prefix := range []string{"failure", "interim", "status", "header", "body"} {
			if strings.HasPrefix(name, prefix) {
				return i
			}
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}
