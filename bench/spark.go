package main

import (
	"strings"
)

// sparkKept is how many intervals a sparkline shows at most.
const sparkKept = 20

// spark has the figures of the last intervals; nil stands for an interval that has none.
type spark []*float64

func (s *spark) add(v *float64) {
	*s = append(*s, v)
	if len(*s) > sparkKept {
		*s = (*s)[1:]
	}
}

// line draws the last figures in so many columns, from 0 to the highest of them. An interval without a figure is blank.
func (s spark) line(columns int) string {
	const levels = "▁▂▃▄▅▆▇█"
	shown := s[max(0, len(s)-columns):]
	highest := 0.0
	for _, v := range shown {
		if v != nil {
			highest = max(highest, *v)
		}
	}
	var text strings.Builder
	text.WriteString(strings.Repeat(" ", columns-len(shown)))
	marks := []rune(levels)
	for _, v := range shown {
		switch {
		case v == nil:
			text.WriteByte(' ')
		case highest <= 0:
			text.WriteRune(marks[0])
		default:
			text.WriteRune(marks[min(len(marks)-1, int(*v/highest*float64(len(marks))))])
		}
	}
	return text.String()
}
