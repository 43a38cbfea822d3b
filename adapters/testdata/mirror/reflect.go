package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
)

// reflection is what a handler sees of a request.
type reflection struct {
	Method        string      `json:"method"`
	Path          string      `json:"path"`
	RawPath       string      `json:"raw_path"`
	EscapedPath   string      `json:"escaped_path"`
	RawQuery      string      `json:"raw_query"`
	ForceQuery    bool        `json:"force_query"`
	URLHost       string      `json:"url_host"`
	RequestURI    string      `json:"request_uri"`
	Host          string      `json:"host"`
	Proto         string      `json:"proto"`
	Scheme        string      `json:"scheme"`
	RealIP        string      `json:"real_ip"`
	RemoteAddr    string      `json:"remote_addr"`
	RemoteIsPair  bool        `json:"remote_is_pair"`
	ContentLength int64       `json:"content_length"`
	Transfer      []string    `json:"transfer_encoding"`
	Close         bool        `json:"close"`
	Query         []string    `json:"query"`
	Cookies       []string    `json:"cookies"`
	Headers       http.Header `json:"headers"`
	BodyLength    int         `json:"body_length"`
	BodySHA256    string      `json:"body_sha256"`
	BodyError     string      `json:"body_error"`
	Deadline      bool        `json:"deadline"`
	Route         string      `json:"route"`
	Param         string      `json:"param"`
}

// reflect answers with the request.
func reflect(c echo.Context) error {
	r := c.Request()
	v := reflection{
		Method: r.Method, Path: r.URL.Path, RawPath: r.URL.RawPath, EscapedPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		ForceQuery: r.URL.ForceQuery, URLHost: r.URL.Host, RequestURI: r.RequestURI, Host: r.Host, Proto: r.Proto, Scheme: c.Scheme(),
		RealIP: c.RealIP(), ContentLength: r.ContentLength, Transfer: r.TransferEncoding, Close: r.Close, Headers: r.Header,
		Route: c.Path(), Param: c.Param("*"),
	}
	// The port differs from one connection to the next.
	host, port, err := net.SplitHostPort(r.RemoteAddr)
	v.RemoteAddr = host
	if err != nil {
		v.RemoteAddr = r.RemoteAddr
	}
	_, err = strconv.ParseUint(port, 10, 16)
	v.RemoteIsPair = err == nil
	for name, values := range r.URL.Query() {
		for _, value := range values {
			v.Query = append(v.Query, name+"="+value)
		}
	}
	sortByName(v.Query)
	for _, cookie := range r.Cookies() {
		v.Cookies = append(v.Cookies, cookie.Name+"="+cookie.Value)
	}
	_, v.Deadline = r.Context().Deadline()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		v.BodyError = err.Error()
	}
	sum := sha256.Sum256(body)
	v.BodyLength, v.BodySHA256 = len(body), hex.EncodeToString(sum[:])
	answer, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, answer)
}
