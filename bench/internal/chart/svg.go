package chart

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The size of a picture in points. It scales with the page.
const (
	pictureWidth  = 720
	pictureHeight = 340
	barHeight     = 46
	margin        = 8
)

const (
	textSize  = 11
	smallText = 10
	otherFont = 1.1 // how much wider text may be where the reader has none of the fonts
	dotRadius = 3.5
	bandText  = 11 // what the names of bands take above the chart
)

// SVG draws the chart: text is text, colours follow the reader's light or dark system, and title and summary are for those who cannot
// see it. It fails for a chart that is Empty.
func (c *Chart) SVG() ([]byte, error) {
	if c.Empty() {
		return nil, fmt.Errorf("chart %s: there is nothing to draw", c.ID)
	}
	p := plot.New()
	p.BackgroundColor = nil
	var err error
	height := vg.Length(pictureHeight)
	if len(c.Categories) > 0 {
		height = vg.Length(110 + barHeight*len(c.Categories))
		err = c.bars(p)
	} else {
		err = c.lines(p)
	}
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.ID, err)
	}
	canvas := vgsvg.New(pictureWidth, height)
	all := draw.New(canvas)
	all.SetColor(ground.light)
	all.Fill(all.Path())
	inside := draw.Crop(all, margin, -2*margin, margin, -margin)
	used := c.legend(inside)
	if c.Y.Label != "" && len(c.Categories) == 0 {
		used += c.head(draw.Crop(inside, 0, 0, 0, -used))
	}
	if len(c.Bands) > 0 {
		used += bandText
	}
	inside = draw.Crop(inside, 0, 0, 0, -used)
	c.bands(inside, p)
	p.Draw(inside)
	c.marks(inside, p)

	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("chart %s: %w", c.ID, err)
	}
	return c.finish(out.String()), nil
}

