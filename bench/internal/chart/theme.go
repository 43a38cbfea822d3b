package chart

import (
	"fmt"
	"image/color"
	"strings"
)

// shade is a colour on light and on dark ground.
type shade struct{ light, dark color.NRGBA }

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255} //nolint:gosec // the low byte is what is wanted
}

// What has text in it has a contrast of 4.5 and more to the ground, and lines have 3 and more.
var (
	ground = shade{rgb(0xffffff), rgb(0x0d1117)}
	ink    = shade{rgb(0x1f2328), rgb(0xf0f6fc)}
	muted  = shade{rgb(0x59636e), rgb(0x9198a1)}
	grid   = shade{rgb(0xdde2e7), rgb(0x2b3138)}
	stripe = shade{rgb(0xf2f4f7), rgb(0x171d26)}
)

// palette is told apart by those who see colours otherwise too: its lightness goes up and down, and lines have patterns besides.
var palette = []shade{
	{rgb(0x0a5fbf), rgb(0x58a6ff)}, // blue
	{rgb(0xb04a00), rgb(0xff9e5e)}, // orange
	{rgb(0x1a7f37), rgb(0x56d364)}, // green
	{rgb(0x8250df), rgb(0xbc8cff)}, // purple
	{rgb(0xbf3989), rgb(0xf778ba)}, // pink
	{rgb(0x0b6e7d), rgb(0x39c5cf)}, // teal
	{rgb(0x7d5700), rgb(0xe3b341)}, // ochre
	{rgb(0x59636e), rgb(0x9198a1)}, // grey
}

func colorOf(number int) shade { return palette[number%len(palette)] }

// faint is the colour of a band around a line.
func (s shade) faint() shade {
	const alpha = 46
	s.light.A, s.dark.A = alpha, alpha
	return s
}

// hex writes a colour as vgsvg does, which rounds what is transparent.
func hex(c color.Color) string {
	r, g, b, a := c.RGBA()
	full := 255 / float64(a)
	return fmt.Sprintf("#%02X%02X%02X", int(float64(r)*full), int(float64(g)*full), int(float64(b)*full))
}

// darkStyle makes a picture in the light colours dark where the reader's system is.
func darkStyle() string {
	var css strings.Builder
	css.WriteString("<style>@media (prefers-color-scheme:dark){")
	all := append([]shade{ground, ink, muted, grid, stripe}, palette...)
	for _, s := range palette {
		all = append(all, s.faint())
	}
	seen := map[string]bool{}
	for _, s := range all {
		light, dark := hex(s.light), hex(s.dark)
		if seen[light] {
			continue
		}
		seen[light] = true
		for _, property := range []string{"fill", "stroke"} {
			fmt.Fprintf(&css, "[style*=\"%s:%s\"]{%s:%s!important}", property, light, property, dark)
		}
	}
	css.WriteString("}</style>")
	return css.String()
}
