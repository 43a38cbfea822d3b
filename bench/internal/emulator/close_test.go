package emulator_test

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// alive tells whether a process exists; one that has ended and waits for its parent does not count.
func alive(t *testing.T, pid string) bool {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatalf("%q is no process id", pid)
	}
	return syscall.Kill(n, 0) == nil && !zombie(n)
}

func TestCloseLeavesNothing(t *testing.T) {
	for name, env := range map[string]map[string]string{"ends on SIGTERM": nil, "ignores SIGTERM": {"IGNORE_TERM": "1"}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *emulator.Config) { c.Env = env })
			g := newGate(t, 8)
			replies := g.hold(t, s, 8)
			close(g.open)
			pids := make([]string, 0, 16)
			for range 8 {
				pids = append(pids, (<-replies).body)
			}
			settled(t, s, 8)
			pids = append(pids, get(t, s, "/fork").body)
			if err := s.Close(50 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			for _, pid := range pids {
				eventually(t, "process "+pid+" is left", func() bool { return !alive(t, pid) })
			}
			if _, err := try(t.Context(), s, http.MethodGet, "/pid", "", nil); err == nil {
				t.Error("the front door is still open")
			}
		})
	}
}

// Requests in flight get an answer even if their function has none.
func TestCloseWithRequestsInFlight(t *testing.T) {
	s := start(t, nil)
	g := newGate(t, 4)
	replies := g.hold(t, s, 4)
	if err := s.Close(0); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		(<-replies).expect(t, http.StatusBadGateway, "Internal Server Error")
	}
}

// Close during inits: none may be missed that is just being started.
func TestCloseWhileStarting(t *testing.T) {
	for range 5 {
		s := start(t, func(c *emulator.Config) { c.Env = map[string]string{"INIT": "never"}; c.MaxStarting = 3 })
		replies := make(chan reply, 10)
		for range 10 {
			go func() {
				r, _ := try(t.Context(), s, http.MethodGet, "/pid", "", nil)
				replies <- r
			}()
		}
		eventually(t, "no environment is started", func() bool { return s.Meter().Environments > 0 })
		if err := s.Close(0); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if r := <-replies; r.status == http.StatusOK {
				t.Errorf("answer is %d %q", r.status, r.body)
			}
		}
	}
}

func TestForkedProcessesEnd(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { c.Output = &out; c.Timeout = brief })
	pid := get(t, s, "/fork").body
	if !alive(t, pid) {
		t.Fatal("the forked process does not run")
	}
	get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
	eventually(t, "the forked process outlives its environment", func() bool { return !alive(t, pid) })
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string, mode os.FileMode) string {
		path := dir + "/" + name
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ok := file("ok", "#!/bin/sh\n", 0o755)
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // nothing came
	tests := map[string]struct {
		cfg  emulator.Config
		want string
	}{
		"no file":         {emulator.Config{Bootstrap: dir + "/nothing"}, "no such file: build it first"},
		"folder":          {emulator.Config{Bootstrap: dir}, "is a folder: give the path of the program in it"},
		"not executable":  {emulator.Config{Bootstrap: file("plain", "#!/bin/sh\n", 0o644)}, "is not executable: chmod +x "},
		"zip":             {emulator.Config{Bootstrap: file("zip", "PK\x03\x04xxxx", 0o755)}, "unpack it"},
		"text":            {emulator.Config{Bootstrap: file("text", "hello", 0o755)}, "neither a program nor a script"},
		"empty":           {emulator.Config{Bootstrap: file("empty", "", 0o755)}, "neither a program nor a script"},
		"reserved":        {emulator.Config{Bootstrap: ok, Env: map[string]string{"AWS_REGION": "x", "_HANDLER": "y"}}, "AWS_REGION is reserved by Lambda; _HANDLER is reserved"},
		"much":            {emulator.Config{Bootstrap: ok, Env: map[string]string{"A": strings.Repeat("x", 4096)}}, "variables of 4097 bytes in total are over Lambda's limit of 4096"},
		"bad name":        {emulator.Config{Bootstrap: ok, Env: map[string]string{"A=B": "x"}}, "cannot be a variable"},
		"not loopback":    {emulator.Config{Bootstrap: ok, Addr: "0.0.0.0:0"}, "not a loopback"},
		"too much memory": {emulator.Config{Bootstrap: ok, MemoryMB: 20000}, "20000 MB"},
		"no name":         {emulator.Config{Bootstrap: ok, FunctionName: "a b"}, `function name "a b" is not of letters, digits, - and _, up to 64`},
		"long name":       {emulator.Config{Bootstrap: ok, FunctionName: strings.Repeat("x", 65)}, "up to 64"},
		"no region":       {emulator.Config{Bootstrap: ok, Region: "us east"}, `region "us east" is not of letters, digits and -`},
		"closed door": {
			emulator.Config{Bootstrap: ok, Ports: map[emulator.FrontDoor]int{emulator.DoorALB: 8080}}, "the front door alb has a port, 8080, and is not opened",
		},
		"one port twice": {
			emulator.Config{
				Bootstrap: ok, FrontDoors: []emulator.FrontDoor{emulator.DoorALB, emulator.DoorInvoke},
				Ports: map[emulator.FrontDoor]int{emulator.DoorALB: 8080, emulator.DoorInvoke: 8080},
			}, "alb and invoke have the same port, 8080",
		},
		"no port": {emulator.Config{Bootstrap: ok, Ports: map[emulator.FrontDoor]int{emulator.DoorFunctionURL: 70000}}, "port 70000 of function_url is not between 0 and 65535"},
		"port in use": {
			emulator.Config{Bootstrap: ok, Ports: map[emulator.FrontDoor]int{emulator.DoorFunctionURL: taken.Addr().(*net.TCPAddr).Port}},
			"address already in use (port 0 takes any free one)",
		},
		"long time-out": {emulator.Config{Bootstrap: ok, Timeout: time.Hour}, "time-out"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.cfg.Group = group
			s, err := emulator.Start(t.Context(), tt.cfg)
			if err == nil {
				_ = s.Close(0)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

// zombie reads the state of a process where there is a /proc.
func zombie(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, ok := strings.Cut(string(b), ") ")
	return err == nil && ok && strings.HasPrefix(rest, "Z")
}

// An invocation that has been answered when the service closes has succeeded.
func TestReportOfAnAnsweredInvocationAtClose(t *testing.T) {
	var out output
	s := start(t, func(c *emulator.Config) { rawBootstrap(c); c.Output, c.LogLines = &out, true })
	if r := get(t, s, "/no-next"); r.status != http.StatusOK {
		t.Fatalf("answer is %d %q", r.status, r.body)
	}
	if err := s.Close(0); err != nil {
		t.Fatal(err)
	}
	if log := out.String(); !strings.Contains(log, "REPORT RequestId: ") || strings.Contains(log, "Error") {
		t.Errorf("log is\n%s", log)
	}
}
