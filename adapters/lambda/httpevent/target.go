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
		return !bytes.Contains(d.plain(d.domainName), []byte(".lambda-url.")) &&
			string(d.plain(d.accountID)) != "anonymous"
	case d.shape == Payload1:
		return string(d.plain(d.version)) == "1.0" // REST APIs tell no version
	}
	return false
}

// target appends the target of the request as it was in the request's first line, as far as that can be known.
func (d *decoder) target(a *adapter) mark {
	from := d.path
	if d.shape == Payload2 {
		if from = d.rawPath; from.len() == 0 {
			from = d.contextPath
		}
	}
	path := d.add(from)
	p := d.text[path.start:path.end]
	if a.stripStage {
		p = d.withoutStage(p)
	}
	if a.basePath != "" {
		p = cutSegments(p, a.basePath)
	}
	path.start = path.end - len(p)
	if len(p) == 0 || p[0] != '/' && string(p) != "*" {
		path.start = len(d.text)
		d.text = append(d.text, '/')
		d.text = append(d.text, p...)
	}
	if d.pathIsDecoded(a) {
		d.escapeFrom(path.start, inPath)
	}
	start := len(d.text)
	d.text = append(d.text, '?')
	d.addQuery()
	if len(d.text) == start+1 {
		d.text = d.text[:start]
	}
	return mark{path.start, len(d.text)}
}

// escapeFrom encodes what must not be literal in the text from start on.
func (d *decoder) escapeFrom(start int, mayBe func(c byte) bool) {
	i := start
	for i < len(d.text) && mayBe(d.text[i]) {
		i++
	}
	if i == len(d.text) {
		return
	}
	const digits = "0123456789ABCDEF"
	decoded := append([]byte(nil), d.text[i:]...)
	d.text = d.text[:i]
	for _, c := range decoded {
		if mayBe(c) {
			d.text = append(d.text, c)
		} else {
			d.text = append(d.text, '%', digits[c>>4], digits[c&15])
		}
	}
}

// inPath tells whether c can be in a path as it is: what clients leave so, and net/http too.
func inPath(c byte) bool {
	switch c {
	case '%', '?', '#', '"', '<', '>', '\\', '^', '`', '{', '|', '}':
		return false
	}
	return c > ' ' && c < 0x7f
}

// withoutStage cuts the stage off the path. A REST API has it only in requestContext.path; where it is the event's path
// that has it, both are the same.
func (d *decoder) withoutStage(p []byte) []byte {
	stage := d.plain(d.stage)
	if len(stage) == 0 || string(stage) == "$default" || d.shape == ALB {
		return p
	}
	if d.shape == Payload1 {
		if !bytes.Equal(d.plain(d.contextPath), p) {
			return p
		}
	}
	return cutSegments(p, "/"+string(stage))
}

// cutSegments cuts prefix, which begins with a slash and does not end with one, off p if it ends where a segment of p does.
func cutSegments(p []byte, prefix string) []byte {
	if len(p) < len(prefix) || string(p[:len(prefix)]) != prefix || len(p) > len(prefix) && p[len(prefix)] != '/' {
		return p
	}
	return p[len(prefix):]
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

// addQueryPart appends a name or a value. Load balancers leave them as they were sent, so they are written as they are but
// for what no client can have sent so; gateways decode them, so what has a meaning in queries is encoded again, and no more
// than that, so that the query is as near to the one that was sent as can be.
func (d *decoder) addQueryPart(sp span, isName bool) {
	part := d.add(sp)
	switch {
	case d.shape == ALB && isName:
		d.escapeFrom(part.start, inRawQueryName)
	case d.shape == ALB:
		d.escapeFrom(part.start, inRawQuery)
	case isName:
		d.escapeFrom(part.start, inQueryName)
	default:
		d.escapeFrom(part.start, inQueryValue)
	}
}

func inQueryName(c byte) bool { return c != '=' && inQueryValue(c) }

func inQueryValue(c byte) bool {
	switch c {
	case '"', '%', '+', '<', '>', ';':
		return false
	}
	return c < 0x7f && inRawQuery(c)
}

func inRawQueryName(c byte) bool { return c != '=' && inRawQuery(c) }

// inRawQuery tells whether c can be in a part of a query as it was sent. Quotes, semicolons and letters beyond ASCII can:
// net/http takes them as they are.
func inRawQuery(c byte) bool { return c > ' ' && c != 0x7f && c != '&' && c != '#' }
