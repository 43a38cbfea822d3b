package httpevent_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// usersApp is an app as anybody may have it: sessions by cookie, CORS, gzip, downloads, server-sent events, and a
// WebSocket endpoint that only answers clients that can upgrade.
func usersApp(t *testing.T) *echo.Echo {
	t.Helper()
	file := filepath.Join(t.TempDir(), "data.bin")
	if err := os.WriteFile(file, binaryBody(50_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Unix(1e9, 0), time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins: []string{"https://a.example.com"}, AllowHeaders: []string{"X-One", "X-Two"}, AllowCredentials: true,
	}))
	e.Use(middleware.GzipWithConfig(middleware.GzipConfig{
		Skipper: func(c echo.Context) bool { return c.Path() != "/page" },
	}))
	e.GET("/page", func(c echo.Context) error { return c.HTML(http.StatusOK, strings.Repeat("<p>caf\u00e9</p>", 500)) })
	e.GET("/login", func(c echo.Context) error {
		c.SetCookie(&http.Cookie{Name: "session", Value: "1", Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
		c.SetCookie(&http.Cookie{Name: "theme", Value: "dark", Expires: time.Unix(1e9, 0), HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
		return c.Redirect(http.StatusSeeOther, "/count?from=login&x=a%20b")
	})
	e.GET("/count", func(c echo.Context) error {
		cookie, err := c.Cookie("session")
		if err != nil {
			return echo.ErrUnauthorized
		}
		n, err := strconv.Atoi(cookie.Value)
		if err != nil {
			return echo.ErrBadRequest
		}
		return c.JSON(http.StatusOK, map[string]any{"n": n + 1, "query": c.QueryString(), "host": c.Request().Host})
	})
	e.GET("/file", func(c echo.Context) error { return c.Attachment(file, "data.bin") })
	e.GET("/items/:id", func(c echo.Context) error { return c.String(http.StatusOK, c.Param("id")) })
	e.GET("/events", func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			report(c.Response(), "data:", i)
			c.Response().Flush()
		}
		return nil
	})
	e.GET("/ws", func(c echo.Context) error {
		if !strings.EqualFold(c.Request().Header.Get("Upgrade"), "websocket") {
			c.Response().Header().Set("Upgrade", "websocket")
			return c.String(http.StatusUpgradeRequired, "use a WebSocket")
		}
		return c.NoContent(http.StatusSwitchingProtocols)
	})
	e.POST("/form", func(c echo.Context) error { return c.String(http.StatusCreated, c.FormValue("name")) })
	return e
}

func TestUsersAppIsTheSame(t *testing.T) {
	e := usersApp(t)
	srv := httptest.NewServer(e)
	defer srv.Close()
	etag := []string{"If-Modified-Since", time.Unix(1e9, 0).UTC().Format(http.TimeFormat)}
	for name, r := range map[string]request{
		"gzip":             get("/page", "Accept-Encoding", "br, gzip;q=0.9"),
		"no gzip":          get("/page"),
		"head":             {method: "HEAD", target: "/items/x"},
		"login":            get("/login"),
		"session":          get("/count?b=2&a=1", "Cookie", "theme=dark; session=41"),
		"no session":       get("/count"),
		"bad session":      get("/count", "Cookie", "session=x"),
		"download":         get("/file"),
		"range":            get("/file", "Range", "bytes=100-199"),
		"bad range":        get("/file", "Range", "bytes=999999-"),
		"not modified":     get("/file", etag...),
		"preflight":        {method: "OPTIONS", target: "/page", header: []string{"Origin", "https://a.example.com", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-one, x-two"}},
		"cors":             get("/items/1", "Origin", "https://a.example.com"),
		"foreign origin":   get("/items/1", "Origin", "https://b.example.com"),
		"events":           get("/events"),
		"no WebSocket":     get("/ws"),
		"encoded item":     get("/items/a%20b%25"),
		"form":             {"POST", "/form", []string{"Content-Type", "application/x-www-form-urlencoded"}, "name=caf%C3%A9+x"},
		"not found":        get("/nowhere"),
		"wrong method":     {method: "DELETE", target: "/page"},
		"body not allowed": {"POST", "/page", []string{"Content-Type", "application/json"}, `{"a":"b"}`},
	} {
		t.Run(name, func(t *testing.T) {
			want := send(t, srv, r)
			for _, d := range allDoors() {
				t.Run(string(d), func(t *testing.T) { same(t, want, d.mustInvoke(t, e, r)) })
			}
		})
	}
}
