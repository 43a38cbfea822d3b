package httpevent

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of an event; real ones have 7 levels.
const maxDepth = 200

// span is a piece of a JSON document: of a string what is between its quotes, of any other value the value. The zero
// span is one that is not there: no piece starts at the first byte of an object.
type span struct {
	start, end int
	saved      int // bytes that the text of a string is shorter, or less; 0 says that it has no escapes
}

func (s span) present() bool { return s.start > 0 }

func (s span) len() int { return s.end - s.start }

// textLen is the length of the text of a string, or more.
func (s span) textLen() int { return s.end - s.start - s.saved }

// scanner takes a JSON document apart without copying anything. It is strict about the structure and about escapes, so
// that nothing that uses its spans can fail, but does not refuse control characters inside of strings.
type scanner struct {
	data []byte
	pos  int
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// expect takes the byte c.
func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.unexpected()
	}
	s.pos++
	return nil
}

// unexpected is the error for what is at the position.
func (s *scanner) unexpected() error {
	if s.pos >= len(s.data) {
		return &EventError{Offset: s.pos, Reason: "unexpected end of JSON"}
	}
	return &EventError{Offset: s.pos, Reason: "unexpected byte " + quoteByte(s.data[s.pos])}
}

// more tells whether an object or array that end closes has another member, and takes the comma before it or the end.
func (s *scanner) more(end byte, first bool) (bool, error) {
	c := s.peek()
	switch {
	case c == end:
		s.pos++
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, s.unexpected()
	}
	s.pos++
	return true, nil
}

// key takes the name of a member and the colon after it.
func (s *scanner) key() (span, error) {
	k, err := s.str()
	if err != nil {
		return span{}, err
	}
	return k, s.expect(':')
}

// str takes a string. Eight bytes at once are looked at for a quote or a backslash: of the bits that the formulas set, the
// lowest is always right.
func (s *scanner) str() (span, error) {
	if err := s.expect('"'); err != nil {
		return span{}, err
	}
	sp := span{start: s.pos}
	data, i := s.data, s.pos
	for {
		if i+8 <= len(data) {
			v := binary.LittleEndian.Uint64(data[i:])
			quote, slash := v^(ones*'"'), v^(ones*'\\')
			m := ((quote-ones)&^quote | (slash-ones)&^slash) & highs
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
		}
		if i >= len(data) {
			s.pos = i
			return span{}, s.unexpected()
		}
		switch data[i] {
		case '"':
			sp.end, s.pos = i, i+1
			return sp, nil
		case '\\':
			if i+1 < len(data) && (data[i+1] == '"' || data[i+1] == '\\') { // most are
				sp.saved++
				i += 2
				continue
			}
			s.pos = i + 1
			if err := s.escape(); err != nil {
				return span{}, err
			}
			sp.saved += min(s.pos-i-1, 3) // an escape of 6 bytes makes at most 3
			i = s.pos
		default:
			i++
		}
	}
}

// escape takes what is after a backslash.
func (s *scanner) escape() error {
	if s.pos >= len(s.data) {
		return s.unexpected()
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		s.pos++
		for range 4 {
			if s.pos >= len(s.data) || !isHex(s.data[s.pos]) {
				return s.unexpected()
			}
			s.pos++
		}
		return nil
	}
	return s.unexpected()
}

// value takes any value and returns where it is.
func (s *scanner) value(depth int) (span, error) {
	c := s.peek()
	sp := span{start: s.pos}
	var err error
	switch {
	case depth > maxDepth:
		return span{}, &EventError{Offset: s.pos, Reason: "nested too deeply"}
	case c == '"':
		_, err = s.str()
	case c == '{':
		err = s.object(depth)
	case c == '[':
		err = s.array(depth)
	case c == 't':
		err = s.literal("true")
	case c == 'f':
		err = s.literal("false")
	case c == 'n':
		err = s.literal("null")
	default:
		err = s.number()
	}
	sp.end = s.pos
	return sp, err
}

