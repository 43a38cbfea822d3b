package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// longestText bounds what is shown of a text that a user or a target gave, in bytes.
const longestText = 400

// visible makes text of unknown origin safe to print: control characters, among them terminal escapes and the marks that
// reverse the direction of writing, are shown as escapes, and what is too long is cut.
func visible(s string) string {
	cut := 0
	if len(s) > longestText {
		n := longestText
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s, cut = s[:n], len(s)-n
	}
	if s == "" || strings.TrimSpace(s) == "" {
		return strconv.Quote(s)
	}
	s = printable(s)
	if cut > 0 {
		s += fmt.Sprintf("… (%d more bytes)", cut)
	}
	return s
}

func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsGraphic(r) && r != utf8.RuneError {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// escapeMarkdown makes visible text mean itself in GitHub Markdown, in tables as well.
func escapeMarkdown(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '\\', '`', '*', '[', ']', '|', '~', '$':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '_':
			// Between letters it is no emphasis, and status_503 stays readable.
			if i == 0 || i == len(runes)-1 || !alphanumeric(runes[i-1]) || !alphanumeric(runes[i+1]) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapeCode shows what cannot be seen, such as the marks that reverse the direction of writing, as JSON writes it.
func escapeCode(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || strconv.IsGraphic(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// md is visible and escaped.
func md(s string) string { return escapeMarkdown(visible(s)) }

// longestName bounds names in sentences and in the heads of tables, in terminal columns. They stand in full once.
const longestName = 48

// short is visible, and short enough to be said again and again.
func short(s string) string { return clip(visible(s), longestName) }

// width is the number of terminal columns of s, whatever the locale.
func width(s string) int { return twwidth.WidthWithOptions(s, twwidth.Options{}) }

// clip shortens s to so many terminal columns.
func clip(s string, columns int) string {
	if width(s) <= columns {
		return s
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		w := width(string(r))
		if used+w > columns-1 {
			break
		}
		b.WriteRune(r)
		used += w
	}
	return b.String() + "…"
}

// wrap breaks s at spaces into lines of so many columns; first and next go before the lines. A figure and its unit stay on one line where
// one has room for both.
func wrap(s, first, next string, columns int) string {
	var b strings.Builder
	line := first
	empty := true
	words := strings.Fields(s)
	for i := 0; i < len(words); i++ {
		word := words[i]
		if i+1 < len(words) && isUnit(words[i+1]) && endsInDigit(word) && width(next+word+" "+words[i+1]) <= columns {
			i++
			word += " " + words[i]
		}
		if !empty && width(line)+1+width(word) > columns {
			b.WriteString(line + "\n")
			line, empty = next, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	b.WriteString(line + "\n")
	return b.String()
}

// isUnit says whether a word is a unit, whatever ends the sentence behind it.
func isUnit(word string) bool {
	switch strings.TrimRight(word, ".,;:)") {
	case "%", "µs", "ms", "s", "MB", "MiB", "GB", "USD", "requests/s":
		return true
	}
	return false
}

func endsInDigit(word string) bool {
	last := word[len(word)-1]
	return last >= '0' && last <= '9'
}
