package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// members are those of a JSON object in the order of the document, which a map would lose.
type members[T any] []member[T]

type member[T any] struct {
	name  string
	value T
}

// UnmarshalJSON takes an object, or null as one without members. Of a name that is there twice the last value counts; names
// that differ in case are not the same.
func (m *members[T]) UnmarshalJSON(raw []byte) error {
	*m = nil
	dec := json.NewDecoder(bytes.NewReader(raw))
	start, err := dec.Token()
	if err != nil || start == nil {
		return err
	}
	if start != json.Delim('{') {
		return errors.New("expected an object")
	}
	index := map[string]int{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		var f member[T]
		f.name, _ = key.(string) // all names are
		if err := dec.Decode(&f.value); err != nil {
			return err
		}
		if i, seen := index[f.name]; seen {
			(*m)[i].value = f.value
			continue
		}
		index[f.name] = len(*m)
		*m = append(*m, f)
	}
	return nil
}

// appendLower appends s with the letters of ASCII in lower case.
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD, as with encoding/json.
func appendString[T string | []byte](dst []byte, s T) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
			}
			i++
			start = i
			continue
		}
		// Converting a few bytes does not allocate.
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\ufffd`...)
			i++
			start = i
			continue
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendLists appends fields as a JSON object with the list of each one's values.
func appendLists(dst []byte, fields []field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f.name)
		dst = append(dst, ':', '[')
		for j, value := range f.values {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, value)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendLast appends fields as a JSON object with the last value of each.
func appendLast(dst []byte, fields []field) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f.name)
		dst = append(dst, ':')
		dst = appendString(dst, f.values[len(f.values)-1])
	}
	return append(dst, '}')
}