func (s *scanner) object(depth int) error {
	s.pos++
	for first := true; ; first = false {
		ok, err := s.more('}', first)
		if !ok || err != nil {
			return err
		}
		if _, err := s.key(); err != nil {
			return err
		}
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
	}
}

func (s *scanner) array(depth int) error {
	s.pos++
	for first := true; ; first = false {
		ok, err := s.more(']', first)
		if !ok || err != nil {
			return err
		}
		if _, err := s.value(depth + 1); err != nil {
			return err
		}
	}
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if s.pos >= len(s.data) || s.data[s.pos] != word[i] {
			return s.unexpected()
		}
		s.pos++
	}
	return nil
}

func (s *scanner) number() error {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return s.unexpected()
	}
	if s.take('.') && !s.digits() {
		return s.unexpected()
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return s.unexpected()
		}
	}
	return nil
}

func (s *scanner) take(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// appendText appends the text of a string.
func (s *scanner) appendText(dst []byte, sp span) []byte {
	raw := s.data[sp.start:sp.end]
	if sp.saved == 0 {
		return append(dst, raw...)
	}
	dst = slices.Grow(dst, sp.textLen()+unescapeSlack)
	n := unescape(dst[len(dst):cap(dst)], raw)
	return dst[:len(dst)+n]
}

// plain returns the text of a string. It is a part of the event itself unless there are escapes in it.
func (s *scanner) plain(sp span) []byte {
	if sp.saved == 0 {
		return s.data[sp.start:sp.end]
	}
	text := make([]byte, sp.textLen()+unescapeSlack)
	return text[:unescape(text, s.data[sp.start:sp.end])]
}

// unescapeSlack is how much longer than its result the memory must be that unescape gets.
const unescapeSlack = 8

// unescape writes to dst the text of src, the inside of a valid JSON string, and returns its length. Halves of surrogate
// pairs become U+FFFD, as with encoding/json.
func unescape(dst, src []byte) int {
	n := 0
	for i := 0; i < len(src); {
		if i+8 <= len(src) {
			v := binary.LittleEndian.Uint64(src[i:])
			binary.LittleEndian.PutUint64(dst[n:], v)
			slash := v ^ (ones * '\\')
			m := (slash - ones) &^ slash & highs
			if m == 0 {
				i += 8
				n += 8
				continue
			}
			free := bits.TrailingZeros64(m) >> 3
			i += free
			n += free
		} else if src[i] != '\\' {
			dst[n] = src[i]
			n++
			i++
			continue
		}
		c := src[i+1]
		i += 2
		if c == '"' { // most are
			dst[n] = c
			n++
			continue
		}
		if c != 'u' {
			dst[n] = unescaped(c)
			n++
			continue
		}
		r := rune(hex4(src[i:]))
		i += 4
		if utf16.IsSurrogate(r) {
			var size int
			r, size = surrogate(r, src[i:])
			i += size
		}
		n += utf8.EncodeRune(dst[n:], r)
	}
	return n
}

// unescaped is what c stands for after a backslash.
func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // a quote, a slash, a backslash
}

// surrogate completes r with the escape that src begins with, if there is one that fits, and returns how long that is.
func surrogate(r rune, src []byte) (rune, int) {
	if len(src) >= 6 && src[0] == '\\' && src[1] == 'u' {
		if pair := utf16.DecodeRune(r, rune(hex4(src[2:]))); pair != utf8.RuneError {
			return pair, 6
		}
	}
	return utf8.RuneError, 0
}

// hex4 is the value of the first four digits of src.
func hex4(src []byte) uint16 {
	var n uint16
	for _, c := range src[:4] {
		switch {
		case c <= '9':
			c -= '0'
		case c <= 'F':
			c -= 'A' - 10
		default:
			c -= 'a' - 10
		}
		n = n<<4 | uint16(c)
	}
	return n
}
