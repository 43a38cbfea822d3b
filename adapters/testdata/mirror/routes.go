package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// sortByName sorts name=value pairs; those of one name keep their order.
func sortByName(pairs []string) {
	slices.SortStableFunc(pairs, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return strings.Compare(a, b)
	})
}

func newApp() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = echo.ExtractIPDirect()

	e.Any("/reflect", reflect)
	e.Any("/reflect/*", reflect)
	e.GET("/only-get", func(c echo.Context) error { return c.String(http.StatusOK, "got") })
	e.HEAD("/only-get", func(c echo.Context) error { return c.String(http.StatusOK, "got") })
	statusRoutes(e.Group("/status"))
	bodyRoutes(e.Group("/body"))
	headerRoutes(e.Group("/headers"))
	streamRoutes(e.Group("/stream"))
	panicRoutes(e)
	middlewareRoutes(e)
	sessionRoutes(e.Group("/session"))
	e.Any("/ws", refuseWebSocket)
	return e
}

// statusRoutes are the ways to set, or not to set, a status.
func statusRoutes(g *echo.Group) {
	g.Any("/nothing", func(echo.Context) error { return nil })
	g.Any("/empty-write", func(c echo.Context) error { _, err := c.Response().Write(nil); return err })
	g.Any("/twice", func(c echo.Context) error {
		w := c.Response().Writer // Echo itself would refuse
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		_, err := io.WriteString(w, "first wins")
		return err
	})
	g.Any("/late", func(c echo.Context) error {
		w := c.Response().Writer
		_, err := io.WriteString(w, "200 by writing")
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "1")
		return err
	})
	g.Any("/early-hints", func(c echo.Context) error {
		w := c.Response().Writer
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.WriteHeader(http.StatusOK)
		_, err := io.WriteString(w, "after hints")
		return err
	})
	g.Any("/code/:code", func(c echo.Context) error {
		code, err := strconv.Atoi(c.Param("code"))
		if err != nil {
			return echo.ErrBadRequest
		}
		w := c.Response().Writer
		w.WriteHeader(code)
		if c.QueryParam("body") != "" {
			_, _ = io.WriteString(w, c.QueryParam("body")) // an error is what some statuses ask for
		}
		return nil
	})
	g.Any("/echo-error", func(echo.Context) error { return echo.NewHTTPError(http.StatusConflict, "conflicting") })
	g.Any("/plain-error", func(echo.Context) error { return errors.New("not shown") })
	g.Any("/no-content", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	g.Any("/redirect", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/reflect?a=b&c=%20d") })
	g.Any("/redirect-relative", func(c echo.Context) error {
		http.Redirect(c.Response(), c.Request(), "sibling", http.StatusSeeOther)
		return nil
	})
	g.Any("/http-error", func(c echo.Context) error { http.Error(c.Response(), "gone away", http.StatusGone); return nil })
}

var binary = func() []byte {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}()

func write(b []byte) echo.HandlerFunc {
	return func(c echo.Context) error { _, err := c.Response().Writer.Write(b); return err }
}

// bodyRoutes write bodies of many kinds.
func bodyRoutes(g *echo.Group) {
	g.Any("/text", write([]byte("plain text")))
	g.Any("/html", write([]byte("<!DOCTYPE html><title>x</title>")))
	g.Any("/json-untyped", write([]byte(`{"a":1}`)))
	g.Any("/png", write([]byte("\x89PNG\x0D\x0A\x1A\x0A rest")))
	g.Any("/gzip-untyped", write([]byte("\x1f\x8b\x08 rest")))
	g.Any("/binary", write(binary))
	g.Any("/latin1", write([]byte("caf\xe9")))
	g.Any("/utf8", write([]byte("世界 ✓ \u2028 <&>")))
	g.Any("/control", write([]byte("a\x00b\x01c\x7f\t\r\n")))
	g.Any("/json", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"a": 1, "b": []string{"<", "ü"}})
	})
	g.Any("/utf8-as-octets", func(c echo.Context) error {
		return c.Blob(http.StatusOK, echo.MIMEOctetStream, []byte("valid UTF-8"))
	})
	g.Any("/invalid-as-text", func(c echo.Context) error {
		return c.Blob(http.StatusOK, echo.MIMETextPlainCharsetUTF8, []byte("a\xff\xfeb"))
	})
	g.Any("/no-type", func(c echo.Context) error {
		c.Response().Header()["Content-Type"] = nil
		_, err := c.Response().Writer.Write([]byte("<html>"))
		return err
	})
	g.Any("/size/:n", func(c echo.Context) error {
		n, err := strconv.Atoi(c.Param("n"))
		if err != nil || n < 0 || n > 16<<20 {
			return echo.ErrBadRequest
		}
		_, err = c.Response().Writer.Write(bytes.Repeat([]byte("y"), n))
		return err
	})
	g.Any("/length-right", func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", "5")
		_, err := c.Response().Writer.Write([]byte("right"))
		return err
	})
	g.Any("/length-long", func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", "500")
		_, err := c.Response().Writer.Write([]byte("too short"))
		return err
	})
	g.Any("/length-short", func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", "3")
		_, _ = c.Response().Writer.Write([]byte("too long")) // an error: nothing of it is sent
		return nil
	})
	g.Any("/length-invalid", func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", "many")
		_, err := c.Response().Writer.Write([]byte("as if unset"))
		return err
	})
	g.Any("/file", func(c echo.Context) error {
		modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		h := c.Response().Header()
		h.Set("ETag", `"a,b"`)
		h.Set("Content-Disposition", `attachment; filename="data, all.bin"`)
		http.ServeContent(c.Response(), c.Request(), "data.bin", modified, bytes.NewReader(binary))
		return nil
	})
}

