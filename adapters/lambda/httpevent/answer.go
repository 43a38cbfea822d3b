package httpevent

import (
	"bytes"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// style tells how a front door wants to be answered.
type style struct {
	multi      bool // multiValueHeaders with lists, instead of headers
	cookies    bool // Set-Cookie apart, as cookies
	isStatic   bool // no reason phrase
	caseFolded bool // Set-Cookie can be there only once, but in any case
}

func styleOf(d *decoder) style {
	switch d.shape {
	case Payload2:
		return style{cookies: true, isStatic: true}
	case Payload1:
		return style{multi: true, isStatic: true}
	default:
		return style{multi: d.multi, caseFolded: !d.multi}
	}
}

// takeHeader makes JSON of the header as it is now.
func (w *response) takeHeader() {
	h := w.header
	te := first(h, "Transfer-Encoding")
	w.hasTE = te != ""
	_, w.hasType = h["Content-Type"]
	w.hasType = w.hasType || w.hasTE || first(h, "Content-Encoding") != ""
	w.trailers = len(h["Trailer"]) > 0
	w.body.binary = isEncoded(first(h, "Content-Encoding"))
	if v := first(h, "Content-Length"); v != "" && (!w.hasTE || te == "identity") {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
			w.declared = n
		} else {
			w.adapter.log.DebugContext(w.ctx, "invalid content length ignored", "value", v)
		}
	}
	var space [24]string
	names := space[:0]
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			w.trailers = true
			continue
		}
		if !w.leavesOut(name) && isName(name) {
			w.addValues(name, h[name])
		}
	}
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// isEncoded tells whether bodies with that Content-Encoding are never text.
func isEncoded(encoding string) bool {
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// leavesOut tells whether a field of the handler's header is not sent. Those that concern the connection to the client are
// the front door's, those that tell of a body must fit to it.
func (w *response) leavesOut(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Trailer":
		return true
	case "Content-Length":
		return w.declared < 0 || !bodyAllowed(w.status)
	case "Content-Type":
		return w.status == http.StatusNotModified // as with net/http
	}
	return false
}

// addValues adds a field with all its values.
func (w *response) addValues(name string, values []string) {
	if len(values) == 0 {
		return
	}
	isCookie := len(name) == len("Set-Cookie") && strings.EqualFold(name, "Set-Cookie")
	switch {
	case isCookie && w.style.cookies:
		for _, v := range values {
			if len(w.cookies) > 0 {
				w.cookies = append(w.cookies, ',')
			}
			w.cookies = appendString(w.cookies, clean(v))
		}
	case isCookie && w.style.caseFolded:
		for i, v := range values {
			w.addField(variant("set-cookie", i), v)
		}
	case w.style.multi:
		w.addName(name)
		open := byte('[')
		for _, v := range values {
			w.fields = append(w.fields, open)
			w.fields = appendString(w.fields, clean(v))
			open = ','
		}
		w.fields = append(w.fields, ']')
	case len(values) == 1:
		w.addField(name, values[0])
	default:
		joined := make([]string, len(values))
		for i, v := range values {
			joined[i] = clean(v)
		}
		w.addField(name, strings.Join(joined, ", "))
	}
}

// addField adds a field with one value.
func (w *response) addField(name, value string) {
	w.addName(name)
	if w.style.multi {
		w.fields = append(w.fields, '[')
	}
	w.fields = appendString(w.fields, clean(value))
	if w.style.multi {
		w.fields = append(w.fields, ']')
	}
}

func (w *response) addName(name string) {
	if len(w.fields) > 0 {
		w.fields = append(w.fields, ',')
	}
	w.fields = append(w.fields, '"')
	w.fields = append(w.fields, name...) // a token, nothing in it needs an escape
	w.fields = append(w.fields, '"', ':')
}

// variant returns the i-th way to write name in small and capital letters.
func variant(name string, i int) string {
	b := []byte(name)
	for ; i != 0; i &= i - 1 {
		n := bits.TrailingZeros(uint(i))
		for j, c := range b {
			if (c|0x20) < 'a' || 'z' < (c|0x20) {
				continue
			}
			if n == 0 {
				b[j] ^= 0x20
				break
			}
			n--
		}
	}
	return string(b)
}

// clean brings a value into the form that net/http sends: in one line, without blanks around it.
func clean(v string) string {
	if strings.ContainsAny(v, "\r\n") {
		v = strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
	}
	return strings.Trim(v, " \t")
}

// isName tells whether name can be a field's. Others are dropped, as by net/http.
func isName(name string) bool { return validMethod(name) }

// tailSpace returns what appendTail appends to.
func (w *response) tailSpace() []byte {
	return make([]byte, 0, len(w.fields)+len(w.cookies)+128)
}

// appendTail appends all of the answer that comes after the body.
func (w *response) appendTail(dst []byte) []byte {
	dst = append(dst, `","isBase64Encoded":`...)
	dst = strconv.AppendBool(dst, w.body.binary && w.body.size > 0)
	dst = append(dst, ',')
	return append(w.appendHead(dst), '}')
}

// appendHead appends status and header, without the braces around them.
func (w *response) appendHead(dst []byte) []byte {
	dst = append(dst, `"statusCode":`...)
	dst = strconv.AppendInt(dst, int64(w.status), 10)
	if !w.style.isStatic {
		dst = append(dst, `,"statusDescription":"`...)
		dst = strconv.AppendInt(dst, int64(w.status), 10)
		dst = append(dst, ' ')
		dst = append(dst, http.StatusText(w.status)...)
		dst = bytes.TrimRight(dst, " ")
		dst = append(dst, '"')
	}
	if w.style.multi {
		dst = append(dst, `,"multiValueHeaders":{`...)
	} else {
		dst = append(dst, `,"headers":{`...)
	}
	dst = append(dst, w.fields...)
	dst = append(dst, '}')
	if len(w.cookies) > 0 {
		dst = append(dst, `,"cookies":[`...)
		dst = append(dst, w.cookies...)
		dst = append(dst, ']')
	}
	return dst
}
