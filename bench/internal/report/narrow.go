package report

import (
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	// gap is what the renderer puts around a cell.
	gap = 2
	// longestWord is from which on a word of a text may be broken where the terminal is too narrow for it.
	longestWord = 16
)

// fitted renders a table for a terminal of a known width: where it is too wide its heads and texts, but no figures, are wrapped, and where
// that is not enough each row stands by itself, a cell a line.
func (t *terminal) fitted(g *grid) string {
	text := t.render(g)
	if t.room == 0 || widest(text) <= t.room {
		return text
	}
	if wrapped, ok := g.wrapped(t.room); ok {
		return t.render(wrapped)
	}
	return t.upright(g)
}

// wrapped is the grid in so many terminal columns; false where its figures and words alone are wider.
func (g *grid) wrapped(columns int) (*grid, bool) {
	wide, least := make([]int, len(g.head)), make([]int, len(g.head))
	all := gap * len(g.head)
	for i := range g.head {
		wide[i], least[i] = g.column(i)
		all += wide[i]
	}
	for ; all > columns; all-- {
		most := -1
		for i := range wide {
			if wide[i] > least[i] && (most < 0 || wide[i] > wide[most]) {
				most = i
			}
		}
		if most < 0 {
			return nil, false
		}
		wide[most]--
	}
	out := &grid{left: g.left, rows: make([][]cell, len(g.rows))}
	for i, h := range g.head {
		out.head = append(out.head, folded(h, wide[i]))
	}
	for n, row := range g.rows {
		for i, c := range row {
			text := united(c.text)
			if !g.left[i] {
				text = joined(text)
			}
			out.rows[n] = append(out.rows[n], cell{parted(folded(text, wide[i])), c.tone})
		}
	}
	return out, true
}

// column is how wide a column is, and how wide it must be.
func (g *grid) column(i int) (wide, least int) {
	see := func(text string, longest int) {
		for line := range strings.SplitSeq(text, "\n") {
			wide = max(wide, width(line))
			for word := range strings.FieldsSeq(line) {
				least = max(least, min(width(word), longest))
			}
		}
	}
	see(g.head[i], longestWord)
	for _, row := range g.rows {
		if g.left[i] {
			see(united(row[i].text), longestWord)
		} else {
			see(joined(row[i].text), math.MaxInt)
		}
	}
	return wide, least
}

// joint stands for a space that is no place to break a line at.
const joint = "\ue000"

// joined keeps a figure and its unit together; what follows in brackets may go to the next line.
func joined(s string) string {
	figure, rest, more := strings.Cut(s, " (")
	figure = strings.ReplaceAll(figure, " ", joint)
	if more {
		return figure + " (" + rest
	}
	return figure
}

// measured is a figure, the space after it and the unit.
var measured = regexp.MustCompile(`(\d) (µs|ms|s|%|MiB|MB|GB)($|[^\pL\d])`)

// united keeps each figure of a text with its unit.
func united(s string) string { return measured.ReplaceAllString(s, "${1}"+joint+"${2}${3}") }

// parted has the spaces again.
func parted(s string) string { return strings.ReplaceAll(s, joint, " ") }

// folded breaks a text into lines of so many columns: at spaces, and within a word only where it does not fit by itself.
func folded(s string, columns int) string {
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		if width(line) <= columns {
			lines = append(lines, line)
			continue
		}
		for part := range strings.Lines(wrap(line, "", "", columns)) {
			part = strings.TrimSuffix(part, "\n")
			for width(part) > columns {
				// The space makes clip cut a part that is one column too wide.
				head := strings.TrimSuffix(clip(part+" ", columns+1), "…")
				if head == "" { // a character wider than the column
					_, n := utf8.DecodeRuneInString(part)
					head = part[:n]
				}
				lines, part = append(lines, head), part[len(head):]
			}
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "\n")
}

// item is one of a list. Where the width is known a word that is longer, such as the address of a resource, is broken.
func (t *terminal) item(text string) {
	if t.room == 0 {
		t.out.WriteString(wrap(text, " - ", "   ", t.options.Width))
		return
	}
	lines := folded(text, t.room-len(" - "))
	t.out.WriteString(" - " + strings.ReplaceAll(lines, "\n", "\n   ") + "\n")
}

// upright has a line for each cell of a row, with its head. A row whose first cell is empty goes on with that of the row before.
func (t *terminal) upright(g *grid) string {
	var b strings.Builder
	title := ""
	for n, row := range g.rows {
		if n > 0 {
			b.WriteByte('\n')
		}
		if row[0].text != "" {
			title = row[0].text
		}
		for i, c := range row {
			text := c.text
			if i == 0 {
				text = title
			}
			if text == "" {
				continue
			}
			if head := strings.ReplaceAll(g.head[i], "\n", " "); head != "" {
				text = head + ": " + text
			}
			indent := " "
			for line := range strings.SplitSeq(parted(folded(united(text), t.room-len("   "))), "\n") {
				if i > 0 {
					indent = "   "
				}
				b.WriteString(indent + t.paint(c.tone, line) + "\n")
				indent = "   "
			}
		}
	}
	return b.String()
}