// headerRoutes set headers that hosts like to change.
func headerRoutes(g *echo.Group) {
	with := func(set func(h http.Header)) echo.HandlerFunc {
		return func(c echo.Context) error {
			set(c.Response().Header())
			return c.String(http.StatusOK, "headers")
		}
	}
	g.Any("/cookies", with(func(h http.Header) {
		h.Add("Set-Cookie", "a=1; Path=/; HttpOnly")
		h.Add("Set-Cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure")
		h.Add("Set-Cookie", "c=x,y")
	}))
	g.Any("/cookie", with(func(h http.Header) { h.Set("Set-Cookie", "one=1; Path=/") }))
	g.Any("/repeated", with(func(h http.Header) { h.Add("X-Many", "one"); h.Add("X-Many", "two"); h.Add("X-Many", "three, four") }))
	g.Any("/vary", with(func(h http.Header) { h.Add("Vary", "Origin"); h.Add("Vary", "Accept-Encoding") }))
	g.Any("/commas", with(func(h http.Header) {
		h.Set("X-Sig", "v1,abc")
		h.Set("ETag", `"a,b"`)
		h.Set("Link", `<a>; rel="x", <b>; rel="y"`)
	}))
	g.Any("/empty", with(func(h http.Header) { h.Set("X-Empty", "") }))
	g.Any("/case", with(func(h http.Header) { h["x-small"] = []string{"1"}; h["X-LOUD"] = []string{"2"} }))
	g.Any("/non-ascii", with(func(h http.Header) { h.Set("X-City", "Zürich") }))
	g.Any("/spaces", with(func(h http.Header) { h.Set("X-Spaces", "a  b\tc") }))
	g.Any("/newline", with(func(h http.Header) { h.Set("X-Line", "a\r\nX-Injected: b") }))
	g.Any("/auth", with(func(h http.Header) { h.Set("WWW-Authenticate", `Basic realm="a, b"`) }))
	g.Any("/auths", with(func(h http.Header) { h.Add("WWW-Authenticate", "Basic"); h.Add("WWW-Authenticate", "Bearer") }))
	g.Any("/server", with(func(h http.Header) { h.Set("Server", "mirror/1") }))
	g.Any("/date", with(func(h http.Header) { h.Set("Date", "Thu, 01 Jan 1970 00:00:00 GMT") }))
	g.Any("/connection", with(func(h http.Header) { h.Set("Connection", "close") }))
	g.Any("/keep-alive", with(func(h http.Header) { h.Set("Keep-Alive", "timeout=5") }))
	g.Any("/amzn", with(func(h http.Header) { h.Set("X-Amzn-Trace-Id", "mine"); h.Set("X-Amzn-Requestid", "mine") }))
	g.Any("/long", with(func(h http.Header) { h.Set("X-Long", strings.Repeat("z", 6000)) }))
	g.Any("/trailer", func(c echo.Context) error {
		c.Response().Header().Set("Trailer", "X-Sum")
		_, err := c.Response().Writer.Write([]byte("with trailer"))
		c.Response().Header().Set("X-Sum", "abc")
		return err
	})
	g.Any("/type-params", func(c echo.Context) error {
		return c.Blob(http.StatusOK, `text/csv; charset="utf-8"; header=present`, []byte("a,b\n"))
	})
}

// streamRoutes flush.
func streamRoutes(g *echo.Group) {
	g.Any("/sse", func(c echo.Context) error {
		w := c.Response()
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-cache")
		for i := range 3 {
			if _, err := io.WriteString(w, "data: "+strconv.Itoa(i)+"\n\n"); err != nil {
				return err
			}
			w.Flush()
		}
		return nil
	})
	g.Any("/flush-first", func(c echo.Context) error {
		c.Response().Flush()
		_, err := io.WriteString(c.Response(), "<html>after the flush")
		return err
	})
	g.Any("/flush-last", func(c echo.Context) error {
		_, err := io.WriteString(c.Response(), "before the flush")
		c.Response().Flush()
		return err
	})
	g.Any("/flush-only", func(c echo.Context) error { c.Response().Flush(); return nil })
	g.Any("/controller", func(c echo.Context) error {
		_, err := io.WriteString(c.Response(), "by controller")
		return errors.Join(err, http.NewResponseController(c.Response()).Flush())
	})
	g.Any("/many", func(c echo.Context) error {
		for i := range 300 {
			if _, err := io.WriteString(c.Response(), "line "+strconv.Itoa(i)+" of a long answer\n"); err != nil {
				return err
			}
		}
		return nil
	})
	g.Any("/hijack", func(c echo.Context) error {
		_, isHijacker := c.Response().Writer.(http.Hijacker)
		if isHijacker {
			return c.String(http.StatusOK, "a connection could be taken over")
		}
		return c.String(http.StatusOK, "there is no connection to take over")
	})
}

