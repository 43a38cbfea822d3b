package scenario

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

const uuidLength = 36

// Variables has the values of one iteration at a time. It is used by one goroutine.
type Variables struct {
	pcg    rand.PCG
	random *rand.Rand // draws from pcg

	weights []uint64 // of the steps, each with those before it
	step    int      // what was drawn
	counter uint64

	templates []Template // of the values
	values    [][]byte
	captures  [][]byte
	names     map[string]int // of the captures
	feeder    *Feeder
	row       []string // one of the feeder's, which all share
	scratch   []byte
}

// NewVariables makes one for the templates of s. Until Begin, all values are empty.
func (s *Scenario) NewVariables() *Variables {
	v := &Variables{feeder: s.Feeder, names: map[string]int{}}
	v.random = rand.New(&v.pcg)
	total := uint64(0)
	for _, step := range s.Steps {
		total += uint64(max(0, step.Weight))
		v.weights = append(v.weights, total)
	}
	if total == 0 {
		for i := range v.weights {
			v.weights[i] = uint64(i) + 1
		}
	}
	known := s.names()
	for name, r := range known.refs {
		if r.kind == kindCapture {
			v.names[name] = r.index
		}
	}
	v.captures = make([][]byte, len(v.names))
	v.values = make([][]byte, len(s.Values))
	for _, text := range s.Values {
		v.templates = append(v.templates, known.template(text.Text))
	}
	return v
}

// Begin draws the values of iteration n of a phase from the phase's random stream; counter counts iterations over the whole run,
// from 1. What is drawn depends on stream and n alone; counter and sequential rows of a feeder depend on counter.
func (v *Variables) Begin(stream, n, counter uint64) {
	v.pcg.Seed(stream, n)
	v.counter = counter
	// The step is drawn first, so that no value has a part in it.
	v.step = v.drawStep()
	v.row = v.drawRow()
	for i := range v.captures {
		v.captures[i] = v.captures[i][:0]
	}
	for i, t := range v.templates {
		v.values[i] = t.Append(v.values[i][:0], v)
	}
}

func (v *Variables) drawStep() int {
	if len(v.weights) == 0 {
		return 0
	}
	drawn := v.random.Uint64N(v.weights[len(v.weights)-1])
	step := 0
	for drawn >= v.weights[step] {
		step++
	}
	return step
}

func (v *Variables) drawRow() []string {
	if v.feeder == nil || len(v.feeder.Rows) == 0 {
		return nil
	}
	many := uint64(len(v.feeder.Rows))
	if v.feeder.Random {
		return v.feeder.Rows[v.random.Uint64N(many)]
	}
	return v.feeder.Rows[(max(1, v.counter)-1)%many]
}

// Step is one step drawn by weight. It is the same for the same stream and n.
func (v *Variables) Step() int { return v.step }

// Think draws how long to rest.
func (v *Variables) Think(t Think) time.Duration {
	if t.To <= t.From {
		return time.Duration(t.From)
	}
	return time.Duration(t.From) + time.Duration(v.random.Int64N(int64(t.To-t.From)+1))
}

// Capture keeps a value for the templates of later steps in this iteration; value is copied.
func (v *Variables) Capture(name string, value []byte) {
	if i, ok := v.names[name]; ok {
		v.captures[i] = append(v.captures[i][:0], value...)
	}
}

// append adds what stands in a part.
func (v *Variables) append(dst []byte, p *part) []byte {
	switch p.kind {
	case kindLiteral:
		return append(dst, p.text...)
	case kindCounter:
		return strconv.AppendUint(dst, v.counter, 10)
	case kindRandom:
		return strconv.AppendInt(dst, v.drawNumber(p.lowest, p.many), 10)
	case kindRandomText:
		return v.appendText(dst, p.index)
	case kindUUID:
		return v.appendUUID(dst)
	case kindValue:
		return append(dst, v.values[p.index]...)
	case kindColumn:
		if p.index < len(v.row) {
			return append(dst, v.row[p.index]...)
		}
	case kindCapture:
		return append(dst, v.captures[p.index]...)
	}
	return dst
}

// drawNumber draws one of so many whole numbers from the lowest on; 0 is all that there are.
func (v *Variables) drawNumber(lowest int64, many uint64) int64 {
	if many == 0 {
		return int64(v.random.Uint64()) //nolint:gosec // any 64 bits are a number
	}
	return int64(uint64(lowest) + v.random.Uint64N(many)) //nolint:gosec // wraps to the right number
}

// appendText draws letters and digits, each with the same chance.
func (v *Variables) appendText(dst []byte, length int) []byte {
	const (
		alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		bits     = 6
		each     = 64 / bits
	)
	for left := length; left > 0; {
		drawn := v.random.Uint64()
		for range each {
			// Two of the 64 numbers have no character.
			if i := drawn % (1 << bits); i < uint64(len(alphabet)) && left > 0 {
				dst = append(dst, alphabet[i])
				left--
			}
			drawn >>= bits
		}
	}
	return dst
}

// appendUUID draws a UUID of version 4 (RFC 9562, section 5.4).
func (v *Variables) appendUUID(dst []byte) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], v.random.Uint64()&^0xf000|0x4000) // version
	binary.BigEndian.PutUint64(b[8:], v.random.Uint64()&^(3<<62)|1<<63) // variant
	start := 0
	for _, end := range [...]int{4, 6, 8, 10, 16} {
		if start > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[start:end])
		start = end
	}
	return dst
}
