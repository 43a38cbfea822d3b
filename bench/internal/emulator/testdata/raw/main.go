// Command raw is a Lambda function for tests that speaks the Runtime API by hand, and not always well. The path of a
// request says what it does; the answer tells the statuses that the Runtime API replied with.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	host   = os.Getenv("AWS_LAMBDA_RUNTIME_API")
	base   = "http://" + host + "/2018-06-01/runtime/"
	client = &http.Client{Transport: &http.Transport{
		DisableKeepAlives:     os.Getenv("KEEPALIVE") == "off",
		ExpectContinueTimeout: time.Minute, // hangs if 100 Continue does not come
	}}
)

func main() {
	last := ""
	for {
		id, header, event := next()
		if id == "" {
			os.Exit(1)
		}
		var e struct {
			RawPath string            `json:"rawPath"`
			Path    string            `json:"path"` // of the formats that have no rawPath
			Query   map[string]string `json:"queryStringParameters"`
			Body    string            `json:"body"`
		}
		_ = json.Unmarshal(event, &e)
		notes, path := "", e.RawPath+e.Path
		if strings.Contains(path, "/event") {
			path = "/event"
		}
		switch path {
		case "/body":
			notes = e.Body
		case "/mine": // tells its id, and waits
			_ = fetch(e.Query["url"] + "/mine?id=" + id)
			notes = "mine"
		case "/theirs": // answers another environment's event
			other := "invocation/" + fetch(e.Query["url"]+"/theirs")
			notes = post(other+"/response", body("stolen")) + ", " + postStream(other+"/response", body("stolen")) + ", " + post(other+"/error", "{}")
			if _ = fetch(e.Query["url"] + "/posted"); e.Query["then"] == "hang" {
				time.Sleep(time.Hour)
			}
		case "/bad-http":
			notes = speak("an answer, is it not?\r\n\r\n")
		case "/bad-json":
			fmt.Fprintln(os.Stderr, post("invocation/"+id+"/response", `{"statusCode":200,"body":`))
			last = id
			continue
		case "/bad-chunk":
			notes = badChunk(id)
		case "/bad-chunk-exit":
			badChunk(id)
			os.Exit(1)
		case "/wrong-id":
			notes = post("invocation/00000000-0000-4000-8000-000000000000/response", "{}")
		case "/stale-id":
			notes = post("invocation/"+last+"/response", "{}") + " " + post("invocation/"+last+"/error", "{}")
		case "/next-early":
			notes = get("invocation/next")
		case "/init-error-late":
			notes = post("init/error", "{}")
		case "/paths":
			notes = get("nothing") + " " + post("invocation/"+id+"/nothing", "{}") + " " + get("invocation/"+id+"/response") + " " + get("../../")
		case "/truncated":
			notes = truncated(id)
		case "/event":
			notes = string(event)
		case "/headers":
			b, _ := json.Marshal(header)
			notes = string(b)
		case "/twice":
			answer(id, "first")
			notes = post("invocation/"+id+"/response", body("second")) + " " + post("invocation/"+id+"/error", "{}")
			fmt.Fprintln(os.Stderr, notes)
			last = id
			continue
		case "/too-large":
			fmt.Fprintln(os.Stderr, post("invocation/"+id+"/response", body(strings.Repeat("x", 7<<20))))
			last = id
			continue
		case "/drop-next": // ask, give up, ask again
			answer(id, "dropping")
			drop()
			last = id
			continue
		case "/expect":
			req, _ := http.NewRequest(http.MethodPost, base+"invocation/"+id+"/response", strings.NewReader(body("continued")))
			req.Header.Set("Expect", "100-continue")
			do(req)
			last = id
			continue
		case "/no-next": // answers, and never asks again
			answer(id, strconv.Itoa(os.Getpid()))
			time.Sleep(time.Hour)
		case "/error-raw":
			post("invocation/"+id+"/error", "no JSON at all")
			last = id
			continue
		}
		answer(id, notes)
		last = id
	}
}

func body(text string) string {
	b, _ := json.Marshal(map[string]any{"statusCode": 200, "headers": map[string]string{"Content-Type": "text/plain"}, "body": text})
	return string(b)
}

func answer(id, text string) { post("invocation/"+id+"/response", body(text)) }

func next() (id string, header http.Header, event []byte) {
	resp, err := client.Get(base + "invocation/next")
	if err != nil {
		return "", nil, nil
	}
	defer resp.Body.Close()
	event, err = io.ReadAll(resp.Body)
	if err != nil {
		return "", nil, nil
	}
	return resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), resp.Header, event
}

// drop asks for an event and ends the connection while it waits.
func drop() {
	ctx, cancel := context.WithCancel(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, base+"invocation/next", nil)
	time.AfterFunc(50*time.Millisecond, cancel)
	_, _ = client.Do(req)
	fmt.Fprintln(os.Stderr, "dropped")
	time.Sleep(50 * time.Millisecond)
}

func truncated(id string) string {
	return speak(fmt.Sprintf("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\n{}", id, host))
}

func badChunk(id string) string {
	return speak(fmt.Sprintf("POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nno number\r\n", id, host))
}

// speak sends text on a connection of its own and returns the first line of the reply.
func speak(text string) string {
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err.Error()
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.(*net.TCPConn).CloseWrite()
	reply, _ := io.ReadAll(conn)
	_ = conn.Close()
	status, _, _ := bytes.Cut(reply, []byte("\r\n"))
	return string(status)
}

// fetch gets a text from the test.
func fetch(url string) string {
	resp, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

func get(path string) string {
	req, _ := http.NewRequest(http.MethodGet, base+path, nil)
	return do(req)
}

func post(path, text string) string {
	req, _ := http.NewRequest(http.MethodPost, base+path, strings.NewReader(text))
	return do(req)
}

// postStream posts an answer as one that is streamed.
func postStream(path, text string) string {
	req, _ := http.NewRequest(http.MethodPost, base+path, strings.NewReader(text))
	req.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	req.Header.Set("Content-Type", "application/vnd.awslambda.http-integration-response")
	return do(req)
}

// do returns the status and the type of the error.
func do(req *http.Request) string {
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var fault struct{ ErrorType string }
	_ = json.NewDecoder(resp.Body).Decode(&fault)
	return strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", fault.ErrorType))
}
