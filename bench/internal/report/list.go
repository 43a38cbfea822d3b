package report

import (
	"fmt"
	"io"
)

// longestCell bounds a cell of List, in characters.
const longestCell = 60

// List prints rows of texts of any origin as a table on w. The first so many columns are words, those after them figures.
func List(w io.Writer, head []string, words int, rows [][]string, o Options) error {
	g := &grid{head: head, left: map[int]bool{}}
	for i := range words {
		g.left[i] = true
	}
	for _, row := range rows {
		cells := make([]cell, len(row))
		for i, text := range row {
			cells[i] = plain(shorten(visible(text), longestCell))
		}
		g.add(cells...)
	}
	text, err := g.terminal(o.Color)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// shorten cuts s to n characters.
func shorten(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}
