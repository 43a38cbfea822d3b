// Command ext is an external extension for tests. It writes what happens to the file EXT_LOG, a line of JSON each. The variable EXT
// says what it does wrong, and when: "crash-init", "no-register", "init-error", "crash", "exit-error", "hang", "stay". With EXT_STRAY it first starts a
// process in a session of its own, which outlives it.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var (
	base = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2020-01-01/extension/"
	name = filepath.Base(os.Args[0])
	does = os.Getenv("EXT")
	id   string
)

func main() {
	if os.Getenv("EXT_STRAY") != "" {
		stray := exec.Command("sleep", "3600")
		stray.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		stray.Stdout, stray.Stderr = os.Stdout, os.Stderr
		if err := stray.Start(); err != nil {
			panic(err)
		}
		note(map[string]any{"name": name + "'s stray", "pid": stray.Process.Pid})
	}
	switch does {
	case "crash-init":
		fmt.Fprintln(os.Stderr, "no key given")
		os.Exit(9)
	case "no-register":
		time.Sleep(time.Hour)
	}
	events := os.Getenv("EXT_EVENTS")
	if events == "" {
		events = `["INVOKE","SHUTDOWN"]`
	}
	status, header, body := call(http.MethodPost, "register", `{"events":`+events+`}`)
	id = header.Get("Lambda-Extension-Identifier")
	note(map[string]any{"name": name, "pid": os.Getpid(), "register": status, "body": json.RawMessage(body), "environ": os.Environ()})
	if does == "init-error" {
		status, _, _ := call(http.MethodPost, "init/error", `{"errorMessage":"cannot connect","errorType":"Fatal.ConnectFailed"}`)
		note(map[string]any{"name": name, "init-error": status})
		time.Sleep(time.Hour)
	}
	for {
		status, _, body := call(http.MethodGet, "event/next", "")
		note(map[string]any{"name": name, "next": status, "event": json.RawMessage(body)})
		switch {
		case status != http.StatusOK:
			os.Exit(1)
		case strings.Contains(body, `"SHUTDOWN"`):
			if does == "stay" {
				time.Sleep(time.Hour)
			}
			os.Exit(0)
		case does == "crash":
			os.Exit(7)
		case does == "exit-error":
			call(http.MethodPost, "exit/error", `{"errorMessage":"disk full","errorType":"Fatal.Disk"}`)
			time.Sleep(time.Hour)
		case does == "hang":
			time.Sleep(time.Hour)
		}
		if url := os.Getenv("EXT_HOLD"); url != "" { // until the test lets go
			resp, err := http.Get(url)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
	}
}

func call(method, path, body string) (status int, header http.Header, answer string) {
	req, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Lambda-Extension-Name", name)
	req.Header.Set("Lambda-Extension-Function-Error-Type", "Fatal.Test")
	if id != "" {
		req.Header.Set("Lambda-Extension-Identifier", id)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(2) // the environment has ended
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(b)
}

// note adds a line to the file. Lines are short: those of several processes do not mix.
func note(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	f, err := os.OpenFile(os.Getenv("EXT_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	_, _ = f.Write(append(b, '\n'))
	_ = f.Close()
}
