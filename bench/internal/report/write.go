package report

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// The names of the reports in their folder. Charts are beside them, each with its own name and the ending .svg.
const (
	FileName      = "report.md"
	HTMLName      = "report.html"
	tablesName    = "tables.csv"
	intervalsName = "intervals.csv"
)

// Write puts the reports of m into dir: report.md with its charts, report.html, verdict.json, tables.csv, and intervals.csv where the intervals are
// known. Each file is written in one step: there is never half of it. What an earlier report had and this one has not is removed.
func Write(dir string, m *analysis.Model) error {
	figures := figuresOf(m)
	files := map[string][]byte{intervalsName: nil}
	var order []string
	add := func(name string, data []byte) {
		files[name] = data
		order = append(order, name)
	}
	for i := range figures {
		f := &figures[i]
		if f.absent != "" {
			files[f.file()] = nil
			continue
		}
		data, err := f.SVG()
		if err != nil {
			return err
		}
		add(f.file(), data)
	}
	page, err := html(m, figures)
	if err != nil {
		return err
	}
	add(HTMLName, page)
	table, err := Tables(m)
	if err != nil {
		return err
	}
	add(tablesName, table)
	if m.Timeline != nil {
		list, err := Intervals(m)
		if err != nil {
			return err
		}
		add(intervalsName, list)
	}
	verdict, err := Verdict(m)
	if err != nil {
		return err
	}
	add(verdictName, verdict)
	text, err := markdown(m, figures)
	if err != nil {
		return err
	}
	add(FileName, text)
	for _, name := range order {
		if err := result.WriteFile(filepath.Join(dir, name), files[name]); err != nil {
			return err
		}
	}
	for name, data := range files {
		if data != nil {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
