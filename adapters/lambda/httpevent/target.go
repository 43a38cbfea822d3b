package httpevent

import (
	"bytes"
)

// pathIsDecoded tells whether the front door has decoded the path. HTTP APIs do, in both formats; Function URLs, REST APIs
// and load balancers hand on what the client has sent.
func (d *decoder) pathIsDecoded(a *adapter) bool {
	switch {
	case a.pathForm == PathEncoded:
		return false
	case a.pathForm == PathDecoded:
		return true
	case d.shape == Payload2:
		// A Function URL is known by its domain, or, if that was replaced, by the account of unsigned requests.
		// Of the rest all are HTTP APIs: only those have domains of one's own.
		return !bytes.Contains(d.data[d.domainName.start:d.domainName.end], []byte(".lambda-url.")) &&
			string(d.data[d.accountID.start:d.accountID.end]) != "anonymous"
	case d.shape == Payload1:
		return string(d.data[d.version.start:d.version.end]) == "1.0" // REST APIs tell no version
	}
	return false
}

// target appends the target of the request, path and query as they would be in the request's first line if the path came
// encoded.
func (d *decoder) target(a *adapter) (target, path, query mark) {
	from := d.path
	if d.shape == Payload2 {
		if from = d.rawPath; from.len() == 0 {
			from = d.contextPath
		}
	}
	path = d.add(from)
	p := d.text[path.start:path.end]
	if a.stripStage {
		p = d.withoutStage(p)
	}
	if a.basePath != "" {
		p, _ = cutSegments(p, a.basePath)
	}
	path.start = path.end - len(p)
	if len(p) == 0 || p[0] != '/' && string(p) != "*" {
		// A slash is missing. What was cut off, if anything, leaves room for it.
		start := len(d.text)
		d.text = append(d.text, '/')
		d.text = append(d.text, p...)
		path = mark{start, len(d.text)}
	}
	start := len(d.text)
	d.text = append(d.text, '?')
	d.addQuery()
	query = mark{start + 1, len(d.text)}
	if query.start == query.end {
		d.text = d.text[:start]
		query = mark{}
	}
	return mark{path.start, len(d.text)}, path, query
}

// withoutStage cuts the stage off the path. A REST API has it only in requestContext.path; where it is the event's path
// that has it, both are the same.
func (d *decoder) withoutStage(p []byte) []byte {
	stage := d.data[d.stage.start:d.stage.end]
	if len(stage) == 0 || string(stage) == "$default" || d.shape == ALB {
		return p
	}
	if d.shape == Payload1 {
		inContext := d.appendText(nil, d.contextPath)
		if !bytes.Equal(inContext, p) {
			return p
		}
	}
	rest, _ := cutSegments(p, "/"+string(stage))
	return rest
}

// cutSegments cuts prefix, which begins with a slash and does not end with one, off p if it ends where a segment of p does.
func cutSegments(p []byte, prefix string) ([]byte, bool) {
	if len(p) < len(prefix) || string(p[:len(prefix)]) != prefix || len(p) > len(prefix) && p[len(prefix)] != '/' {
		return p, false
	}
	return p[len(prefix):], true
}

// addQuery appends the query.
func (d *decoder) addQuery() {
	if d.rawQuery.len() > 0 {
		d.add(d.rawQuery)
		return
	}
	for i, f := range d.query {
		if i > 0 {
			d.text = append(d.text, '&')
		}
		d.addQueryPart(f.name, true)
		d.text = append(d.text, '=')
		d.addQueryPart(f.value, false)
	}
}

// addQueryPart appends a name or a value. Load balancers leave them as they were sent, gateways decode them. Encoded again
// is only what could not have been sent otherwise, so that the query is as near to the one that was sent as can be.
func (d *decoder) addQueryPart(sp span, isName bool) {
	part := d.add(sp)
	keep := d.shape == ALB
	escapes := 0
	for _, c := range d.text[part.start:part.end] {
		if mustEscape(c, isName, keep) {
			escapes++
		}
	}
	if escapes == 0 {
		return
	}
	const digits = "0123456789ABCDEF"
	decoded := append([]byte(nil), d.text[part.start:part.end]...)
	d.text = d.text[:part.start]
	for _, c := range decoded {
		if mustEscape(c, isName, keep) {
			d.text = append(d.text, '%', digits[c>>4], digits[c&15])
		} else {
			d.text = append(d.text, c)
		}
	}
}

// mustEscape tells whether c has to be encoded.
func mustEscape(c byte, isName, isEncoded bool) bool {
	switch c {
	case '"', '#', '&', '<', '>', ';':
		return true
	case '%', '+':
		return !isEncoded
	case '=':
		return isName
	}
	return c <= ' ' || c >= 0x7f
}
