package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fakeAWS answers as S3 and Systems Manager do, as far as bench asks them. Its one instance is this machine: the scripts that are
// sent to it really run, with the same bench.
type fakeAWS struct {
	*httptest.Server
	t   *testing.T
	env []string // of the instance

	mu       sync.Mutex
	unknown  int // how often the instance is still unknown to Systems Manager
	objects  map[string][]byte
	commands map[string]*fakeCommand
	scripts  []string
	requests []string // what was asked, without S3's
}

type fakeCommand struct {
	cmd            *exec.Cmd
	done           chan struct{}
	stderr         bytes.Buffer
	cancelled      bool
	polledUnknown  bool
	executionLimit string
}

const fakeInstance = "i-0123456789abcdef0"

func startAWS(t *testing.T) *fakeAWS {
	t.Helper()
	f := &fakeAWS{t: t, objects: map[string][]byte{}, commands: map[string]*fakeCommand{}}
	f.Server = httptest.NewServer(f)
	f.env = append(os.Environ(), f.clientEnv()...)
	f.env = append(f.env, "TMPDIR="+t.TempDir())
	t.Cleanup(func() {
		for _, c := range f.commands {
			_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
			<-c.done
		}
		f.Close()
	})
	return f
}

// clientEnv leads AWS SDKs here.
func (f *fakeAWS) clientEnv() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + f.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=a-secret-key", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1",
	}
}

// ServeHTTP implements http.Handler.
func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		f.serveS3(w, r, body)
		return
	}
	f.requests = append(f.requests, target+" "+string(body))
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	var in struct {
		InstanceIDs []string `json:"InstanceIds"`
		CommandID   string   `json:"CommandId"`
		Parameters  map[string][]string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		f.fail(w, "ValidationException")
		return
	}
	switch strings.TrimPrefix(target, "AmazonSSM.") {
	case "SendCommand":
		f.sendCommand(w, in.InstanceIDs, in.Parameters)
	case "GetCommandInvocation":
		f.commandState(w, in.CommandID)
	case "CancelCommand":
		if c := f.commands[in.CommandID]; c != nil {
			c.cancelled = true
			_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // as the agent does
		}
		_, _ = io.WriteString(w, "{}")
	default:
		f.fail(w, "UnknownOperationException")
	}
}

func (f *fakeAWS) fail(w http.ResponseWriter, kind string) {
	w.Header().Set("X-Amzn-ErrorType", kind)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, kind)
}

func (f *fakeAWS) sendCommand(w http.ResponseWriter, instances []string, parameters map[string][]string) {
	if f.unknown > 0 || len(instances) != 1 || instances[0] != fakeInstance {
		f.unknown--
		f.fail(w, "InvalidInstanceId")
		return
	}
	script := strings.Join(parameters["commands"], "\n")
	f.scripts = append(f.scripts, script)
	id := fmt.Sprintf("00000000-0000-0000-0000-%012d", len(f.scripts))
	c := &fakeCommand{done: make(chan struct{}), executionLimit: strings.Join(parameters["executionTimeout"], "")}
	c.cmd = exec.Command("sh", "-c", script) //nolint:noctx // ended with its group
	c.cmd.Env, c.cmd.Dir, c.cmd.Stderr = f.env, f.t.TempDir(), &c.stderr
	c.cmd.WaitDelay = 5 * time.Second
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		f.t.Error(err)
		f.fail(w, "InternalServerError")
		return
	}
	f.commands[id] = c
	go func() { _ = c.cmd.Wait(); close(c.done) }()
	_, _ = fmt.Fprintf(w, `{"Command":{"CommandId":%q,"Status":"Pending"}}`, id)
}

// commandState knows a command only from the second look on, as Systems Manager at times.
func (f *fakeAWS) commandState(w http.ResponseWriter, id string) {
	c := f.commands[id]
	if c == nil || !c.polledUnknown {
		if c != nil {
			c.polledUnknown = true
		}
		f.fail(w, "InvocationDoesNotExist")
		return
	}
	state, code, stderr := "InProgress", -1, ""
	select {
	case <-c.done:
		code, stderr = c.cmd.ProcessState.ExitCode(), c.stderr.String()
		switch {
		case c.cancelled:
			state = "Cancelled"
		case code == 0:
			state = "Success"
		default:
			state = "Failed"
		}
	default:
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"CommandId": id, "Status": state, "StatusDetails": state, "ResponseCode": code, "StandardErrorContent": stderr})
}

// serveS3 knows objects in one bucket, by path.
func (f *fakeAWS) serveS3(w http.ResponseWriter, r *http.Request, body []byte) {
	key, ok := strings.CutPrefix(r.URL.Path, "/crossover-results/")
	data, found := f.objects[key]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>`)
	case r.Method == http.MethodPut:
		f.objects[key] = body
	case !found:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
	default:
		from := 0
		if span, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
			from, _ = strconv.Atoi(strings.TrimSuffix(span, "-"))
			if from >= len(data) {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				_, _ = io.WriteString(w, `<Error><Code>InvalidRange</Code><Message>The requested range is not satisfiable</Message></Error>`)
				return
			}
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(data[from:])
	}
}
