package target

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// openBootstrap starts a local Lambda service for one function, in a process of its own so that the generator's CPU
// and memory are the generator's.
func (s *Set) openBootstrap(ctx context.Context, t *Target, spec Spec) error {
	path, err := filepath.Abs(spec.Path)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return InputError{fmt.Errorf("path: %s is no executable file", path)}
	}
	cmd := s.host.self(append(spec.emulateArgs(), "--", path)...)
	c := &control{}
	if c.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	out := newOutput(nil)
	cmd.Stderr = out
	child, err := s.host.Group.Start(cmd)
	if err != nil {
		return err
	}
	c.out = bufio.NewReader(pipe)
	var hello map[string]string // front door to URL
	stop := context.AfterFunc(ctx, func() { _ = child.Stop(0) })
	// The variables of the function go this way: command lines are for everybody to read, and in its environment they would
	// act on the service too.
	if err = json.NewEncoder(c.in).Encode(spec.Env); err == nil {
		err = c.receive(&hello)
	}
	stop()
	if err != nil || hello[spec.FrontDoor] == "" {
		_ = child.Stop(time.Second)
		return ended("the local Lambda service", child, out)
	}
	t.URL, t.control, t.limits, t.quota = hello[spec.FrontDoor], c, spec.Limits, spec.RequestQuota
	s.watch(t.Name, child, out)
	return nil
}

// emulateArgs are the arguments with which this program is the local Lambda service.
func (s *Spec) emulateArgs() []string {
	args := []string{
		"emulate", "--control", "--log-lines=false", "--name", s.Name, "--memory", fmt.Sprint(s.MemoryMB), "--front-door", s.FrontDoor,
		// By default neither is on: what limits and thaws cost is this machine's affair, and a Lambda that is held to its share
		// beside a process that is not would be no comparison of what runs here.
		fmt.Sprintf("--limits=%t", s.Limits), fmt.Sprintf("--freeze=%t", s.Freeze), fmt.Sprintf("--request-quota=%t", s.RequestQuota),
	}
	if s.TimeoutS > 0 {
		args = append(args, "--timeout", fmt.Sprintf("%ds", s.TimeoutS))
	}
	if s.ReservedConcurrency > 0 {
		args = append(args, "--reserved-concurrency", fmt.Sprint(s.ReservedConcurrency))
	}
	if s.Provisioned > 0 {
		args = append(args, "--provisioned", fmt.Sprint(s.Provisioned))
	}
	return args
}

// Metered says whether the target is on the local Lambda service, which counts what it does.
func (t *Target) Metered() bool { return t.control != nil }

// MeterReport is what a local Lambda service answers when asked.
type MeterReport struct {
	emulator.Meter
	// InitError says why the last environment that failed to start did; empty if none failed.
	InitError string `json:"init_error,omitempty"`
}

// Meter is what the local Lambda service counted so far. Only a target that is Metered has one.
func (t *Target) Meter() (*MeterReport, error) { return t.control.ask(controlMeter) }

// Sample is the SettledMeter after a sample of the concurrency was taken: what comes next is in none of its peaks.
func (t *Target) Sample(patience time.Duration) (*MeterReport, error) {
	if _, err := t.SettledMeter(patience); err != nil {
		return nil, err
	}
	return t.control.ask(ControlSample)
}

// SettledMeter is the Meter as soon as no invocation is in work and no environment in its init, or after patience: what an invocation is billed
// is known when its environment has asked for the next event, a moment after its answer.
func (t *Target) SettledMeter(patience time.Duration) (*MeterReport, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		m, err := t.Meter()
		if err != nil || m.Now.Busy+m.Now.Starting == 0 {
			return m, err
		}
		select {
		case <-tick.C:
		case <-late.C:
			return m, nil
		}
	}
}

// Notes say in sentences what the local Lambda service did not do as Lambda does, by its meter.
func (t *Target) Notes(m *MeterReport) []string {
	var notes []string
	for _, n := range m.Notes {
		notes = append(notes, strings.ToUpper(n[:min(1, len(n))])+n[min(1, len(n)):]+".")
	}
	switch {
	case !t.limits:
		notes = append(notes, "Processes, open files and /tmp were those of this machine.")
	case !slices.ContainsFunc(m.Notes, func(n string) bool { return strings.HasPrefix(n, "CPU ") }):
		notes = append(notes, "The CPU was limited to the share that the memory size buys.")
	}
	if t.quota {
		notes = append(notes, "Requests over ten times the concurrency a second were throttled, as by Lambda.")
	} else {
		notes = append(notes, "Lambda's limit of ten requests a second for each of the concurrency was not applied.")
	}
	if m.Freezer == "" {
		return append(notes, "Environments were not frozen between invocations.")
	}
	return append(notes, "Idle environments were frozen ("+m.Freezer+"), which takes this machine's time, not AWS's.")
}

// InitErrors tells of bootstraps that do not start, which clients only see as a failed request.
func (s *Set) InitErrors() error {
	var errs []error
	for _, t := range s.Targets {
		if !t.Metered() {
			continue
		}
		if m, err := t.Meter(); err == nil && m.InitError != "" {
			errs = append(errs, fmt.Errorf("target %s: %s", t.Name, m.InitError))
		}
	}
	return errors.Join(errs...)
}

// The lines that a local Lambda service is asked with. Each is answered with the meter, ControlSample after a sample of the concurrency.
const (
	controlMeter  = "meter"
	ControlSample = "sample"
)

// control asks a local Lambda service over its standard streams: a line in, a line of JSON out.
type control struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

func (c *control) receive(v any) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, v)
}

func (c *control) ask(what string) (*MeterReport, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := io.WriteString(c.in, what+"\n"); err != nil {
		return nil, fmt.Errorf("asking the local Lambda service: %w", err)
	}
	var m MeterReport
	if err := c.receive(&m); err != nil {
		return nil, fmt.Errorf("asking the local Lambda service: %w", err)
	}
	return &m, nil
}