// finish adds what the drawing library does not know of.
func (c *Chart) finish(text string) []byte {
	_, body, _ := strings.Cut(text, "\n\txmlns:xlink=\"http://www.w3.org/1999/xlink\">\n")
	head, _, _ := strings.Cut(text, "\n\txmlns=")
	_, size, _ := strings.Cut(head, "viewBox=")
	body = strings.ReplaceAll(body, "font-family:Liberation Sans;font-variant:normal;", "font-family:Helvetica,Arial,'Liberation Sans',sans-serif;")
	id := html.EscapeString(c.ID)
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox=` + size + ` role="img" aria-labelledby="` + id + `-title ` + id + `-desc">
<title id="` + id + `-title">` + html.EscapeString(c.Title) + `</title>
<desc id="` + id + `-desc">` + html.EscapeString(c.Summary) + `</desc>
` + darkStyle() + "\n" + body)
}

func (c *Chart) lines(p *plot.Plot) error {
	c.axis(&p.X, c.X)
	c.axis(&p.Y, c.Y)
	p.Y.Label.Text = "" // it stands above, where it can be read without turning the head
	p.Add(gridLines())
	for i := range c.Series {
		s := &c.Series[i]
		if err := c.band(p, s); err != nil {
			return err
		}
		if s.named() {
			if err := c.dots(p, s); err != nil {
				return err
			}
			continue
		}
		for _, part := range s.Parts {
			points := make(plotter.XYs, 0, len(part))
			for _, at := range part {
				if c.drawn(at) {
					points = append(points, plotter.XY(at))
				}
			}
			if len(points) == 0 {
				continue
			}
			if len(points) == 1 {
				dot, err := plotter.NewScatter(points)
				if err != nil {
					return err
				}
				dot.Color, dot.Shape, dot.Radius = colorOf(s.Color).light, draw.CircleGlyph{}, 2
				p.Add(dot)
				continue
			}
			line, err := plotter.NewLine(points)
			if err != nil {
				return err
			}
			line.LineStyle = s.style()
			p.Add(line)
		}
	}
	c.widen(p)
	return nil
}

// named says whether the points of a series have names.
func (s *Series) named() bool {
	return len(s.Names) > 0 && len(s.Parts) == 1 && len(s.Names) == len(s.Parts[0])
}

// dots are points that have their names beside them.
func (c *Chart) dots(p *plot.Plot, s *Series) error {
	var at plotter.XYLabels
	for i, point := range s.Parts[0] {
		if c.drawn(point) {
			at.XYs, at.Labels = append(at.XYs, plotter.XY(point)), append(at.Labels, s.Names[i])
		}
	}
	if len(at.XYs) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	dots.Color, dots.Shape, dots.Radius = colorOf(s.Color).light, draw.CircleGlyph{}, dotRadius
	names, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range names.TextStyle {
		names.TextStyle[i].Color, names.TextStyle[i].Font = ink.light, sans(smallText)
	}
	names.Offset = vg.Point{X: dotRadius + 2, Y: dotRadius - 1}
	p.Add(dots, names)
	return nil
}

func (c *Chart) band(p *plot.Plot, s *Series) error {
	if len(s.Parts) != 1 || len(s.Low) != len(s.Parts[0]) || len(s.High) != len(s.Low) {
		return nil
	}
	var there, back plotter.XYs
	for i, at := range s.Parts[0] {
		low, high := Point{at.X, s.Low[i]}, Point{at.X, s.High[i]}
		if c.drawn(low) && c.drawn(high) {
			there, back = append(there, plotter.XY(low)), append(plotter.XYs{plotter.XY(high)}, back...)
		}
	}
	if len(there) < 2 {
		return nil
	}
	area, err := plotter.NewPolygon(append(there, back...))
	if err != nil {
		return err
	}
	area.Color, area.Width = colorOf(s.Color).faint().light, 0
	p.Add(area)
	return nil
}

// room is what a logarithmic axis is longer by at each end where dots would lie on its ends.
const room = 1.08

// widen gives an axis a length where all points have one value, and room for dots.
func (c *Chart) widen(p *plot.Plot) {
	for _, a := range []struct {
		axis *plot.Axis
		is   Axis
	}{{&p.X, c.X}, {&p.Y, c.Y}} {
		switch {
		case a.is.Scale == Log && a.axis.Max <= a.axis.Min*1.01:
			a.axis.Min, a.axis.Max = a.axis.Min/2, a.axis.Max*2
		case a.is.Scale == Log && slices.ContainsFunc(c.Series, func(s Series) bool { return s.named() }):
			a.axis.Min, a.axis.Max = a.axis.Min/room, a.axis.Max*room
		case a.is.Scale == Log:
		case a.is.Zero:
			a.axis.Min = min(a.axis.Min, 0)
			a.axis.Max = max(a.axis.Max*1.04, 1e-9)
		case a.axis.Max <= a.axis.Min:
			a.axis.Min, a.axis.Max = a.axis.Min-1, a.axis.Max+1
		}
	}
	for _, b := range c.Bands {
		p.X.Max = max(p.X.Max, b.To)
	}
}

func (c *Chart) axis(to *plot.Axis, is Axis) {
	to.Label.Text = is.Label
	to.Label.TextStyle.Color, to.Label.TextStyle.Font = muted.light, sans(textSize)
	to.Label.Padding = 4
	to.Color, to.Tick.Color = muted.light, muted.light
	to.Tick.Label.Color, to.Tick.Label.Font = ink.light, sans(smallText)
	to.Tick.Length = 4
	to.Padding = 0
	to.Tick.Marker = ticker{is}
	if is.Scale == Log {
		to.Scale = plot.LogScale{}
	}
}

func sans(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func gridLines() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = grid.light, grid.light
	g.Vertical.Width, g.Horizontal.Width = 0.5, 0.5
	return g
}

func (s *Series) style() draw.LineStyle {
	style := draw.LineStyle{Color: colorOf(s.Color).light, Width: 1.2}
	if s.Bold {
		style.Width = 2
	}
	style.Dashes = [][]vg.Length{nil, {5, 3}, {1.5, 2.5}, {7, 2, 2, 2}}[s.Dash%4]
	return style
}

// bars are horizontal and stacked.
func (c *Chart) bars(p *plot.Plot) error {
	c.axis(&p.X, c.Y) // the axis of the figures lies
	c.axis(&p.Y, Axis{Label: ""})
	p.Add(gridLines())
	var last *plotter.BarChart
	for i := range c.Series {
		s := &c.Series[i]
		values := make(plotter.Values, len(c.Categories))
		for j := range values {
			// The first category is on top.
			if at := len(c.Categories) - 1 - j; at < len(s.Values) && placed(s.Values[at], Linear) {
				values[j] = s.Values[at]
			}
		}
		bar, err := plotter.NewBarChart(values, barHeight*0.55)
		if err != nil {
			return err
		}
		bar.Horizontal, bar.Color = true, colorOf(s.Color).light
		bar.LineStyle = draw.LineStyle{Color: ground.light, Width: 1}
		if last != nil {
			bar.StackOn(last)
		}
		last = bar
		p.Add(bar)
	}
	names := make([]string, len(c.Categories))
	for i, name := range c.Categories {
		names[len(names)-1-i] = name + "  " // apart from the bars
	}
	p.NominalY(names...)
	p.Y.Tick.Length, p.Y.Tick.Width, p.Y.Width = 10, 0, 0.5
	p.X.Min, p.X.Max = 0, max(p.X.Max*1.04, 1e-9)
	p.Y.Min, p.Y.Max = -0.5, float64(len(names))-0.5
	return nil
}

// legend writes the names in rows at the top and gives the height that they took.
func (c *Chart) legend(at draw.Canvas) vg.Length {
	const line, gap, row = 22, 16, 15
	text := draw.TextStyle{Color: ink.light, Font: sans(textSize), YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
	x, y := at.Min.X, at.Max.Y-row/2
	for i := range c.Series {
		s := &c.Series[i]
		width := line + 5 + text.Width(s.Label)*otherFont
		if x > at.Min.X && x+width > at.Max.X {
			x, y = at.Min.X, y-row
		}
		switch {
		case len(c.Categories) > 0:
			at.FillPolygon(colorOf(s.Color).light, []vg.Point{{X: x + 8, Y: y - 4}, {X: x + line, Y: y - 4}, {X: x + line, Y: y + 4}, {X: x + 8, Y: y + 4}})
		case s.named():
			at.DrawGlyph(draw.GlyphStyle{Color: colorOf(s.Color).light, Radius: dotRadius, Shape: draw.CircleGlyph{}}, vg.Point{X: x + line/2, Y: y})
		default:
			at.StrokeLine2(s.style(), x, y, x+line, y)
		}
		at.FillText(text, vg.Point{X: x + line + 5, Y: y}, s.Label)
		x += width + gap
	}
	return at.Max.Y - y + row/2 + 6
}

// head writes what the vertical axis is and gives the height that it took.
func (c *Chart) head(at draw.Canvas) vg.Length {
	text := draw.TextStyle{Color: muted.light, Font: sans(smallText), YAlign: draw.YTop, Handler: plot.DefaultTextHandler}
	at.FillText(text, vg.Point{X: at.Min.X, Y: at.Max.Y}, c.Y.Label)
	return 17
}

// bands shades every second span and writes the names of those that have room for it.
func (c *Chart) bands(at draw.Canvas, p *plot.Plot) {
	if len(c.Bands) == 0 {
		return
	}
	data := p.DataCanvas(at)
	x, _ := p.Transforms(&data)
	text := draw.TextStyle{Color: muted.light, Font: sans(smallText - 1), XAlign: draw.XCenter, YAlign: draw.YTop, Handler: plot.DefaultTextHandler}
	for i, b := range c.Bands {
		from, to := x(max(b.From, p.X.Min)), x(min(b.To, p.X.Max))
		if i%2 == 0 {
			data.FillPolygon(stripe.light, []vg.Point{{X: from, Y: data.Min.Y}, {X: to, Y: data.Min.Y}, {X: to, Y: data.Max.Y}, {X: from, Y: data.Max.Y}})
		}
		if text.Width(b.Label)+4 < to-from {
			data.FillText(text, vg.Point{X: (from + to) / 2, Y: data.Max.Y + bandText}, b.Label)
		}
	}
}

// marks are lines from the bottom to the top, each with a text.
func (c *Chart) marks(at draw.Canvas, p *plot.Plot) {
	data := p.DataCanvas(at)
	x, _ := p.Transforms(&data)
	text := draw.TextStyle{Color: ink.light, Font: sans(smallText), YAlign: draw.YTop, Handler: plot.DefaultTextHandler}
	for i, m := range c.Marks {
		if !placed(m.X, c.X.Scale) || m.X < p.X.Min || m.X > p.X.Max || math.IsNaN(m.X) {
			continue
		}
		data.StrokeLine2(draw.LineStyle{Color: ink.light, Width: 1, Dashes: []vg.Length{2, 2}}, x(m.X), data.Min.Y, x(m.X), data.Max.Y)
		text.XAlign = draw.XLeft
		at := x(m.X) + 4
		if at+text.Width(m.Label)*otherFont > data.Max.X {
			text.XAlign, at = draw.XRight, x(m.X)-4
		}
		data.FillText(text, vg.Point{X: at, Y: data.Max.Y - vg.Length(2+13*(i%3))}, m.Label)
	}
}
