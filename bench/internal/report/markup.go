package report

import (
	"bytes"
	"fmt"
	stdhtml "html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// entry of the table of contents.
type entry struct{ ID, Text string }

// markup turns the Markdown report into HTML: pictures become charts, tables can be scrolled on a narrow screen, and the only HTML of the
// source that stays is that of collapsed details, without attributes. All else of it becomes text.
func markup(source []byte, figures []figure) (body, title string, contents []entry, err error) {
	m := &marker{figures: map[string]*figure{}}
	for i := range figures {
		m.figures[figures[i].file()] = &figures[i]
	}
	md := goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(m, 1000))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(m, 1))),
	)
	var out bytes.Buffer
	if err := md.Convert(source, &out); err != nil {
		return "", "", nil, fmt.Errorf("rendering the report: %w", err)
	}
	return out.String(), m.title, m.contents, nil
}

// marker is a transformer of the document and a renderer of what it has put there.
type marker struct {
	figures  map[string]*figure
	title    string
	contents []entry
}

var (
	kindFigure = ast.NewNodeKind("Figure")
	kindScroll = ast.NewNodeKind("Scroll")
)

// figureNode is where a picture was.
type figureNode struct {
	ast.BaseBlock
	figure *figure
}

// Kind implements ast.Node.
func (*figureNode) Kind() ast.NodeKind { return kindFigure }

// Dump implements ast.Node.
func (n *figureNode) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// scrollNode is around a table.
type scrollNode struct {
	ast.BaseBlock
	label string
}

// Kind implements ast.Node.
func (*scrollNode) Kind() ast.NodeKind { return kindScroll }

// Dump implements ast.Node.
func (n *scrollNode) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// Transform implements parser.ASTTransformer.
func (m *marker) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	source := reader.Source()
	var list []ast.Node
	// What is changed must not be walked over while it is.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && n.Type() == ast.TypeBlock {
			list = append(list, n)
		}
		return ast.WalkContinue, nil
	})
	section := ""
	for _, n := range list {
		switch n := n.(type) {
		case *ast.Heading:
			section = plainText(n, source)
			m.heading(n, section)
		case *ast.Blockquote:
			alertOf(n, source)
		case *ast.Paragraph:
			m.picture(n)
		case *tables.Table:
			scrolled(n, section)
		}
	}
}

func (m *marker) heading(n *ast.Heading, name string) {
	id, _ := n.AttributeString("id")
	word, _ := id.([]byte)
	switch {
	case n.Level == 1 && m.title == "":
		m.title = name
	case n.Level == 2:
		m.contents = append(m.contents, entry{string(word), name})
	}
}

// plainText is what a reader sees of a block of inlines.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(util.UnescapePunctuations(n.Value(source)))
			if n.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		}
		return ast.WalkContinue, nil
	})
	return stdhtml.UnescapeString(b.String())
}

// alertOf makes GitHub's alerts look like one.
func alertOf(n *ast.Blockquote, source []byte) {
	p, ok := n.FirstChild().(*ast.Paragraph)
	if !ok {
		return
	}
	for _, kind := range []string{caution, warning} {
		mark := "[!" + kind + "]"
		if !strings.HasPrefix(plainText(p, source), mark) {
			continue
		}
		n.SetAttributeString("class", []byte(strings.ToLower(kind)))
		n.SetAttributeString("role", []byte("note"))
		for taken := 0; taken < len(mark) && p.FirstChild() != nil; {
			first, ok := p.FirstChild().(*ast.Text)
			if !ok {
				break
			}
			taken += len(first.Value(source))
			p.RemoveChild(p, first)
		}
		strong := ast.NewEmphasis(2)
		strong.AppendChild(strong, ast.NewString([]byte(kind[:1]+strings.ToLower(kind[1:])+". ")))
		p.InsertBefore(p, p.FirstChild(), strong)
		return
	}
}

// picture makes a chart of a paragraph that is nothing but the picture of one.
func (m *marker) picture(p *ast.Paragraph) {
	image, ok := p.FirstChild().(*ast.Image)
	if !ok || image.NextSibling() != nil {
		return
	}
	if f := m.figures[string(image.Destination)]; f != nil {
		p.Parent().ReplaceChild(p.Parent(), p, &figureNode{figure: f})
	}
}

// scrolled puts a table into a box that scrolls and can be reached by keyboard.
func scrolled(t *tables.Table, section string) {
	if head, ok := t.FirstChild().(*tables.TableHeader); ok {
		for c := head.FirstChild(); c != nil; c = c.NextSibling() {
			c.SetAttributeString("scope", []byte("col"))
		}
	}
	box := &scrollNode{label: section}
	t.Parent().ReplaceChild(t.Parent(), t, box)
	box.AppendChild(box, t)
}

// RegisterFuncs implements renderer.NodeRenderer.
func (m *marker) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindFigure, renderFigure)
	r.Register(kindScroll, renderScroll)
	r.Register(ast.KindHTMLBlock, renderDetails)
	r.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if raw, ok := n.(*ast.RawHTML); ok && entering {
			_, _ = w.WriteString(stdhtml.EscapeString(string(raw.Segments.Value(source))))
		}
		return ast.WalkSkipChildren, nil
	})
}

func renderFigure(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if f, ok := n.(*figureNode); ok && entering {
		id := stdhtml.EscapeString(f.figure.ID)
		_, _ = fmt.Fprintf(w, "<figure class=\"chart\" id=\"chart-%s\" data-chart=\"%s\">\n<div class=\"plot\" role=\"img\" aria-label=\"%s\"></div>\n</figure>\n",
			id, id, stdhtml.EscapeString(printable(f.figure.Title+". "+f.figure.Summary)))
	}
	return ast.WalkSkipChildren, nil
}

func renderScroll(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		_, _ = w.WriteString("</div>\n")
		return ast.WalkContinue, nil
	}
	if box, ok := n.(*scrollNode); ok {
		_, _ = fmt.Fprintf(w, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n", stdhtml.EscapeString("Table: "+box.label))
	}
	return ast.WalkContinue, nil
}

// detailsLine is a line of what document.details writes; there is no attribute and no other element in it.
var detailsLine = regexp.MustCompile(`^(<details>|</details>|<summary>[^<>]*</summary>)$`)

func renderDetails(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	block, ok := n.(*ast.HTMLBlock)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	lines := block.Lines()
	for i := range lines.Len() {
		at := lines.At(i)
		line := strings.TrimRight(string(at.Value(source)), "\r\n")
		if !detailsLine.MatchString(line) {
			line = stdhtml.EscapeString(line)
		}
		_, _ = w.WriteString(line + "\n")
	}
	if block.HasClosure() {
		_, _ = w.WriteString(stdhtml.EscapeString(string(block.ClosureLine.Value(source))))
	}
	return ast.WalkContinue, nil
}
