package scenario

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// maxRandomText is the longest text that random_text draws.
const maxRandomText = 65536

// Template is a text with places for values, such as /texts/{{id}}?page={{random 1 9}}. The zero value is the empty text.
//
// What stands in a place is sent as it is: values for a path have to be in their encoded form.
type Template struct{ parts []part }

// part of a template: a text, or a place.
type part struct {
	kind  kind
	text  string // a literal's
	index int    // which value, column or capture; or how many characters
	// The whole numbers that random draws: so many from the lowest on, 0 for all that there are.
	lowest int64
	many   uint64
}

type kind uint8

const (
	kindLiteral kind = iota
	kindCounter
	kindRandom
	kindRandomText
	kindUUID
	kindValue
	kindColumn
	kindCapture
)

// functions by their name, with how they are written.
var functions = []struct {
	name, usage string
	kind        kind
}{
	{"counter", "counter", kindCounter},
	{"random", "random LO HI", kindRandom},
	{"random_text", "random_text N", kindRandomText},
	{"uuid", "uuid", kindUUID},
}

// Template compiles a text of a scenario that was parsed, and so checked. A text that Parse refuses is taken as it stands.
func (s *Scenario) Template(text string) Template { return s.names().template(text) }

func (n *names) template(text string) Template {
	t, faults := compile(text, n)
	if len(faults) > 0 {
		return Template{[]part{{text: text}}}
	}
	return t
}

// Static says that the text is the same in each iteration.
func (t Template) Static() bool {
	return len(t.parts) == 0 || len(t.parts) == 1 && t.parts[0].kind == kindLiteral
}

// draws says that each use of the template draws new values.
func (t Template) draws() bool {
	for i := range t.parts {
		switch t.parts[i].kind {
		case kindRandom, kindRandomText, kindUUID:
			return true
		case kindLiteral, kindCounter, kindValue, kindColumn, kindCapture:
		}
	}
	return false
}

// Append adds the text with the values of v to dst. Functions that draw do so anew in each call.
func (t Template) Append(dst []byte, v *Variables) []byte {
	for i := range t.parts {
		dst = v.append(dst, &t.parts[i])
	}
	return dst
}

// Matches says whether b is the text with the values of v. It allocates nothing.
func (t Template) Matches(b []byte, v *Variables) bool {
	for i := range t.parts {
		p := &t.parts[i]
		var length int
		if p.kind == kindLiteral {
			length = len(p.text)
			if len(b) < length || string(b[:length]) != p.text {
				return false
			}
		} else {
			v.scratch = v.append(v.scratch[:0], p)
			length = len(v.scratch)
			if len(b) < length || string(b[:length]) != string(v.scratch) {
				return false
			}
		}
		b = b[length:]
	}
	return len(b) == 0
}

// with is the text with the same stand-in for each value.
func (t Template) with(standIn string) string {
	var b strings.Builder
	for i := range t.parts {
		if t.parts[i].kind == kindLiteral {
			b.WriteString(t.parts[i].text)
		} else {
			b.WriteString(standIn)
		}
	}
	return b.String()
}

// compile reads a text. faults are all that is wrong with it.
func compile(text string, known *names) (t Template, faults []string) {
	add := func(p part) {
		if last := len(t.parts) - 1; p.kind == kindLiteral && last >= 0 && t.parts[last].kind == kindLiteral {
			t.parts[last].text += p.text
		} else if p.kind != kindLiteral || p.text != "" {
			t.parts = append(t.parts, p)
		}
	}
	for {
		before, rest, found := strings.Cut(text, "{{")
		add(part{text: before})
		if !found {
			return t, faults
		}
		inside, after, ok := cutPlace(rest)
		if !ok {
			return t, append(faults, fmt.Sprintf(`{{ without }} in %s (to send two braces, write {{"{{"}})`, shorten("{{"+rest)))
		}
		p, fault := parsePlace(inside, known)
		if fault != "" {
			faults = append(faults, fault)
		}
		add(p)
		text = after
	}
}

