package chart

import (
	"encoding/json"
	"strconv"
)

// MarshalJSON gives the chart as a program draws it that knows the scales and units: the x and y of each part of a line in turn, each
// rounded to what a screen can show.
func (c *Chart) MarshalJSON() ([]byte, error) {
	type series struct {
		Label  string     `json:"label"`
		Color  int        `json:"color"`
		Dash   int        `json:"dash"`
		Bold   bool       `json:"bold"`
		Parts  [][]number `json:"parts,omitempty"`
		Low    []number   `json:"low,omitempty"`
		High   []number   `json:"high,omitempty"`
		Values []*number  `json:"values,omitempty"`
		Names  []string   `json:"names,omitempty"`
	}
	data := struct {
		ID         string   `json:"id"`
		X          Axis     `json:"x"`
		Y          Axis     `json:"y"`
		Series     []series `json:"series"`
		Bands      []Band   `json:"bands,omitempty"`
		Marks      []Mark   `json:"marks,omitempty"`
		Categories []string `json:"categories,omitempty"`
	}{ID: c.ID, X: c.X, Y: c.Y, Bands: c.Bands, Categories: c.Categories}
	for _, m := range c.Marks {
		if placed(m.X, c.X.Scale) {
			data.Marks = append(data.Marks, m)
		}
	}
	for i := range c.Series {
		s := &c.Series[i]
		out := series{Label: s.Label, Color: s.Color % len(palette), Dash: s.Dash, Bold: s.Bold}
		for _, v := range s.Values {
			if !placed(v, Linear) {
				out.Values = append(out.Values, nil)
				continue
			}
			n := number(v)
			out.Values = append(out.Values, &n)
		}
		if s.named() {
			for j, p := range s.Parts[0] {
				if c.drawn(p) {
					out.Names = append(out.Names, s.Names[j])
				}
			}
		}
		edges := len(s.Parts) == 1 && len(s.Low) == len(s.Parts[0]) && len(s.High) == len(s.Low)
		for _, part := range s.Parts {
			var flat []number
			for j, p := range part {
				if !c.drawn(p) {
					continue
				}
				flat = append(flat, number(p.X), number(p.Y))
				if edges {
					low, high := s.Low[j], s.High[j]
					if !placed(low, c.Y.Scale) || !placed(high, c.Y.Scale) {
						low, high = p.Y, p.Y
					}
					out.Low, out.High = append(out.Low, number(low)), append(out.High, number(high))
				}
			}
			if len(flat) > 0 {
				out.Parts = append(out.Parts, flat)
			}
		}
		data.Series = append(data.Series, out)
	}
	return json.Marshal(data)
}

// number is written with ten digits: microseconds of hours.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(n), 'g', 10, 64), nil
}

// Theme is the colours of a picture on one ground, as CSS has them.
type Theme struct {
	Ground string   `json:"ground"`
	Ink    string   `json:"ink"`
	Muted  string   `json:"muted"`
	Grid   string   `json:"grid"`
	Stripe string   `json:"stripe"`
	Series []string `json:"series"`
}

// Themes are those on light and on dark ground.
func Themes() (light, dark Theme) {
	light = Theme{Ground: hex(ground.light), Ink: hex(ink.light), Muted: hex(muted.light), Grid: hex(grid.light), Stripe: hex(stripe.light)}
	dark = Theme{Ground: hex(ground.dark), Ink: hex(ink.dark), Muted: hex(muted.dark), Grid: hex(grid.dark), Stripe: hex(stripe.dark)}
	for _, s := range palette {
		light.Series, dark.Series = append(light.Series, hex(s.light)), append(dark.Series, hex(s.dark))
	}
	return light, dark
}