func panicRoutes(e *echo.Echo) {
	boom := func(echo.Context) error { panic("boom") }
	e.Any("/panic/recovered", boom, middleware.RecoverWithConfig(middleware.RecoverConfig{DisablePrintStack: true, DisableStackAll: true}))
	e.Any("/panic/raw", boom)
	e.Any("/panic/late", func(c echo.Context) error {
		_, _ = io.WriteString(c.Response(), "half")
		panic("boom after writing")
	})
	e.Any("/panic/flushed", func(c echo.Context) error {
		_, _ = io.WriteString(c.Response(), "half")
		c.Response().Flush()
		panic("boom after flushing")
	})
	e.Any("/panic/abort", func(echo.Context) error { panic(http.ErrAbortHandler) })
}

// middlewareRoutes are behind Echo's own middleware, as most apps are.
func middlewareRoutes(e *echo.Echo) {
	long := strings.Repeat("compress me, please. ", 200)
	zip := e.Group("/gzip", middleware.Gzip())
	zip.Any("/long", func(c echo.Context) error { return c.String(http.StatusOK, long) })
	zip.Any("/nothing", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	zip.Any("/flush", func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/plain")
		_, err := io.WriteString(c.Response(), long)
		c.Response().Flush()
		return err
	})
	e.Any("/decompress", reflect, middleware.Decompress())
	cors := e.Group("/cors", middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins: []string{"https://a.example", "https://b.example"}, AllowHeaders: []string{"X-One", "X-Two"}, AllowCredentials: true,
		ExposeHeaders: []string{"X-Three", "X-Four"}, MaxAge: 60,
	}))
	cors.Any("/data", func(c echo.Context) error { return c.String(http.StatusOK, "shared") })
	open := e.Group("/cors-open", middleware.CORS())
	open.Any("/data", func(c echo.Context) error { return c.String(http.StatusOK, "shared") })
	secure := e.Group("/secure", middleware.SecureWithConfig(middleware.SecureConfig{HSTSMaxAge: 60, XFrameOptions: "DENY"}))
	secure.Any("/data", func(c echo.Context) error { return c.String(http.StatusOK, "safe") })
	limited := e.Group("/limit", middleware.BodyLimit("1K"))
	limited.Any("/body", reflect)
	auth := e.Group("/auth", middleware.BasicAuth(func(user, password string, _ echo.Context) (bool, error) {
		return user == "ada" && password == "p:w", nil
	}))
	auth.Any("/data", func(c echo.Context) error { return c.String(http.StatusOK, "let in") })
	e.Any("/https-only", func(c echo.Context) error { return c.String(http.StatusOK, "safe") }, middleware.HTTPSRedirect())
	e.Any("/form", func(c echo.Context) error {
		form, err := c.FormParams()
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, err.Error())
		}
		return c.JSON(http.StatusOK, form)
	})
	e.Any("/upload", func(c echo.Context) error {
		file, err := c.FormFile("file")
		if err != nil {
			return echo.NewHTTPError(http.StatusBadRequest, err.Error())
		}
		f, err := file.Open()
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		data, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		return c.JSON(http.StatusOK, map[string]any{"name": file.Filename, "size": file.Size, "sha256": hex.EncodeToString(sum[:])})
	})
}

// sessionRoutes keep a counter in a signed cookie, and tell it in another.
func sessionRoutes(g *echo.Group) {
	sign := func(s string) string {
		mac := hmac.New(sha256.New, []byte("not a secret"))
		mac.Write([]byte(s))
		return hex.EncodeToString(mac.Sum(nil))[:32]
	}
	g.Any("/count", func(c echo.Context) error {
		count := 0
		if cookie, err := c.Cookie("session"); err == nil {
			n, mac, _ := strings.Cut(cookie.Value, ".")
			if hmac.Equal([]byte(sign(n)), []byte(mac)) {
				count, _ = strconv.Atoi(n) // signed by us
			}
		}
		count++
		value := strconv.Itoa(count)
		c.SetCookie(&http.Cookie{Name: "session", Value: value + "." + sign(value), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // there is no TLS in the tests
		c.SetCookie(&http.Cookie{Name: "seen", Value: value, Path: "/"})                                                                        //nolint:gosec // likewise
		return c.String(http.StatusOK, value)
	})
}

// refuseWebSocket is what an app does that has clients which try WebSockets first.
func refuseWebSocket(c echo.Context) error {
	c.Response().Header().Set("Connection", "Upgrade")
	c.Response().Header().Set("Upgrade", "HTTP/2.0")
	return c.String(http.StatusUpgradeRequired, "no WebSockets here")
}
