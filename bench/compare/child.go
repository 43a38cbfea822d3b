package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// machine is what the processes of a comparison run on.
type machine struct {
	group *process.Group
	// serverCPU and clientCPU are CPUs to pin to; -1 where nothing is pinned.
	serverCPU, clientCPU int
}

// pinning chooses two CPUs out of those that this process may use, by the system's list of them, such as 0-3,8. With a reason
// why not, where that cannot be.
func pinning(taskset bool, allowed string) (server, client int, reason string) {
	if !taskset {
		return -1, -1, "there is no taskset"
	}
	var cpus []int
	for part := range strings.SplitSeq(strings.TrimSpace(allowed), ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := strconv.Atoi(from)
		if err != nil {
			return -1, -1, fmt.Sprintf("the system does not tell which CPUs there are (%q)", allowed)
		}
		cpus = append(cpus, first)
		if last, err := strconv.Atoi(to); isRange && err == nil && last > first {
			cpus = append(cpus, last)
		}
	}
	if len(cpus) < 2 {
		return -1, -1, "there is one CPU only"
	}
	return cpus[0], cpus[len(cpus)-1], ""
}

// allowedCPUs is the system's list; empty where it does not tell.
func allowedCPUs() string {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return strings.TrimSpace(list)
		}
	}
	return ""
}

// command runs argv on a CPU of its own. Go programs do not notice a lack of pinning: they get as many places as one CPU has.
func command(cpu int, argv []string, env ...string) *exec.Cmd {
	if cpu >= 0 {
		argv = append([]string{"taskset", "-c", strconv.Itoa(cpu)}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // process.Group ends it
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// client is a load generator that has ended.
type client struct {
	stdout, stderr string
	cpu            time.Duration // of the process, in user and in system mode
}

// run runs a generator to its end, for at most so long.
func (m *machine) run(ctx context.Context, atMost time.Duration, argv []string, env ...string) (client, error) {
	cmd := command(m.clientCPU, argv, append(env, "GOMAXPROCS=1")...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	child, err := m.group.Start(cmd)
	if err != nil {
		return client{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("it did not end within %s", atMost))
	defer cancel()
	select {
	case <-child.Done():
	case <-ctx.Done():
		_ = child.Stop(time.Second)
		return client{stdout: stdout.String(), stderr: stderr.String()}, context.Cause(ctx)
	}
	c := client{stdout: stdout.String(), stderr: stderr.String()}
	if state := child.State(); state != nil {
		c.cpu = state.UserTime() + state.SystemTime()
	}
	if err := child.Err(); err != nil {
		return c, fmt.Errorf("%w; its last output: %s", err, last(c.stderr+c.stdout))
	}
	return c, nil
}

// last lines of what a program printed, on one line.
func last(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " / ")
}

// server is a running target.
type server struct {
	url  string
	name string // and version
	stop func()
}

// serve starts a hidden command of this program and waits for its URL.
func (m *machine) serve(ctx context.Context, args ...string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := command(m.serverCPU, append([]string{self}, args...))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	first := firstLine{found: make(chan string, 1)}
	cmd.Stdout, cmd.Stderr = &first, os.Stderr
	child, err := m.group.Start(cmd)
	if err != nil {
		return nil, err
	}
	stop := sync.OnceFunc(func() {
		_ = stdin.Close()
		_ = child.Stop(time.Second)
	})
	select {
	case url := <-first.found:
		return &server{url: url, stop: stop}, nil
	case <-child.Done():
		return nil, fmt.Errorf("%s ended before it served: %w", args[0], child.Err())
	case <-ctx.Done():
		stop()
		return nil, context.Cause(ctx)
	}
}

// firstLine hands out the first line that is written to it.
type firstLine struct {
	text  []byte
	whole bool
	found chan string
}

var _ io.Writer = (*firstLine)(nil)

func (f *firstLine) Write(p []byte) (int, error) {
	if f.whole {
		return len(p), nil
	}
	f.text = append(f.text, p...)
	if line, _, whole := bytes.Cut(f.text, []byte("\n")); whole {
		f.whole = true
		f.found <- string(line)
	}
	return len(p), nil
}
