package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// raw is a body that claims to be a stream with a head.
type raw struct{ io.Reader }

func (raw) ContentType() string { return "application/vnd.awslambda.http-integration-response" }

// MarshalJSON fails, which makes the runtime library send the reader as it is.
func (raw) MarshalJSON() ([]byte, error) { return nil, errors.New("not json") }

// stream answers with n bytes if there is an n, else with a first part, and an end once the test lets go.
func stream(e event) any {
	status, _ := strconv.Atoi(e.Query["status"])
	a := &events.LambdaFunctionURLStreamingResponse{
		StatusCode: status, Headers: map[string]string{"Content-Type": "text/plain", "X-Thing": "one", "Content-Length": "12"}, Cookies: []string{"a=1; Path=/", "b=2"},
	}
	if n, err := strconv.ParseInt(e.Query["n"], 10, 64); err == nil {
		a.Body = io.LimitReader(exes{}, n)
		return a
	}
	a.Body = io.MultiReader(strings.NewReader("first\n"), held(e.Query["url"]), ending(e.Query["end"]))
	return a
}

// held is an empty body that takes until the test answers.
type held string

func (h held) Read([]byte) (int, error) {
	if h == "" {
		return 0, io.EOF
	}
	resp, err := http.Get(string(h))
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return 0, io.EOF
}

// ending is the last part of a stream, which may be bad.
func ending(how string) io.Reader {
	if how == "" {
		return strings.NewReader("second\n")
	}
	return &bad{how: how}
}

type bad struct{ how string }

func (b *bad) Read([]byte) (int, error) {
	switch b.how {
	case "exit":
		os.Exit(3)
	case "panic":
		panic("out of ink")
	case "forever":
		time.Sleep(time.Hour)
	}
	return 0, errors.New("disk on fire")
}

type exes struct{}

func (exes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
