package emulator

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// account is the one that functions, APIs and load balancers seem to belong to.
const account = "000000000000"

// eventTime is the format of times in events.
const eventTime = "02/Jan/2006:15:04:05 -0700"

// requestMeta is what an event tells that is not in the request itself.
type requestMeta struct {
	requestID string
	traceID   string
	sourceIP  string
	port      string // of the front door
	now       time.Time
	routeKey  string  // "" for $default
	params    []field // of the path
}

// field is a header or a query parameter with all its values, at least one.
type field struct {
	name   string
	values []string
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

// decodePath decodes a path; what is no valid encoding stays as it is.
func decodePath(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		return decoded
	}
	b := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if n, err := strconv.ParseUint(path[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, path[i])
	}
	return string(b)
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

// headerFields are the headers that a function gets: the client's but for those of its connection, Host, a length if there
// is a body of unknown one, and what the front door adds. Names are as name makes them of the canonical form.
func headerFields(r *http.Request, body []byte, meta *requestMeta, name func(string) string) []field {
	fields := make([]field, 0, len(r.Header)+6)
	fields = append(fields, field{name("Host"), []string{r.Host}})
	dropped := r.Header["Connection"]
	for key, values := range r.Header {
		if !ownHeader(key) && !hopByHop(key) && (len(dropped) == 0 || !listed(dropped, key)) {
			fields = append(fields, field{name(key), values})
		}
	}
	if len(r.TransferEncoding) > 0 && len(body) > 0 {
		fields = append(fields, field{name("Content-Length"), []string{strconv.Itoa(len(body))}})
	}
	return append(fields, field{name("X-Amzn-Trace-Id"), []string{meta.traceID}}, field{name("X-Forwarded-For"), []string{forwardedFor(r, meta)}},
		field{name("X-Forwarded-Port"), []string{meta.port}}, field{name("X-Forwarded-Proto"), []string{"http"}})
}

// forwardedFor is X-Forwarded-For with the address of the client added.
func forwardedFor(r *http.Request, meta *requestMeta) string {
	if before := r.Header["X-Forwarded-For"]; len(before) > 0 {
		return strings.Join(before, ", ") + ", " + meta.sourceIP
	}
	return meta.sourceIP
}

// queryFields splits a query into its parameters, in the order in which each occurs first. Names and values are as decode makes
// them, pairs end at any of separators.
func queryFields(query, separators string, decode func(string) string) []field {
	if query == "" {
		return nil
	}
	var fields []field
	index := map[string]int{}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		name, value, _ := strings.Cut(pair, "=")
		name, value = decode(name), decode(value)
		i, seen := index[name]
		if !seen {
			i = len(fields)
			index[name] = i
			fields = append(fields, field{name: name})
		}
		fields[i].values = append(fields[i].values, value)
	}
	return fields
}

// unescape decodes a part of a query; what is no valid encoding stays as it is.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// isTextURL tells whether a Function URL hands the body of a request on as text. All other bodies are base64.
func isTextURL(h http.Header) bool {
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

// isTextType tells whether a load balancer and an HTTP API hand the body of a request on as text. For the first it is in the
// guide to Application Load Balancers ("Use Lambda functions as targets"), for the second it was tried out on AWS
// (ministackorg/ministack #766).
func isTextType(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || len(h["Content-Encoding"]) > 0 {
		return false
	}
	switch kind {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// appendBody appends body as a JSON string, as it is if it is text and valid UTF-8, else in base64, and tells which.
func appendBody(dst, body []byte, text bool) (all []byte, isBase64 bool) {
	if text && utf8.Valid(body) {
		return appendString(dst, body), false
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, body)
	return append(dst, '"'), true
}
