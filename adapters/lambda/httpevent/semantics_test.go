package httpevent_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

func get(target string, header ...string) request {
	return request{method: "GET", target: target, header: header}
}

func same(t *testing.T, want, got answer) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("net/http and event differ (-net/http +event):\n%s", diff)
	}
}

// report writes what a handler saw of its writer, so that it is compared too.
func report(w io.Writer, what ...any) { _, _ = fmt.Fprintln(w, what...) }

type semantics struct {
	name    string
	r       request
	handler http.HandlerFunc
}

func answers() []semantics {
	text := func(n int) []byte { return bytes.Repeat([]byte("abcdefgh\n"), n/9+1)[:n] }
	h := func(f func(w http.ResponseWriter)) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { f(w) }
	}
	write := func(b []byte) http.HandlerFunc { return h(func(w http.ResponseWriter) { _, _ = w.Write(b) }) }
	return []semantics{
		{"nothing written", get("/"), h(func(http.ResponseWriter) {})},
		{"status only", get("/"), h(func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) })},
		{"first status wins", get("/"), h(func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusNotFound)
			w.WriteHeader(http.StatusOK)
			report(w, "x")
		})},
		{"status after body", get("/"), h(func(w http.ResponseWriter) { report(w, "x"); w.WriteHeader(http.StatusInternalServerError) })},
		{"empty write", get("/"), h(func(w http.ResponseWriter) { _, _ = w.Write(nil); w.WriteHeader(http.StatusInternalServerError) })},
		{"header after status", get("/"), h(func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK); w.Header().Set("X-Late", "1") })},
		{"header changed after status", get("/"), h(func(w http.ResponseWriter) {
			w.Header()["X-A"] = []string{"before"}
			w.WriteHeader(http.StatusOK)
			w.Header()["X-A"][0] = "after"
		})},
		{"HEAD with body", request{method: "HEAD", target: "/"}, write(text(100))},
		{"HEAD with large body", request{method: "HEAD", target: "/"}, write(text(5000))},
		{"HEAD with nothing", request{method: "HEAD", target: "/"}, h(func(http.ResponseWriter) {})},
		{"HEAD with length", request{method: "HEAD", target: "/"}, h(func(w http.ResponseWriter) { w.Header().Set("Content-Length", "77") })},
		{"204 refuses a body", get("/"), h(func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "2")
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("no")); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		})},
		{"304 has no type", get("/"), h(func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Etag", `"a,b"`)
			w.WriteHeader(http.StatusNotModified)
		})},
		{"sniff html", get("/"), write([]byte("<!DOCTYPE HTML><html></html>"))},
		{"sniff png", get("/"), write([]byte("\x89PNG\x0D\x0A\x1A\x0A\x00\xff"))},
		{"sniff over small writes", get("/"), h(func(w http.ResponseWriter) {
			for _, c := range []byte("<html><body>") {
				_, _ = w.Write([]byte{c})
			}
		})},
		{"sniff stops at flush", get("/"), h(func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("<ht"))
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte("ml>"))
		})},
		{"flush before body", get("/"), h(func(w http.ResponseWriter) { w.(http.Flusher).Flush(); report(w, "<html>") })},
		{"sniff not with encoding", get("/"), h(func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "x"); report(w, "<html>") })},
		{"sniff not with nil type", get("/"), h(func(w http.ResponseWriter) { w.Header()["Content-Type"] = nil; report(w, "<html>") })},
		{"sniff not with transfer encoding", get("/"), h(func(w http.ResponseWriter) { w.Header().Set("Transfer-Encoding", "chunked"); report(w, "a") })},
		{"length of 2048 bytes", get("/"), write(text(2048))},
		{"no length of 2049 bytes", get("/"), write(text(2049))},
		{"no length after flush", get("/"), h(func(w http.ResponseWriter) { report(w, "x"); _ = http.NewResponseController(w).Flush() })},
		{"declared length", get("/"), h(func(w http.ResponseWriter) { w.Header().Set("Content-Length", "3000"); _, _ = w.Write(text(3000)) })},
		{"body longer than declared", get("/"), h(func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "3")
			_, _ = w.Write([]byte("abc"))
			if _, err := w.Write([]byte("def")); !errors.Is(err, http.ErrContentLength) {
				panic(err)
			}
		})},
		{"invalid length", get("/"), h(func(w http.ResponseWriter) { w.Header().Set("Content-Length", "x"); _, _ = w.Write(text(3000)) })},
		{"trailers", get("/"), h(func(w http.ResponseWriter) {
			w.Header().Set(http.TrailerPrefix+"X-T", "1")
			report(w, "x")
		})},
		{"repeated header", get("/"), h(func(w http.ResponseWriter) {
			w.Header().Add("Vary", "A")
			w.Header().Add("Vary", "B")
			w.Header().Set("X-Sig", "v1,abc")
		})},
		{"invalid header", get("/"), h(func(w http.ResponseWriter) {
			w.Header()["Bad Name"] = []string{"x"}
			w.Header()["X-Lines"] = []string{" a\r\nSet-Cookie: x=y\n"}
			w.Header()["X-None"] = nil
		})},
		{"cookies", get("/"), h(func(w http.ResponseWriter) {
			for _, name := range []string{"a", "b", "c"} {
				http.SetCookie(w, &http.Cookie{Name: name, Value: "1", Expires: time.Unix(1e9, 0), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
			}
		})},
		{"deadlines are optional", get("/"), h(func(w http.ResponseWriter) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
				panic(err)
			}
		})},
		{"large text", get("/"), write(bytes.Repeat([]byte("\"quoted\" \\ \u00e9\u4e16\U0001f600 \x01\t\r\n\x7f"), 20000))},
		{"large binary", get("/"), write(binaryBody(300_001))},
		{"runes split between writes", get("/"), h(func(w http.ResponseWriter) {
			for _, c := range []byte(strings.Repeat("a\u00e9\u4e16\U0001f600", 1000)) {
				_, _ = w.Write([]byte{c})
			}
		})},
		{"binary late", get("/"), h(func(w http.ResponseWriter) {
			_, _ = w.Write(text(200_000))
			_, _ = w.Write([]byte("\xff\"x"))
			_, _ = w.Write(text(200_000))
		})},
		{"rune cut off at the end", get("/"), h(func(w http.ResponseWriter) { report(w, "ab\n"); _, _ = w.Write([]byte("c\xe4\xb8")) })},
		{"broken rune between writes", get("/"), h(func(w http.ResponseWriter) { _, _ = w.Write([]byte("a\xe4")); _, _ = w.Write([]byte("bc")) })},
		{"unknown status", get("/"), h(func(w http.ResponseWriter) { w.WriteHeader(599) })},
		{"read from", get("/"), h(func(w http.ResponseWriter) { _, _ = io.Copy(w, bytes.NewReader(text(100_000))) })},
		{"write string", get("/"), h(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "text") })},
		{"body read after an answer", request{method: "POST", target: "/", body: "abc"}, func(w http.ResponseWriter, r *http.Request) {
			report(w, "early")
			b, err := io.ReadAll(r.Body)
			report(w, string(b), err)
		}},
	}
}

