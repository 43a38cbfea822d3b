package httpevent_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/adapters/lambda/httpevent"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	echoadapter "github.com/awslabs/aws-lambda-go-api-proxy/echo"
	"github.com/labstack/echo/v4"
)

// benchApp answers like a small API: it reads all of a body and sends one of its own, or sends back what it gets.
func benchApp() *echo.Echo {
	e := echo.New()
	e.POST("/echo", func(c echo.Context) error {
		body := make([]byte, c.Request().ContentLength)
		if _, err := io.ReadFull(c.Request().Body, body); err != nil {
			return err
		}
		return c.Blob(http.StatusOK, c.Request().Header.Get("Content-Type"), body)
	})
	e.POST("/copy", func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", c.Request().Header.Get("Content-Type"))
		_, err := io.Copy(c.Response(), c.Request().Body)
		return err
	})
	e.POST("/upload", func(c echo.Context) error {
		n, err := io.Copy(io.Discard, c.Request().Body)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, strconv.FormatInt(n, 10))
	})
	return e
}

// benchEvent is the event of a POST as a Function URL sends it.
func benchEvent(tb testing.TB, path, contentType string, body []byte, binary bool) []byte {
	tb.Helper()
	text := string(body)
	if binary {
		text = base64.StdEncoding.EncodeToString(body)
	}
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "a=1&b=two%20words",
		"cookies": []string{"session=0123456789abcdef", "theme=dark"},
		"headers": map[string]string{
			"host": "abc123.lambda-url.us-east-1.on.aws", "content-type": contentType, "content-length": strconv.Itoa(len(body)),
			"accept": "*/*", "accept-encoding": "gzip, deflate, br", "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
			"x-amzn-trace-id": "Root=1-5e9f0c65-1de4d666d4dd26aced652b6c", "x-amzn-tls-version": "TLSv1.3",
			"x-forwarded-for": "203.0.113.7", "x-forwarded-port": "443", "x-forwarded-proto": "https",
		},
		"queryStringParameters": map[string]string{"a": "1", "b": "two words"},
		"requestContext": map[string]any{
			"accountId": "anonymous", "apiId": "abc123", "domainName": "abc123.lambda-url.us-east-1.on.aws", "domainPrefix": "abc123",
			"http":      map[string]any{"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "Mozilla/5.0"},
			"requestId": "id", "routeKey": "$default", "stage": "$default", "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1583348638390,
		},
		"body": text, "isBase64Encoded": binary,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return event
}

func jsonBody(size int) []byte {
	const item = `{"id":1234567,"name":"a name of something","tags":["x","y"],"price":12.5},`
	n := size/len(item) + 1
	return []byte("[" + strings.Repeat(item, n)[:n*len(item)-1] + "]")
}

func textBody(size int) []byte {
	return bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog, again and again. "), size/60+1)[:size]
}

func binaryBody(size int) []byte {
	b := make([]byte, size)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

type workload struct {
	name  string
	event []byte
	size  int
}

func workloads(tb testing.TB) []workload {
	tb.Helper()
	const kb, mb = 1 << 10, 1 << 20
	post := func(name, path, contentType string, body []byte, binary bool) workload {
		return workload{name, benchEvent(tb, path, contentType, body, binary), len(body)}
	}
	return []workload{
		post("1KB/json", "/echo", "application/json", jsonBody(kb), false),
		post("1KB/text", "/echo", "text/plain", textBody(kb), false),
		post("5MB/text", "/copy", "text/plain", textBody(5*mb), false),
		post("5MB/json-upload", "/upload", "application/json", jsonBody(5*mb), false),
		post("5MB/binary-upload", "/upload", "application/octet-stream", binaryBody(9*mb/2), true),
		post("4MB/binary", "/copy", "application/octet-stream", binaryBody(4*mb), true),
		post("4MB/json", "/copy", "application/json", jsonBody(4*mb), false),
	}
}

func benchContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "id"}), cancel
}

func adapters() (ours, stock lambda.Handler) {
	e := benchApp()
	return httpevent.New(e, httpevent.WithLogger(slog.New(slog.DiscardHandler))), lambda.NewHandler(echoadapter.NewV2(e).ProxyWithContext)
}

// cost runs a handler n times and returns what one time takes.
func cost(tb testing.TB, h lambda.Handler, event []byte, n int) (elapsed time.Duration, allocs, size float64) {
	tb.Helper()
	ctx, cancel := benchContext()
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range n {
		if _, err := h.Invoke(ctx, event); err != nil {
			tb.Fatal(err)
		}
	}
	elapsed = time.Since(start)
	runtime.ReadMemStats(&after)
	count := float64(n)
	return elapsed, float64(after.Mallocs-before.Mallocs) / count, float64(after.TotalAlloc-before.TotalAlloc) / count
}

// BenchmarkInvoke runs the adapter and the stock one in turns, JSON in to JSON out, with the same app. The metrics *-ratio
// are ours to the stock adapter's.
func BenchmarkInvoke(b *testing.B) {
	for _, w := range workloads(b) {
		b.Run(w.name, func(b *testing.B) {
			ours, stock := adapters()
			batch := max(1, 1<<20/len(w.event)/8)
			var took, stockTook time.Duration
			var allocs, stockAllocs, size, stockSize float64
			rounds := 0
			cost(b, ours, w.event, 1)
			cost(b, stock, w.event, 1)
			for n := 0; n < b.N; n += batch {
				rounds++
				e, a, s := cost(b, ours, w.event, batch)
				took, allocs, size = took+e, allocs+a, size+s
				e, a, s = cost(b, stock, w.event, batch)
				stockTook, stockAllocs, stockSize = stockTook+e, stockAllocs+a, stockSize+s
			}
			each := float64(rounds)
			b.ReportMetric(float64(took)/each/float64(batch), "ours-ns")
			b.ReportMetric(float64(took)/float64(stockTook), "time-ratio")
			b.ReportMetric(allocs/each, "ours-allocs")
			b.ReportMetric(allocs/stockAllocs, "allocs-ratio")
			b.ReportMetric(size/stockSize, "bytes-ratio")
			b.ReportMetric(size/each/float64(w.size), "body-sizes")
			b.ReportMetric(stockSize/each/float64(w.size), "stock-body-sizes")
		})
	}
}
