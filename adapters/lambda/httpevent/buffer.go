package httpevent

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	bodyStart   = `{"body":"` // every answer begins so
	segmentSize = 64 << 10
	slack       = 512 // room for what comes after the body
	minFree     = 64  // a buffer with less is full
)

type segment struct {
	n    int
	data [segmentSize]byte
}

// segmentList keeps the segments that are not in use: as many as the largest answer needs, which is what an environment
// that has sent one goes on holding. A sync.Pool would lose them to the garbage collections that such answers cause.
type segmentList struct {
	mu   sync.Mutex
	free []*segment
}

func (l *segmentList) get() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free)
	if n == 0 {
		return new(segment)
	}
	s := l.free[n-1]
	l.free = l.free[:n-1]
	s.n = 0
	return s
}

func (l *segmentList) put(segs []*segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, segs[:min(len(segs), MaxResponse/segmentSize+1-len(l.free))]...)
}

// bodyBuffer makes a JSON string of a body while it is written: text with its escapes, or base64 from where on it turns
// out not to be UTF-8. The string stands first in the answer, because status and header fields are known only later.
//
// A body that does not outgrow its first buffer becomes the answer in place. A larger one is collected in segments that
// are used again and again, so that making the answer of them is the only allocation of that size.
type bodyBuffer struct {
	pool   *segmentList
	first  []byte
	segs   []*segment
	size   int // bytes of the string so far, more than are kept if over is set
	over   bool
	binary bool
	carry  [4]byte // the start of a rune or of a group of 3 bytes
	nCarry int
}

// write appends a part of the body.
func (b *bodyBuffer) write(p []byte) {
	if b.first == nil {
		n := len(p)
		if b.binary {
			n = base64.StdEncoding.EncodedLen(n)
		} else {
			n += n / 8
		}
		b.first = append(make([]byte, 0, len(bodyStart)+min(n, segmentSize)+slack), bodyStart...)
	}
	if b.binary {
		b.writeBinary(p)
	} else {
		b.writeText(p)
	}
}

// writeText appends text, or base64 of it if it turns out to be none.
func (b *bodyBuffer) writeText(p []byte) {
	if b.nCarry > 0 {
		n := b.nCarry
		for len(p) > 0 && n < len(b.carry) && !utf8.FullRune(b.carry[:n]) {
			b.carry[n] = p[0]
			p = p[1:]
			n++
		}
		if !utf8.FullRune(b.carry[:n]) {
			b.nCarry = n
			return
		}
		b.nCarry = 0
		whole := b.carry // by value: it is empty now
		if !utf8.Valid(whole[:n]) {
			b.toBinary()
			b.writeBinary(whole[:n])
			b.writeBinary(p)
			return
		}
		b.escape(whole[:n])
	}
	// A rune may go on in the next part.
	end := len(p)
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if c := p[len(p)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-i:]) {
				end -= i
			}
			break
		}
	}
	if !utf8.Valid(p[:end]) {
		b.toBinary()
		b.writeBinary(p)
		return
	}
	b.escape(p[:end])
	b.nCarry = copy(b.carry[:], p[end:])
}

// toBinary makes base64 of what was text so far.
func (b *bodyBuffer) toBinary() {
	b.binary = true
	before := *b
	b.size, b.segs = 0, nil
	if len(before.segs) == 0 && len(before.first) == len(bodyStart) {
		return
	}
	text := append([]byte(nil), before.first[len(bodyStart):]...)
	for _, s := range before.segs {
		text = append(text, s.data[:s.n]...)
	}
	before.release()
	b.first = b.first[:len(bodyStart)]
	plain := make([]byte, len(text)+unescapeSlack)
	b.writeBinary(plain[:unescape(plain, text)])
}

// writeBinary appends bytes as base64.
func (b *bodyBuffer) writeBinary(p []byte) {
	for b.nCarry > 0 && len(p) > 0 {
		b.carry[b.nCarry] = p[0]
		p = p[1:]
		if b.nCarry++; b.nCarry == 3 {
			b.nCarry = 0
			b.encode(b.carry[:3])
		}
	}
	if len(p) == 0 {
		return
	}
	whole := len(p) / 3 * 3
	b.encode(p[:whole])
	b.nCarry = copy(b.carry[:], p[whole:])
}