// Behind each front door the same handler gives the answer that it gives under net/http.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	for _, tt := range answers() {
		t.Run(tt.name, func(t *testing.T) {
			want := overHTTP(t, tt.handler, tt.r)
			for _, d := range allDoors() {
				t.Run(string(d), func(t *testing.T) { same(t, want, d.mustInvoke(t, tt.handler, tt.r)) })
			}
		})
	}
}

// show answers with what it sees of a request.
func show(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	report(w, r.Method, "path", r.URL.Path, "raw", r.URL.RawPath, "escaped", r.URL.EscapedPath(), "host", r.Host, r.URL.Host, r.URL.Scheme)
	report(w, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Header["Host"] == nil, r.ContentLength, len(body), err)
	for _, name := range []string{"X-Sig", "If-None-Match", "Cookie", "Content-Type", "Cache-Control", "X-Empty", "X-Odd", "Content-Length"} {
		report(w, name, r.Header[name])
	}
	for _, c := range r.Cookies() {
		report(w, c.Name, c.Value)
	}
	if err := r.ParseForm(); err == nil {
		report(w, r.Form)
	}
	_, _ = w.Write(body)
}

// Behind each front door the handler sees the request that it sees under net/http.
func TestRequestsAreThoseOfNetHTTP(t *testing.T) {
	without := func(doors ...door) []door { return doors }
	for _, tt := range []struct {
		name  string
		r     request
		lossy []door // those that have changed the request before
	}{
		{"plain", get("/a/b"), nil},
		{"root", get("/"), nil},
		{"space", get("/a%20b/c+d"), nil},
		{"percent", get("/item/100%25"), nil},
		{"encoded slash", get("/a%2Fb/c"), without(httpAPI)},
		{"encoded question mark", get("/a%3Fb%23c"), nil},
		{"encoded letters", get("/%41%2e"), without(httpAPI)},
		{"not ASCII", get("/caf%C3%A9/%E4%B8%96"), nil},
		{"sub-delimiters", get("/a;b=c,d@e:f!$&'()*"), nil},
		{"two slashes", get("//a//b"), nil},
		{"query", get("/?a=1&b=two%20words&a=3&c=%26%3D%2B"), without(albSingle)},
		{"query without values", get("/?flag&x="), nil},
		{"query with plus", get("/?q=a+b%2Bc"), nil},
		{"query as sent", get("/?z=1&y=2&x=3&w=4&v=5&u=6&t=7&s=8&r=9"), nil},
		{"header with commas", get("/", "X-Sig", "v1,abc", "If-None-Match", `"a,b", "c"`), nil},
		{"header case and blanks", get("/", "x-oDD", "  b  ", "X-EMPTY", ""), nil},
		{"pragma", get("/", "Pragma", "no-cache"), nil},
		{"cookies", get("/", "Cookie", `a=1; b="2 3"; c=x,y`), nil},
		{"body", request{"POST", "/", []string{"Content-Type", "application/json"}, `{"a":"\u00e9\n\\"}`}, nil},
		{"plain body", request{"PUT", "/", []string{"Content-Type", "text/plain"}, "abc"}, nil},
		{"binary body", request{"PATCH", "/", []string{"Content-Type", "image/png"}, "\x89PNG\xff\x00"}, nil},
		{"form", request{"POST", "/?a=2", []string{"Content-Type", "application/x-www-form-urlencoded"}, "a=1&b=%20+"}, nil},
		{"delete", request{"DELETE", "/x", nil, ""}, nil},
		{"own method", request{"PURGE", "/x", nil, ""}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := overHTTP(t, http.HandlerFunc(show), tt.r)
			for _, d := range allDoors() {
				t.Run(string(d), func(t *testing.T) {
					got := d.mustInvoke(t, http.HandlerFunc(show), tt.r)
					if !slices.Contains(tt.lossy, d) {
						same(t, want, got)
					} else if cmp.Equal(want, got) {
						t.Error("nothing is lost behind this door")
					}
				})
			}
		})
	}
}

