package httpevent

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// mark is where a text begins and ends in decoder.text.
type mark struct{ start, end int }

// request makes the request of the event that was decoded. All its texts are parts of one string, so that they cost one
// allocation; none of them refers to the event. errBadRequest is for what net/http would have refused.
func (d *decoder) request(a *adapter, inv *invocation) (*http.Request, error) {
	method := d.add(d.method)
	target := d.target(a)
	domain, from := d.add(d.domainName), d.addRemote()
	cookies := d.addCookies()
	ok := d.addHeaders(cookies != mark{}) && isFieldValue(d.text[cookies.start:cookies.end])
	all := string(d.text)
	text := func(m mark) string { return all[m.start:m.end] }
	if !ok || !validMethod(text(method)) {
		return nil, errBadRequest
	}

	r := a.template.WithContext(inv)
	r.Method = text(method)
	r.RequestURI = text(target)
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		return nil, errBadRequest
	}
	host := d.header(r, all, cookies)
	if r.Host = host; host == "" {
		r.Host = text(domain)
	}
	r.RemoteAddr = text(from)
	if d.shape == ALB {
		r.RemoteAddr = remoteOf(r.Header)
	}
	r.TLS = a.tlsOf(r.Header, d.shape)
	return r, d.setBody(r, inv)
}

// add appends the text of a string.
func (d *decoder) add(sp span) mark {
	start := len(d.text)
	d.text = d.appendText(d.text, sp)
	return mark{start, len(d.text)}
}

// addRemote appends the client's address. The port is not known.
func (d *decoder) addRemote() mark {
	start := len(d.text)
	d.text = append(d.text, '[')
	ip := d.add(d.sourceIP)
	if bytes.IndexByte(d.text[ip.start:], ':') >= 0 {
		d.text = append(d.text, ']')
	} else {
		start++
		if ip.start == ip.end {
			d.text = append(d.text, "0.0.0.0"...)
		}
	}
	d.text = append(d.text, ":0"...)
	return mark{start, len(d.text)}
}

// addCookies appends the cookies as one header field has them. The zero mark says that there are none.
func (d *decoder) addCookies() mark {
	if len(d.cookies) == 0 || d.shape != Payload2 {
		return mark{}
	}
	start := len(d.text)
	for i, c := range d.cookies {
		if i > 0 {
			d.text = append(d.text, "; "...)
		}
		d.add(c)
	}
	return mark{start, len(d.text)}
}

// addHeaders appends names and values of all header fields, each with a mark, and tells whether they are valid. The
// field Cookie is left out if the cookies came apart from it.
func (d *decoder) addHeaders(noCookie bool) bool {
	for _, f := range d.headers {
		name := d.add(f.name)
		key := d.text[name.start:name.end]
		if !canonical(key) {
			return false
		}
		if reserved(key) || noCookie && string(key) == "Cookie" {
			d.text = d.text[:name.start]
			continue
		}
		value := d.add(f.value)
		for value.start < value.end && isBlank(d.text[value.start]) {
			value.start++
		}
		for value.start < value.end && isBlank(d.text[value.end-1]) {
			value.end--
		}
		if !isFieldValue(d.text[value.start:value.end]) {
			return false
		}
		d.marks = append(d.marks, name, value)
	}
	return true
}