// encode appends whole groups of bytes as base64.
func (b *bodyBuffer) encode(p []byte) {
	for len(p) > 0 {
		dst := b.free()
		n := min(len(p), cap(dst)/4*3)
		b.took(len(base64.StdEncoding.AppendEncode(dst, p[:n])))
		p = p[n:]
	}
}

// escape appends text.
func (b *bodyBuffer) escape(p []byte) {
	for len(p) > 0 {
		dst := b.free()
		n := min(len(p), cap(dst)/6) // no byte takes more than 6
		b.took(len(appendEscaped(dst, p[:n])))
		p = p[n:]
	}
}

// free returns an empty slice whose memory is where the string goes on.
func (b *bodyBuffer) free() []byte {
	if b.over = b.over || b.size > MaxResponse; b.over {
		// Only the size is still of interest.
		if len(b.segs) == 0 {
			b.segs = append(b.segs, b.pool.get())
		}
		return b.segs[0].data[:0]
	}
	if n := len(b.segs); n > 0 {
		if s := b.segs[n-1]; segmentSize-s.n >= minFree {
			return s.data[s.n:s.n]
		}
	} else {
		if cap(b.first)-len(b.first) >= minFree {
			return b.first[len(b.first):len(b.first)]
		}
		if cap(b.first) < segmentSize {
			b.first = append(make([]byte, 0, 2*cap(b.first)), b.first...)
			return b.first[len(b.first):len(b.first)]
		}
	}
	s := b.pool.get()
	b.segs = append(b.segs, s)
	return s.data[:0]
}

// took notes that n bytes were written to what free returned.
func (b *bodyBuffer) took(n int) {
	b.size += n
	switch {
	case b.over:
	case len(b.segs) > 0:
		b.segs[len(b.segs)-1].n += n
	default:
		b.first = b.first[:len(b.first)+n]
	}
}

// flush appends what is left of the last group or rune.
func (b *bodyBuffer) flush() {
	if b.nCarry == 0 {
		return
	}
	if !b.binary {
		n := b.nCarry
		b.nCarry = 0
		rest := b.carry
		b.toBinary()
		b.writeBinary(rest[:n])
	}
	dst := b.free()
	b.took(len(base64.StdEncoding.AppendEncode(dst, b.carry[:b.nCarry])))
	b.nCarry = 0
}

// finish appends tail and returns everything.
func (b *bodyBuffer) finish(tail []byte) []byte {
	if b.first == nil {
		b.first = append(make([]byte, 0, len(bodyStart)+len(tail)), bodyStart...)
	}
	if len(b.segs) == 0 {
		return append(b.first, tail...)
	}
	n := len(b.first) + len(tail)
	for _, s := range b.segs {
		n += s.n
	}
	all := append(make([]byte, 0, n), b.first...)
	for _, s := range b.segs {
		all = append(all, s.data[:s.n]...)
	}
	b.release()
	return append(all, tail...)
}

// release gives the segments back.
func (b *bodyBuffer) release() {
	if len(b.segs) > 0 {
		b.pool.put(b.segs)
	}
	b.segs = nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// appendEscaped appends p, which is UTF-8, as the inside of a JSON string. There must be room for six times its length.
// Eight bytes at once are looked at for some that need an escape: of the bits that the formulas set, the lowest is always
// right.
func appendEscaped(dst, p []byte) []byte {
	for i := 0; i < len(p); {
		if i+8 <= len(p) {
			v := binary.LittleEndian.Uint64(p[i:])
			quote, slash := v^(ones*'"'), v^(ones*'\\')
			m := ((v-ones*' ')&^v | (quote-ones)&^quote | (slash-ones)&^slash) & highs
			dst = binary.LittleEndian.AppendUint64(dst, v)
			if m == 0 {
				i += 8
				continue
			}
			free := bits.TrailingZeros64(m) >> 3
			dst = dst[:len(dst)-8+free]
			i += free
		} else if c := p[i]; c >= ' ' && c != '"' && c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		dst = appendEscape(dst, p[i])
		i++
	}
	return dst
}

func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// appendString appends text as a JSON string. What is not UTF-8 in it becomes U+FFFD, as with encoding/json.
func appendString(dst []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	dst = append(dst, '"')
	start := 0
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			dst = append(dst, text[start:i]...)
			dst = appendEscape(dst, c)
			start = i + 1
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}