// What net/http refuses before any handler sees it is refused in the same way.
func TestBadRequestsAreRefused(t *testing.T) {
	called := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	for _, target := range []string{"/item/100%", "/%zz"} {
		want := overHTTP(t, called, get(target))
		for _, d := range []door{functionURL, restAPI, albSingle, albMulti, streamed} {
			got := d.mustInvoke(t, called, get(target))
			delete(got.Header, "Content-Length") // net/http closes the connection instead
			same(t, want, got)
		}
	}
	for name, event := range map[string]string{
		"line break in a value":  `{"version":"2.0","rawPath":"/","headers":{"x":"a\nb"},"requestContext":{"http":{"method":"GET"}}}`,
		"NUL in a value":         `{"version":"2.0","rawPath":"/","headers":{"x":"a\u0000"},"requestContext":{"http":{"method":"GET"}}}`,
		"line break in a cookie": `{"version":"2.0","rawPath":"/","cookies":["a=b","c=\nd"],"requestContext":{"http":{"method":"GET"}}}`,
		"blank in a name":        `{"version":"2.0","rawPath":"/","headers":{"x y":"a"},"requestContext":{"http":{"method":"GET"}}}`,
		"empty name":             `{"version":"2.0","rawPath":"/","headers":{"":"a"},"requestContext":{"http":{"method":"GET"}}}`,
		"blank in the method":    `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"G T"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := invokeRaw(t, called, event); got.Status != 400 {
				t.Errorf("status %d; want 400", got.Status)
			}
		})
	}
}

// Echo's gzip answers whatever the order in which a client names it: the value of Accept-Encoding must be in one piece.
func TestGzipMiddleware(t *testing.T) {
	e := echo.New()
	e.Use(middleware.Gzip())
	text := strings.Repeat("compress me ", 1000)
	e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, text) })
	for _, accept := range []string{"br, gzip", "gzip, br", "identity"} {
		r := get("/", "Accept-Encoding", accept)
		want := overHTTP(t, e, r)
		for _, d := range allDoors() {
			got := d.mustInvoke(t, e, r)
			same(t, want, got)
			if strings.Contains(accept, "gzip") {
				zr, err := gzip.NewReader(strings.NewReader(got.Body))
				if err != nil {
					t.Fatal(err)
				}
				if plain, err := io.ReadAll(zr); err != nil || string(plain) != text {
					t.Errorf("%s: %d bytes, %v", d, len(plain), err)
				}
			}
		}
	}
}
