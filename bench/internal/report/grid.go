package report

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// tone is what colour may add to a text. The text must say it too.
type tone int

const (
	tonePlain tone = iota
	toneGood
	toneBad
	toneLoud
)

type cell struct {
	text string
	tone tone
}

// grid is a table before it has a format. Texts are visible but not escaped.
type grid struct {
	// head cells may have two lines.
	head []string
	// left are the columns that are not figures.
	left map[int]bool
	rows [][]cell
}

func (g *grid) add(cells ...cell) { g.rows = append(g.rows, cells) }

func plain(s string) cell { return cell{text: s} }

// paint colours each line by itself.
func (t tone) paint(s string) string {
	if first, rest, more := strings.Cut(s, "\n"); more {
		return t.paint(first) + "\n" + t.paint(rest)
	}
	switch t {
	case toneGood:
		return "\x1b[32m" + s + "\x1b[0m"
	case toneBad:
		return "\x1b[31m" + s + "\x1b[0m"
	case toneLoud:
		return "\x1b[1;31m" + s + "\x1b[0m"
	case tonePlain:
	}
	return s
}

func (g *grid) alignment() tw.CellAlignment {
	var a tw.CellAlignment
	for i := range g.head {
		if g.left[i] {
			a.PerColumn = append(a.PerColumn, tw.AlignLeft)
		} else {
			a.PerColumn = append(a.PerColumn, tw.AlignRight)
		}
	}
	return a
}

// terminal renders with box characters, each line indented by one space.
func (g *grid) terminal(color bool) (string, error) {
	rows := make([][]string, len(g.rows))
	for i, row := range g.rows {
		for _, c := range row {
			text := c.text
			if color {
				text = c.tone.paint(text)
			}
			rows[i] = append(rows[i], text)
		}
	}
	style := renderer.NewBlueprint(tw.Rendition{
		Symbols: tw.NewSymbols(tw.StyleLight),
		Borders: tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.Off, Bottom: tw.Off},
		Settings: tw.Settings{
			Lines:      tw.Lines{ShowHeaderLine: tw.On},
			Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
		},
	})
	text, err := g.render(style, g.head, rows)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String(), nil
}

// markdown renders for GitHub.
func (g *grid) markdown() (string, error) {
	head := make([]string, len(g.head))
	for i, h := range g.head {
		head[i] = escapeMarkdown(strings.ReplaceAll(h, "\n", " "))
	}
	rows := make([][]string, len(g.rows))
	for i, row := range g.rows {
		for _, c := range row {
			rows[i] = append(rows[i], escapeMarkdown(c.text))
		}
	}
	return g.render(renderer.NewMarkdown(), head, rows)
}

func (g *grid) render(r tw.Renderer, head []string, rows [][]string) (string, error) {
	var b bytes.Buffer
	t := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(r),
		tablewriter.WithEastAsian(tw.Off),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(g.alignment()),
		tablewriter.WithRowAlignmentConfig(g.alignment()),
	)
	t.Header(head)
	for _, row := range rows {
		if err := t.Append(row); err != nil {
			return "", fmt.Errorf("rendering a table: %w", err)
		}
	}
	if err := t.Render(); err != nil {
		return "", fmt.Errorf("rendering a table: %w", err)
	}
	return b.String(), nil
}
