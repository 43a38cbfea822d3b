package report

// charts shows each chart with its figures, and says why those are missing that are.
func (d *document) charts() {
	if len(d.figures) == 0 {
		return
	}
	d.heading("Charts")
	for i := range d.figures {
		f := &d.figures[i]
		if f.absent != "" {
			continue
		}
		d.printf("\n### %s\n", escapeMarkdown(f.Title))
		d.paragraph("![%s](%s)", escapeMarkdown(printable(f.Title+". "+f.Summary)), f.file())
		d.paragraph("%s", escapeMarkdown(f.note))
		if f.table != nil && len(f.table.rows) > 0 {
			d.details("The figures of this chart", func() { d.table(f.table) })
		}
	}
	var absent []string
	for i := range d.figures {
		if f := &d.figures[i]; f.absent != "" {
			absent = append(absent, f.Title+": not drawn. "+f.absent)
		}
	}
	if len(absent) > 0 {
		d.list(absent)
	}
}
