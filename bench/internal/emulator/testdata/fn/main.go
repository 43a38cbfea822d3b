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
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	RawPath string            `json:"rawPath"`
	Query   map[string]string `json:"queryStringParameters"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`
}

type answer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Cookies    []string          `json:"cookies,omitempty"`
	Body       string            `json:"body"`
	Base64     bool              `json:"isBase64Encoded"`
}

func main() {
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
		pid, err := fork()
		return text(pid), err
	}
	return misbehave(e)
}

// misbehave holds what ends badly.
func misbehave(e event) (any, error) {
	switch e.RawPath {
	case "/panic":
		panic("out of cheese")
	case "/exit":
		os.Exit(3)
	case "/fork-exit":
		pid, err := fork()
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
	case "/bare":
		return e.Query["text"], nil
	}
	return text("echo"), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func text(s string) answer {
	return answer{StatusCode: 200, Body: s, Headers: map[string]string{"Content-Type": "text/plain"}}
}

// fork starts a process that outlives the request and holds our output open.
func fork() (string, error) {
	cmd := exec.Command("sleep", "3600")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	return strconv.Itoa(cmd.Process.Pid), nil
}