// isFieldValue tells whether v has no control characters (RFC 9110, section 5.5). Bytes over 0x7f are taken, as by net/http.
func isFieldValue(v []byte) bool {
	for _, c := range v {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// header makes the header of r and returns the host that it names.
func (d *decoder) header(r *http.Request, all string, cookies mark) (host string) {
	n := len(d.marks)/2 + 1
	h := make(http.Header, n)
	values := make([]string, 0, n)
	set := func(key, value string) {
		values = append(values, value)
		h[key] = values[len(values)-1 : len(values) : len(values)]
	}
	for i := 0; i < len(d.marks); i += 2 {
		name, value := d.marks[i], d.marks[i+1]
		key, v := all[name.start:name.end], all[value.start:value.end]
		switch before, seen := h[key]; {
		case key == "Host":
			host = v
		case seen:
			h[key] = append(before, v)
		default:
			set(key, v)
		}
	}
	if (cookies != mark{}) {
		set("Cookie", all[cookies.start:cookies.end])
	}
	if p := h["Pragma"]; len(p) > 0 && p[0] == "no-cache" && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = []string{"no-cache"} // as net/http does
	}
	r.Header = h
	return host
}

// setBody gives r its body. A body without escapes stays where it is, in the event, until the handler reads it.
func (d *decoder) setBody(r *http.Request, inv *invocation) error {
	raw := d.plain(d.body)
	b := &inv.body
	switch {
	case len(raw) == 0:
		r.Body = http.NoBody
		setLength(r, 0)
		return nil
	case d.base64:
		b.data = make([]byte, base64.StdEncoding.DecodedLen(len(raw)))
		n, err := base64.StdEncoding.Decode(b.data, raw)
		if err != nil {
			return &EventError{Offset: d.body.start, Reason: "the body is not valid base64: " + err.Error()}
		}
		b.data = b.data[:n]
	default:
		b.data = raw
	}
	r.Body = b
	setLength(r, len(b.data))
	return nil
}

// setLength sets the length of the body, and corrects what a front door says of it.
func setLength(r *http.Request, n int) {
	r.ContentLength = int64(n)
	if has := r.Header["Content-Length"]; len(has) > 0 {
		if v := strconv.Itoa(n); len(has) > 1 || has[0] != v {
			r.Header["Content-Length"] = []string{v}
		}
	}
}

// reserved tells whether no request may bring a header field of that name to the handler: the front door's adapters
// use it to tell what a client must not be able to, or it concerns a connection that has ended at the front door.
func reserved(key []byte) bool {
	switch string(key) {
	case "Transfer-Encoding", "X-Amzn-Request-Context", "X-Amzn-Lambda-Context":
		return true
	}
	return bytes.HasPrefix(key, []byte("X-Golambdaproxy-")) || bytes.HasPrefix(key, []byte("X-Apigateway-"))
}

// remoteOf is the address of the client of a load balancer, which is the last one that X-Forwarded-For names.
func remoteOf(h http.Header) string {
	if lines := h["X-Forwarded-For"]; len(lines) > 0 {
		last := lines[len(lines)-1]
		last = textproto.TrimString(last[strings.LastIndexByte(last, ',')+1:])
		if ap, err := netip.ParseAddrPort(last); err == nil {
			return ap.String()
		}
		if last != "" {
			return net.JoinHostPort(strings.Trim(last, "[]"), "0")
		}
	}
	return "0.0.0.0:0"
}

// tlsOf is the state of the client's connection as far as it is known: nil if the client came by http. Only an ALB's
// clients may have done so without the header field saying it.
func (a *adapter) tlsOf(h http.Header, shape Shape) *tls.ConnectionState {
	if lines := h["X-Forwarded-Proto"]; len(lines) > 0 {
		last := lines[len(lines)-1]
		if !strings.EqualFold(textproto.TrimString(last[strings.LastIndexByte(last, ',')+1:]), "https") {
			return nil
		}
	} else if shape == ALB {
		return nil
	}
	switch h.Get("X-Amzn-Tls-Version") {
	case "TLSv1.2":
		return &a.tls[1]
	case "TLSv1.3":
		return &a.tls[2]
	}
	return &a.tls[0]
}

// canonical brings the name of a header field into the form that net/http uses, in place. It returns false if it is no
// name.
func canonical(name []byte) bool {
	upper := true
	for i, c := range name {
		if !isToken(c) {
			return false
		}
		if upper && 'a' <= c && c <= 'z' {
			name[i] = c - ('a' - 'A')
		} else if !upper && 'A' <= c && c <= 'Z' {
			name[i] = c + ('a' - 'A')
		}
		upper = c == '-'
	}
	return len(name) > 0
}

func validMethod(method string) bool {
	for i := range len(method) {
		if !isToken(method[i]) {
			return false
		}
	}
	return method != ""
}

// isToken tells whether c may be in a name or method (RFC 9110, section 5.6.2).
func isToken(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.!#$%&'*+^`|~", c) >= 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// newTemplate returns what all requests have in common.
func newTemplate() *http.Request {
	return (&http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(context.Background())
}
