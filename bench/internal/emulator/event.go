package emulator

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// requestMeta is what an event tells that is not in the request itself.
type requestMeta struct {
	requestID string
	traceID   string
	sourceIP  string
	port      string // of the front door
	now       time.Time
}

// appendEvent appends the event that a Function URL makes of a request: the payload format 2.0. It writes the JSON itself,
// since this happens for each request and the shape is fixed.
//
// Where AWS's own behaviour is not documented it follows what captures of real events show: a Cookie header is in headers
// and in cookies both, a request without body has no body field, a form is binary. domainName is the request's Host as it
// came, with its port, and domainPrefix what is before the first dot.
func appendEvent(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte {
	path, query := splitTarget(r.RequestURI)
	dst = append(dst, `{"version":"2.0","routeKey":"$default","rawPath":`...)
	dst = appendString(dst, path)
	dst = append(dst, `,"rawQueryString":`...)
	dst = appendString(dst, query)
	dst = appendCookies(dst, r.Header["Cookie"])
	dst = appendHeaders(dst, r, body, meta)
	dst = appendQuery(dst, query)
	dst = appendContext(dst, r, path, meta)
	if len(body) == 0 {
		return append(dst, `,"isBase64Encoded":false}`...)
	}
	dst = append(dst, `,"body":`...)
	if isText(r.Header) && utf8.Valid(body) {
		dst = appendString(dst, body)
		return append(dst, `,"isBase64Encoded":false}`...)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, body)
	return append(dst, `","isBase64Encoded":true}`...)
}

// splitTarget splits the target of a request as it was sent into path and query.
func splitTarget(target string) (path, query string) {
	if !strings.HasPrefix(target, "/") {
		// The absolute form that proxies get: http://host/path.
		if _, rest, ok := strings.Cut(target, "://"); ok {
			target = rest[min(len(rest), strings.IndexAny(rest+"/", "/?")):]
		}
	}
	path, query, _ = strings.Cut(target, "?")
	if path == "" {
		path = "/"
	}
	return path, query
}

// appendCookies appends each cookie of all Cookie headers.
func appendCookies(dst []byte, lines []string) []byte {
	if len(lines) == 0 {
		return dst
	}
	dst = append(dst, `,"cookies":[`...)
	first := true
	for _, line := range lines {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = textproto.TrimString(cookie); cookie == "" {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = appendString(dst, cookie)
		}
	}
	return append(dst, ']')
}

// appendHeaders appends the headers, their names in lower case, those of the same name joined by commas.
func appendHeaders(dst []byte, r *http.Request, body []byte, meta *requestMeta) []byte {
	dst = append(dst, `,"headers":{"host":`...)
	dst = appendString(dst, r.Host)
	dropped := r.Header["Connection"]
	for name, values := range r.Header {
		if ownHeader(name) || hopByHop(name) || len(dropped) > 0 && listed(dropped, name) {
			continue
		}
		dst = append(dst, ',', '"')
		dst = appendLower(dst, name) // a token, nothing in it needs escaping
		dst = append(dst, `":`...)
		if len(values) == 1 {
			dst = appendString(dst, values[0])
			continue
		}
		separator := ","
		if name == "Cookie" {
			separator = "; "
		}
		dst = appendString(dst, strings.Join(values, separator))
	}
	if len(r.TransferEncoding) > 0 && len(body) > 0 {
		dst = append(dst, `,"content-length":"`...)
		dst = strconv.AppendInt(dst, int64(len(body)), 10)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"x-amzn-trace-id":`...)
	dst = appendString(dst, meta.traceID)
	dst = append(dst, `,"x-forwarded-for":`...)
	from := meta.sourceIP
	if before := r.Header["X-Forwarded-For"]; len(before) > 0 {
		from = strings.Join(before, ", ") + ", " + from
	}
	dst = appendString(dst, from)
	dst = append(dst, `,"x-forwarded-port":`...)
	dst = appendString(dst, meta.port)
	return append(dst, `,"x-forwarded-proto":"http"}`...)
}

// ownHeader tells whether the front door sets the header itself.
func ownHeader(name string) bool {
	switch name {
	case "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto":
		return true
	}
	return false
}

// hopByHop tells whether the header concerns the connection and not the request (RFC 9110, section 7.6.1). Expect is among
// them because the front door has met it already.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade", "Expect":
		return true
	}
	return false
}

// listed tells whether a Connection header names the header.
func listed(connection []string, name string) bool {
	return slices.ContainsFunc(connection, func(line string) bool {
		for token := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(token), name) {
				return true
			}
		}
		return false
	})
}

// appendQuery appends the decoded query parameters, those of the same name joined by commas.
func appendQuery(dst []byte, query string) []byte {
	if query == "" {
		return dst
	}
	var names, values []string
	index := map[string]int{}
	joined := map[int][]byte{} // only of names that occur more than once
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		i, seen := index[name]
		if !seen {
			index[name] = len(names)
			names, values = append(names, name), append(values, value)
			continue
		}
		if joined[i] == nil {
			joined[i] = []byte(values[i])
		}
		joined[i] = append(append(joined[i], ','), value...)
	}
	if len(names) == 0 {
		return dst
	}
	dst = append(dst, `,"queryStringParameters":{`...)
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, name)
		dst = append(dst, ':')
		if all := joined[i]; all != nil {
			dst = appendString(dst, all)
		} else {
			dst = appendString(dst, values[i])
		}
	}
	return append(dst, '}')
}

// unescape decodes a part of a query; what is no valid encoding stays as it is.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// appendContext appends the requestContext.
func appendContext(dst []byte, r *http.Request, path string, meta *requestMeta) []byte {
	prefix, _, _ := strings.Cut(r.Host, ".")
	dst = append(dst, `,"requestContext":{"accountId":"anonymous","apiId":`...)
	dst = appendString(dst, prefix)
	dst = append(dst, `,"domainName":`...)
	dst = appendString(dst, r.Host)
	dst = append(dst, `,"domainPrefix":`...)
	dst = appendString(dst, prefix)
	dst = append(dst, `,"http":{"method":`...)
	dst = appendString(dst, r.Method)
	dst = append(dst, `,"path":`...)
	dst = appendString(dst, path)
	dst = append(dst, `,"protocol":`...)
	dst = appendString(dst, r.Proto)
	dst = append(dst, `,"sourceIp":`...)
	dst = appendString(dst, meta.sourceIP)
	if agent := r.Header["User-Agent"]; len(agent) > 0 {
		dst = append(dst, `,"userAgent":`...)
		dst = appendString(dst, agent[0])
	}
	dst = append(dst, `},"requestId":`...)
	dst = appendString(dst, meta.requestID)
	dst = append(dst, `,"routeKey":"$default","stage":"$default","time":"`...)
	dst = meta.now.UTC().AppendFormat(dst, "02/Jan/2006:15:04:05 -0700")
	dst = append(dst, `","timeEpoch":`...)
	dst = strconv.AppendInt(dst, meta.now.UnixMilli(), 10)
	return append(dst, '}')
}

// isText tells whether the body of a request is handed on as text if it is valid UTF-8. All other bodies are base64.
func isText(h http.Header) bool {
	if len(h["Content-Encoding"]) > 0 {
		return false
	}
	kind := strings.ToLower(h.Get("Content-Type"))
	for _, word := range []string{"text/", "json", "xml", "javascript"} {
		if strings.Contains(kind, word) {
			return true
		}
	}
	return false
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
