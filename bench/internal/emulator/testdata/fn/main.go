// Command fn is a Lambda function for tests, on the official runtime library. The path of a request says what it does.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// event has the fields of all formats; normalise makes those of 2.0 of the others.
type event struct {
	Version      string              `json:"version"`
	RawPath      string              `json:"rawPath"`
	Path         string              `json:"path"`
	Query        map[string]string   `json:"queryStringParameters"`
	MultiQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	Headers      map[string]string   `json:"headers"`
	MultiHeaders map[string][]string `json:"multiValueHeaders"`
	Body         string              `json:"body"`
	Base64       bool                `json:"isBase64Encoded"`
	Context      struct {
		ELB *struct{} `json:"elb"`
	} `json:"requestContext"`
}

func (e *event) normalise() {
	if e.Version == "2.0" {
		return
	}
	e.RawPath = e.Path
	if e.Query == nil {
		e.Query = map[string]string{}
	}
	for name, values := range e.MultiQuery {
		e.Query[name] = values[len(values)-1]
	}
	if e.Context.ELB != nil {
		for name, value := range e.Query {
			e.Query[name], _ = url.QueryUnescape(value)
		}
	}
	headers := map[string]string{}
	for name, value := range e.Headers {
		headers[strings.ToLower(name)] = value
	}
	for name, values := range e.MultiHeaders {
		headers[strings.ToLower(name)] = values[len(values)-1]
	}
	e.Headers = headers
}

type answer struct {
	StatusCode   int                 `json:"statusCode"`
	Headers      map[string]string   `json:"headers,omitempty"`
	MultiHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Cookies      []string            `json:"cookies,omitempty"`
	Body         string              `json:"body"`
	Base64       bool                `json:"isBase64Encoded"`
}

// multi fills in the headers with many values that formats without cookies have.
func (a answer) multi() answer {
	if a.MultiHeaders != nil {
		return a
	}
	a.MultiHeaders = map[string][]string{}
	for name, value := range a.Headers {
		a.MultiHeaders[name] = []string{value}
	}
	if a.Cookies != nil {
		a.MultiHeaders["Set-Cookie"], a.Cookies = a.Cookies, nil
	}
	return a
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "allocate" { // a child of /child
		n, _ := strconv.Atoi(os.Args[2])
		allocate(n)
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "spin" {
		panic(count(os.Args[2]))
	}
	if file := os.Getenv("ON_TERM"); file != "" {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		go func() {
			<-signals
			_ = os.WriteFile(file, nil, 0o600)
			os.Exit(0)
		}()
	}
	if os.Getenv("IGNORE_TERM") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Fprintln(os.Stderr, "no such table: users")
		os.Exit(3)
	case "error":
		report(`{"errorType":"Config.Missing","errorMessage":"no STORE given"}`)
		time.Sleep(time.Hour)
	case "never":
		fmt.Fprintln(os.Stderr, "waiting for a lock")
		time.Sleep(time.Hour)
	case "once": // fails until the file exists
		if f, err := os.OpenFile(os.Getenv("MARK"), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			os.Exit(4)
		}
	}
	lambda.Start(handle)
}

// report posts an init error.
func report(body string) {
	resp, err := http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", "application/json", strings.NewReader(body))
	if err == nil {
		_ = resp.Body.Close()
	}
}

func handle(_ context.Context, raw json.RawMessage) (any, error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	e.normalise()
	result, err := act(e)
	if a, ok := result.(answer); ok && e.Version != "2.0" {
		return a.multi(), err
	}
	return result, err
}

func act(e event) (any, error) {
	n, _ := strconv.Atoi(e.Query["n"])
	switch e.RawPath {
	case "/pid":
		return text(strconv.Itoa(os.Getpid())), nil
	case "/hold": // until the test lets go
		resp, err := http.Get(e.Query["url"])
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return text(strconv.Itoa(os.Getpid())), nil
	case "/body":
		a := answer{StatusCode: 200, Body: e.Body, Base64: e.Base64, Headers: map[string]string{"Content-Type": e.Headers["content-type"]}}
		return a, nil
	case "/binary":
		b := make([]byte, 256)
		for i := range b {
			b[i] = byte(i)
		}
		return answer{StatusCode: 200, Body: base64.StdEncoding.EncodeToString(b), Base64: true, Headers: map[string]string{"Content-Type": "image/png"}}, nil
	case "/cookies":
		return answer{StatusCode: 200, Cookies: []string{"a=1; Path=/", "b=2"}}, nil
	case "/both": // headers of both kinds
		return answer{
			StatusCode: 200, Body: "both", Headers: map[string]string{"X-Both": "single", "X-Single": "s", "Content-Type": "text/plain"},
			MultiHeaders: map[string][]string{"X-Both": {"multi", "single"}, "X-Multi": {"m1", "m2"}, "Www-Authenticate": {"Basic"}},
		}, nil
	case "/stream":
		return stream(e), nil
	case "/stream-raw": // what it is told to, as a stream
		return raw{strings.NewReader(e.Query["text"])}, nil
	case "/stream-early":
		return raw{failing{}}, nil
	case "/status":
		return answer{StatusCode: n, Body: "some text", Headers: map[string]string{"X-Thing": "one"}}, nil
	case "/env":
		b, err := json.Marshal(os.Environ())
		return text(string(b)), err
	case "/big":
		return strings.NewReader(`{"statusCode":200,"body":"` + strings.Repeat("x", n) + `"}`), nil
	case "/noise":
		fmt.Fprintln(os.Stderr, strings.Repeat("noise ", n/6)+"end of noise")
		return text("ok"), nil
	case "/fork":
		pid, err := fork(e)
		return text(pid), err
	case "/spin": // counts in the background, here or in a process of its own
		return text(""), spin(e.Query["file"], e.Query["how"])
	}
	return misbehave(e)
}

// misbehave holds what ends badly.
func misbehave(e event) (any, error) {
	if result, ok := fault(e); ok {
		return result, nil
	}
	switch e.RawPath {
	case "/panic":
		panic("out of cheese")
	case "/exit":
		os.Exit(3)
	case "/fork-exit":
		pid, err := fork(e)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(os.Stderr, "forked", pid)
		os.Exit(5)
	case "/kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "/forever":
		time.Sleep(time.Hour)
	case "/error":
		return nil, errors.New("no more paper")
	case "/malformed":
		return strings.NewReader("<html>"), nil
	case "/broken": // fails while the answer is being written
		return io.MultiReader(strings.NewReader(`{"statusCode":200,"body":"`), failing{}), nil
	case "/told": // what it is told to, as it is
		return json.RawMessage(e.Query["answer"]), nil
	case "/bare":
		return e.Query["text"], nil
	}
	n, _ := strconv.Atoi(e.Query["n"])
	return use(e, n)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func text(s string) answer {
	return answer{StatusCode: 200, Body: s, Headers: map[string]string{"Content-Type": "text/plain"}}
}

// fork starts a process that outlives the request and holds our output open, in a session of its own if that is asked for.
func fork(e event) (string, error) {
	cmd := exec.Command("sleep", "3600")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: e.Query["session"] != ""}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	return strconv.Itoa(cmd.Process.Pid), nil
}
