// Package target finds the targets of a run, or starts them: local processes, Lambda bootstraps on the local Lambda service,
// deployed services by their URL.
//
// All that it starts listens on loopback only and belongs to a process.Group, which ends it however bench ends.
package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Host is what targets are started with.
type Host struct {
	// Group owns every process that is started.
	Group *process.Group
	// Self is the command that starts this program; its hidden subcommands run what needs a process of its own.
	Self []string
	// Getenv reads the environment.
	Getenv func(string) string
	// Say tells the user of slow steps, a line each.
	Say func(format string, args ...any)
}

func (h *Host) self(args ...string) *exec.Cmd {
	args = append(slices.Clone(h.Self[1:]), args...)
	return exec.Command(h.Self[0], args...) //nolint:noctx // the group ends it
}

// Set is the targets of a run, running.
type Set struct {
	Targets []*Target
	// Redis is what the local targets share; nil if bench started none.
	Redis *result.Redis

	host     *Host
	redisURL string
	died     chan error
	closing  chan struct{}
	watchers sync.WaitGroup
}

// Target is one running target.
type Target struct {
	Name       string
	Kind       string
	URL        string
	Provenance result.Provenance
	Spec       result.Spec

	control *control // of a bootstrap
	limits  bool     // likewise: its environments are held to Lambda's, where that is possible
	quota   bool     // likewise: requests are throttled by their rate
}

// Died tells of a child that ended by itself while the set was open. One error at most is kept.
func (s *Set) Died() <-chan error { return s.died }

// Close ends everything the set started: SIGTERM, a grace, SIGKILL.
func (s *Set) Close() error {
	close(s.closing)
	err := s.host.Group.Close(5 * time.Second)
	s.watchers.Wait()
	return err
}

// Open starts or finds the targets that specs describe. When it fails, the caller closes host.Group.
func Open(ctx context.Context, host *Host, specs []Spec) (*Set, error) {
	s := newSet(host)
	for _, spec := range specs {
		t, err := s.open(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", spec.Name, err)
		}
		s.Targets = append(s.Targets, t)
	}
	return s, nil
}

func newSet(host *Host) *Set {
	return &Set{host: host, died: make(chan error, 1), closing: make(chan struct{})}
}

func (s *Set) open(ctx context.Context, spec Spec) (*Target, error) {
	t := &Target{Name: spec.Name, Kind: spec.Kind, URL: spec.URL, Provenance: result.Measured}
	var err error
	switch spec.Kind {
	case KindProcess:
		err = s.openProcess(ctx, t, spec)
	case KindBootstrap:
		if spec.MemoryMB == 0 {
			spec.MemoryMB = defaultMemoryMB
		}
		if spec.FrontDoor == "" {
			spec.FrontDoor = string(emulator.DoorFunctionURL)
		}
		t.Provenance = result.Emulated
		err = s.openBootstrap(ctx, t, spec)
	}
	t.Spec = spec.resultSpec()
	if err == nil && t.Metered() {
		var m *MeterReport
		if m, err = t.Meter(); err == nil {
			t.Spec.Notes = t.Notes(m)
		}
	}
	return t, err
}

// InputError is a target that cannot be started because of what the user gave.
type InputError struct{ error }

func (e InputError) Unwrap() error { return e.error }

// startError says whether a program is not there or is no program.
func startError(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOEXEC) {
		return InputError{err}
	}
	return err
}

// startPatience is how long a target may take until it accepts connections.
const startPatience = 30 * time.Second

// openProcess starts a server with HOST and PORT and waits until it accepts connections.
func (s *Set) openProcess(ctx context.Context, t *Target, spec Spec) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	cmd := exec.Command(spec.Command[0], spec.Command[1:]...) //nolint:noctx // the group ends it
	cmd.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT="+port)
	cmd.Env = appendEnv(cmd.Env, spec.Env)
	out := newOutput(nil)
	cmd.Stdout, cmd.Stderr = out, out
	s.host.Say("Starting target %s …", t.Name)
	child, err := s.host.Group.Start(cmd)
	if err != nil {
		return startError(err)
	}
	address := net.JoinHostPort("127.0.0.1", port)
	t.URL = "http://" + address
	var d net.Dialer
	err = poll(ctx, child.Done(), startPatience, func() error {
		c, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err
	})
	select {
	case <-child.Done(): // whoever answered on the port, it was not ours
		return ended(spec.Command[0], child, out)
	default:
	}
	if err != nil {
		_ = child.Stop(0)
		return fmt.Errorf("%s does not accept connections on HOST=127.0.0.1 PORT=%s after %s%s",
			spec.Command[0], port, startPatience, out.quoted())
	}
	s.watch(t.Name, child, out)
	return nil
}

// openListener starts one of our own servers, which takes any free port and logs it as addr of its listening record.
func (s *Set) openListener(ctx context.Context, t *Target, path string, env map[string]string) error {
	var record struct{ Msg, Addr string }
	out := newOutput(func(line []byte) bool { return json.Unmarshal(line, &record) == nil && record.Msg == "listening" })
	cmd := exec.Command(path) //nolint:noctx // the group ends it
	cmd.Env = appendEnv([]string{"HOST=127.0.0.1", "PORT=0"}, env)
	cmd.Stdout, cmd.Stderr = out, out
	if err := s.start(ctx, t.Name, cmd, out, startPatience); err != nil {
		return err
	}
	t.URL = "http://" + record.Addr
	return nil
}

// start starts cmd and waits until out has found its line.
func (s *Set) start(ctx context.Context, what string, cmd *exec.Cmd, out *output, patience time.Duration) error {
	child, err := s.host.Group.Start(cmd)
	if err != nil {
		return err
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-out.found:
		s.watch(what, child, out)
		return nil
	case <-child.Done():
		return ended(what, child, out)
	case <-ctx.Done():
		err = ctx.Err()
	case <-t.C:
		err = fmt.Errorf("%s is not ready after %s%s", what, patience, out.quoted())
	}
	_ = child.Stop(0)
	return err
}

// watch tells Died if the child ends before Close.
func (s *Set) watch(what string, child *process.Child, out *output) {
	s.watchers.Go(func() {
		<-child.Done()
		select {
		case <-s.closing:
		default:
			select {
			case s.died <- ended(what, child, out):
			default:
			}
		}
	})
}