// cutPlace splits what follows two opening braces at the closing ones, which may also stand in a text in quotes.
func cutPlace(text string) (inside, after string, ok bool) {
	trimmed := strings.TrimLeft(text, " ")
	if !strings.HasPrefix(trimmed, `"`) {
		return strings.Cut(text, "}}")
	}
	quoted, err := strconv.QuotedPrefix(trimmed)
	if err != nil {
		return strings.Cut(text, "}}") // parsePlace tells what is wrong
	}
	extra, after, ok := strings.Cut(trimmed[len(quoted):], "}}")
	return quoted + extra, after, ok
}

// parsePlace reads what stands between braces.
func parsePlace(text string, known *names) (p part, fault string) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, `"`) {
		unquoted, err := strconv.Unquote(text)
		if err != nil {
			return p, fmt.Sprintf(`expected a text in quotes such as {{"{{"}}, got %s`, shorten(text))
		}
		return part{text: unquoted}, ""
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return p, "nothing between {{ and }}: " + known.wanted()
	}
	name, arguments := words[0], words[1:]
	for _, f := range functions {
		if f.name != name {
			continue
		}
		p, ok := parseFunction(f.kind, arguments)
		if !ok {
			return p, fmt.Sprintf("expected %s, got %s", functionWanted(f.kind, f.usage), shorten(text))
		}
		return p, ""
	}
	r, ok := known.refs[name]
	switch {
	case ok && len(arguments) > 0:
		return p, fmt.Sprintf("%s takes no arguments, got %s", name, shorten(text))
	case ok:
		return part{kind: r.kind, index: r.index}, ""
	case known.later[name] != "":
		return p, fmt.Sprintf("%q is not known yet: %s", name, known.later[name])
	case known.incomplete:
		return p, "" // the fault that hides names is told already
	}
	return p, fmt.Sprintf("unknown name %s: %s", shorten(name), known.wanted())
}

func functionWanted(k kind, usage string) string {
	switch k {
	case kindRandom:
		return "random LO HI with two whole numbers, the first not above the second"
	case kindRandomText:
		return fmt.Sprintf("random_text N with a whole number from 1 to %d", maxRandomText)
	case kindLiteral, kindCounter, kindUUID, kindValue, kindColumn, kindCapture:
	}
	return usage + " without arguments"
}

func parseFunction(k kind, arguments []string) (p part, ok bool) {
	numbers := make([]int64, len(arguments))
	for i, a := range arguments {
		v, err := strconv.ParseInt(a, 10, 64)
		if err != nil {
			return p, false
		}
		numbers[i] = v
	}
	switch {
	case k == kindRandom && len(numbers) == 2 && numbers[0] <= numbers[1]:
		return part{kind: k, lowest: numbers[0], many: uint64(numbers[1]) - uint64(numbers[0]) + 1}, true //nolint:gosec // wraps to the right span
	case k == kindRandomText && len(numbers) == 1 && numbers[0] >= 1 && numbers[0] <= maxRandomText:
		return part{kind: k, index: int(numbers[0])}, true
	case (k == kindCounter || k == kindUUID) && len(numbers) == 0:
		return part{kind: k}, true
	}
	return p, false
}

// most is the longest that the text can be, in bytes, apart from captures.
func (t Template) most(known *names) int {
	total := 0
	for i := range t.parts {
		total += t.parts[i].most(known)
		if total > math.MaxInt32 {
			return math.MaxInt32 // enough to be refused, and no overflow
		}
	}
	return total
}

func (p *part) most(known *names) int {
	switch p.kind {
	case kindLiteral:
		return len(p.text)
	case kindCounter, kindRandom:
		return len("-9223372036854775808")
	case kindRandomText:
		return p.index
	case kindUUID:
		return uuidLength
	case kindValue:
		return known.values[p.index]
	case kindColumn:
		return known.columns[p.index]
	case kindCapture:
	}
	return 0
}

// shorten quotes a text of the user in a message.
func shorten(text string) string {
	const most = 60
	if len(text) > most {
		return strconv.Quote(strings.ToValidUTF8(text[:most], "")) + "…"
	}
	return strconv.Quote(text)
}
