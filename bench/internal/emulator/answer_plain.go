package emulator

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// decode reads an answer. What most functions send is read in one pass: encoding/json takes five, since the order of headers
// counts, and with 64 environments that was 7 % of the time of the service.
func (f *answerFields) decode(raw []byte) error {
	p := plainAnswer{raw: raw}
	if p.object(f.member) && p.end() {
		return nil
	}
	*f = answerFields{}
	return json.Unmarshal(raw, f) //nolint:wrapcheck // the callers do
}

// plainHeaders is how many headers an answer has at most that is plain: each is compared to those before it.
const plainHeaders = 64

// plainAnswer reads JSON that has nothing odd. Each method tells whether it has found what it is for; if not, the whole is left to
// encoding/json, which has the last word on what is valid.
type plainAnswer struct {
	raw []byte
	at  int
}

// member reads the value of a member of an answer. One that is there twice, or written otherwise, is odd.
func (f *answerFields) member(p *plainAnswer, name string) bool {
	switch name {
	case "statusCode":
		from := p.at
		for p.at < len(p.raw) && p.raw[p.at] >= '0' && p.raw[p.at] <= '9' {
			p.at++
		}
		taken := f.statusCode != nil
		f.statusCode = p.raw[from:p.at]
		return !taken && p.at-from == 3 && f.statusCode[0] != '0'
	case "statusDescription": // of a load balancer
		_, ok := p.text()
		ok = ok && f.unknown == ""
		f.unknown = name
		return ok
	case "headers":
		return f.headers == nil && p.object(func(p *plainAnswer, name string) bool {
			value, ok := p.text()
			ok = ok && plainHeader(f.headers, name)
			f.headers = append(f.headers, member[scalar]{name, scalar(value)})
			return ok
		})
	case "multiValueHeaders":
		return f.multiValueHeaders == nil && p.object(func(p *plainAnswer, name string) bool {
			var values []scalar
			ok := p.list(func(value string) { values = append(values, scalar(value)) }) && plainHeader(f.multiValueHeaders, name)
			f.multiValueHeaders = append(f.multiValueHeaders, member[[]scalar]{name, values})
			return ok
		})
	case "cookies":
		taken := f.cookies != nil
		f.cookies = []string{}
		return !taken && p.list(func(value string) { f.cookies = append(f.cookies, value) })
	case "body":
		text, ok := p.text()
		ok = ok && f.body == nil
		f.body = &text
		return ok
	case "isBase64Encoded":
		taken := f.isBase64Encoded
		f.isBase64Encoded = p.word("true")
		return !taken && (f.isBase64Encoded || p.word("false"))
	}
	return false
}

// plainHeader tells whether a header of that name is plain after those before it.
func plainHeader[T any](before members[T], name string) bool {
	return len(before) < plainHeaders && !slices.ContainsFunc(before, func(h member[T]) bool { return h.name == name })
}

// object reads an object with the names in its order.
func (p *plainAnswer) object(value func(p *plainAnswer, name string) bool) bool {
	if !p.is('{') {
		return false
	}
	if p.is('}') {
		return true
	}
	for {
		p.space()
		name, ok := p.text()
		if !ok || !p.is(':') {
			return false
		}
		p.space()
		if !value(p, name) {
			return false
		}
		if !p.is(',') {
			return p.is('}')
		}
	}
}

// list reads a list of texts.
func (p *plainAnswer) list(add func(value string)) bool {
	if !p.is('[') {
		return false
	}
	if p.is(']') {
		return true
	}
	for {
		p.space()
		text, ok := p.text()
		if !ok {
			return false
		}
		add(text)
		if !p.is(',') {
			return p.is(']')
		}
	}
}

// text reads a string.
func (p *plainAnswer) text() (string, bool) {
	if p.at >= len(p.raw) || p.raw[p.at] != '"' {
		return "", false
	}
	plain := true
	for i := p.at + 1; i < len(p.raw); i++ {
		switch c := p.raw[i]; {
		case c == '"':
			token := p.raw[p.at : i+1]
			p.at = i + 1
			if plain {
				return string(token[1 : len(token)-1]), true
			}
			var text string
			err := json.Unmarshal(token, &text)
			return text, err == nil
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return "", false
}

// word reads a word.
func (p *plainAnswer) word(word string) bool {
	if len(p.raw)-p.at < len(word) || string(p.raw[p.at:p.at+len(word)]) != word {
		return false
	}
	p.at += len(word)
	return true
}

// is reads c, after white space.
func (p *plainAnswer) is(c byte) bool {
	p.space()
	if p.at >= len(p.raw) || p.raw[p.at] != c {
		return false
	}
	p.at++
	return true
}

// end tells whether there is nothing more but white space.
func (p *plainAnswer) end() bool {
	p.space()
	return p.at == len(p.raw)
}

func (p *plainAnswer) space() {
	for p.at < len(p.raw) && (p.raw[p.at] == ' ' || p.raw[p.at] == '\t' || p.raw[p.at] == '\r' || p.raw[p.at] == '\n') {
		p.at++
	}
}
