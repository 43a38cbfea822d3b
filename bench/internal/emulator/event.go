package emulator

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// format2 is what front doors that share the payload format 2.0 do differently.
type format2 struct {
	rawPath, path, query string
	account, stage       string
	cookieHeader         bool // cookies are in the headers too
	lengthHeader         bool // a request without a body has a content-length
	isText               bool // the body is text if it is valid UTF-8
}

// appendEvent2 appends an event of the payload format 2.0. It writes the JSON itself, since this happens for each request and
// the shape is fixed.
//
// Where AWS's own behaviour is not documented it follows what captures of real events show: a request without body has no
// body field, a form is binary. domainName is the request's Host as it came, with its port, and domainPrefix what is before
// the first dot.
func appendEvent2(dst []byte, r *http.Request, body []byte, meta *requestMeta, v *format2) []byte {
	dst = append(dst, `{"version":"2.0","routeKey":`...)
	dst = appendRouteKey(dst, meta)
	dst = append(dst, `,"rawPath":`...)
	dst = appendString(dst, v.rawPath)
	dst = append(dst, `,"rawQueryString":`...)
	dst = appendString(dst, v.query)
	dst = appendCookies(dst, r.Header["Cookie"])
	dst = appendHeaders(dst, r, body, meta, v)
	dst = appendJoined(dst, queryFields(v.query, "&", unescape))
	if len(meta.params) > 0 {
		dst = append(dst, `,"pathParameters":`...)
		dst = appendLast(dst, meta.params)
	}
	dst = appendContext(dst, r, meta, v)
	if len(body) == 0 {
		return append(dst, `,"isBase64Encoded":false}`...)
	}
	dst = append(dst, `,"body":`...)
	dst, isBase64 := appendBody(dst, body, v.isText)
	dst = append(dst, `,"isBase64Encoded":`...)
	dst = strconv.AppendBool(dst, isBase64)
	return append(dst, '}')
}

// appendRouteKey appends the route that was taken.
func appendRouteKey(dst []byte, meta *requestMeta) []byte {
	if meta.routeKey == "" {
		return append(dst, `"$default"`...)
	}
	return appendString(dst, meta.routeKey)
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
func appendHeaders(dst []byte, r *http.Request, body []byte, meta *requestMeta, v *format2) []byte {
	dst = append(dst, `,"headers":{"host":`...)
	dst = appendString(dst, r.Host)
	dropped := r.Header["Connection"]
	for name, values := range r.Header {
		if name == "Cookie" && !v.cookieHeader || ownHeader(name) || hopByHop(name) || len(dropped) > 0 && listed(dropped, name) {
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
	if len(r.TransferEncoding) > 0 && len(body) > 0 || v.lengthHeader && len(body) == 0 && r.Header["Content-Length"] == nil {
		dst = append(dst, `,"content-length":"`...)
		dst = strconv.AppendInt(dst, int64(len(body)), 10)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"x-amzn-trace-id":`...)
	dst = appendString(dst, meta.traceID)
	dst = append(dst, `,"x-forwarded-for":`...)
	dst = appendString(dst, forwardedFor(r, meta))
	dst = append(dst, `,"x-forwarded-port":`...)
	dst = appendString(dst, meta.port)
	return append(dst, `,"x-forwarded-proto":"http"}`...)
}

// appendJoined appends the query parameters, those of the same name joined by commas.
func appendJoined(dst []byte, fields []field) []byte {
	if len(fields) == 0 {
		return dst
	}
	dst = append(dst, `,"queryStringParameters":{`...)
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, f.name)
		dst = append(dst, ':')
		dst = appendString(dst, strings.Join(f.values, ","))
	}
	return append(dst, '}')
}

// appendContext appends the requestContext.
func appendContext(dst []byte, r *http.Request, meta *requestMeta, v *format2) []byte {
	prefix, _, _ := strings.Cut(r.Host, ".")
	dst = append(dst, `,"requestContext":{"accountId":"`...)
	dst = append(dst, v.account...)
	dst = append(dst, `","apiId":`...)
	dst = appendString(dst, prefix)
	dst = append(dst, `,"domainName":`...)
	dst = appendString(dst, r.Host)
	dst = append(dst, `,"domainPrefix":`...)
	dst = appendString(dst, prefix)
	dst = append(dst, `,"http":{"method":`...)
	dst = appendString(dst, r.Method)
	dst = append(dst, `,"path":`...)
	dst = appendString(dst, v.path)
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
	dst = append(dst, `,"routeKey":`...)
	dst = appendRouteKey(dst, meta)
	dst = append(dst, `,"stage":"`...)
	dst = append(dst, v.stage...)
	dst = append(dst, `","time":"`...)
	dst = meta.now.UTC().AppendFormat(dst, eventTime)
	dst = append(dst, `","timeEpoch":`...)
	dst = strconv.AppendInt(dst, meta.now.UnixMilli(), 10)
	return append(dst, '}')
}
