// Package chart draws curves, bands and stacked bars as SVG. A Chart is data alone, so that an interactive chart can be made of the same.
//
// It is pure: the same chart gives the same bytes.
package chart

import (
	"math"
	"slices"
)

// Scale of an axis.
type Scale string

// On a logarithmic axis what is not above 0 is not drawn.
const (
	Linear Scale = "linear"
	Log    Scale = "log"
)

// Unit says how the figures on an axis are written.
type Unit string

// The units that a Chart may have.
const (
	Microseconds Unit = "us"
	Seconds      Unit = "s"
	Share        Unit = "share"      // 0 to 1, written in percent
	Percentile   Unit = "percentile" // 1/(1-p), written as p in percent
	Count        Unit = "count"
	PerSecond    Unit = "rps"
	Dollars      Unit = "usd"
)

// Axis of a chart.
type Axis struct {
	Label string `json:"label"`
	Scale Scale  `json:"scale"`
	Unit  Unit   `json:"unit"`
	// Zero makes a linear axis begin at 0.
	Zero bool `json:"zero,omitempty"`
}

// Point of a line.
type Point struct{ X, Y float64 }

// Series is one line, or one part of stacked bars.
type Series struct {
	Label string
	// Color is the number of a colour, from 0. Dash is the number of a pattern; 0 is solid.
	Color, Dash int
	// Bold lines are the ones to look at first.
	Bold bool
	// Parts are lines with gaps between them. The x of each ascend, also from one part to the next.
	Parts [][]Point
	// Names are texts beside the points of the only part, which is then drawn as dots without a line; as many as its points, or none.
	Names []string
	// Low and High are the edges of a band around the line; as many as the points of the only part, or none.
	Low, High []float64
	// Values are the lengths of bars, by category; then there are no parts. A NaN is a bar that is not there.
	Values []float64
}

// Band is a span of the x axis with a name.
type Band struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Label string  `json:"label"`
}

// Mark is a line across the chart at an x, with a text.
type Mark struct {
	X     float64 `json:"x"`
	Label string  `json:"label"`
}

// Chart is a picture before it is drawn.
type Chart struct {
	// ID is a word for file names and anchors.
	ID string
	// Title and Summary are for those who cannot see the picture too.
	Title, Summary string
	X, Y           Axis
	Series         []Series
	Bands          []Band
	Marks          []Mark
	// Categories are the names of the bars of a chart of stacked bars; then X is not used.
	Categories []string
}

// Empty says that there is nothing to draw.
func (c *Chart) Empty() bool {
	for i := range c.Series {
		if len(c.Series[i].Values) > 0 {
			return false
		}
		for _, part := range c.Series[i].Parts {
			if slices.ContainsFunc(part, c.drawn) {
				return false
			}
		}
	}
	return true
}

// drawn says whether a point has a place.
func (c *Chart) drawn(p Point) bool { return placed(p.X, c.X.Scale) && placed(p.Y, c.Y.Scale) }

func placed(v float64, s Scale) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (s != Log || v > 0)
}
