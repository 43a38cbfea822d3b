package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/crossover-bench/crossover/bench/internal/pause"
)

// Options say how a run is driven.
type Options struct {
	// Limit is how long it may take there, before it is killed; whole seconds, at least one.
	Limit time.Duration
	// Every is how often it is looked at; 0 means every two seconds.
	Every time.Duration
	// Say tells of slow steps, Log hands on the lines that bench prints there.
	Say func(format string, args ...any)
	Log func(line string)
	// Now is the clock.
	Now func() time.Time
}

// Outcome is how a run ended.
type Outcome struct {
	// ExitStatus of bench there; -1 if it was killed or never ran.
	ExitStatus int
	// Files are those of its output folder, by name; a run that failed early has none.
	Files map[string][]byte
	// Complaint is the error that it ended with, which may have several lines.
	Complaint string
}

const (
	defaultEvery = 2 * time.Second
	// deliverySeconds is how long a command may wait for the instance; 30 is the least that Systems Manager takes.
	deliverySeconds = 60
	// bootPatience is how long after it was made an instance may be unknown to Systems Manager.
	bootPatience = 3 * time.Minute
	// unknownPatience is how long after it was sent a command may be unknown, and how long its state may not be had.
	unknownPatience = time.Minute
	maxLimit        = 48 * time.Hour // Systems Manager's
)

// driver is the near side of one run.
type driver struct {
	Options
	generator *LoadGenerator
	ssm       *ssm.Client
	store     *store
	command   string // its id
	log       logReader
}

// Run has a job done by the load generator and waits for it. When drain is closed the run there is asked to finish what it has begun;
// when ctx ends it is killed. The outcome is nil where there is an error.
func Run(ctx context.Context, drain <-chan struct{}, g *LoadGenerator, job *Job, files []string, o Options) (*Outcome, error) {
	if o.Limit < time.Second || o.Limit > maxLimit {
		return nil, fmt.Errorf("a limit of %s: expected 1s to %s", o.Limit, maxLimit)
	}
	if o.Every == 0 {
		o.Every = defaultEvery
	}
	data, err := job.encode()
	if err != nil {
		return nil, err
	}
	c, err := open(ctx, g.Region)
	if err != nil {
		return nil, err
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: %w", err)
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	folder := "runs/" + o.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(random[:])
	d := &driver{Options: o, generator: g, ssm: ssm.NewFromConfig(c), store: openStore(c, place{g.Bucket, folder})}
	if err := d.store.put(ctx, jobObject, data); err != nil {
		return nil, err
	}
	if err := d.send(ctx); err != nil {
		return nil, err
	}
	d.Say("Load generator %s runs it (command %s, %s)", g.InstanceID, d.command, d.store.place)
	invocation, err := d.wait(ctx, drain)
	if err != nil {
		return nil, err
	}
	return d.fetch(ctx, invocation, files)
}

// send has Systems Manager start the far side. An instance that has just been made is waited for.
func (d *driver) send(ctx context.Context) error {
	began, told := d.Now(), false
	for {
		out, err := d.ssm.SendCommand(ctx, &ssm.SendCommandInput{
			DocumentName: aws.String("AWS-RunShellScript"),
			InstanceIds:  []string{d.generator.InstanceID},
			Comment:      aws.String("bench run"),
			Parameters: map[string][]string{
				"commands":         d.generator.script(d.store.place.folder),
				"executionTimeout": {strconv.Itoa(int(d.Limit / time.Second))},
			},
			TimeoutSeconds: aws.Int32(deliverySeconds),
		})
		if err == nil {
			d.command = aws.ToString(out.Command.CommandId)
			return nil
		}
		if _, unknown := errors.AsType[*types.InvalidInstanceId](err); !unknown {
			return fmt.Errorf("starting the run on the load generator: %w", err)
		}
		if d.Now().Sub(began) > bootPatience {
			return fmt.Errorf("the load generator %s is not known to Systems Manager in %s: is it running, and can it reach AWS? %w",
				d.generator.InstanceID, d.generator.Region, err)
		}
		if !told {
			told = true
			d.Say("Waiting for the load generator %s to report to Systems Manager …", d.generator.InstanceID)
		}
		if !pause.For(ctx, d.Every) {
			return ctx.Err()
		}
	}
}

// wait follows the command to its end. A state that cannot be had for some time is not the end of the run, which goes on.
func (d *driver) wait(ctx context.Context, drain <-chan struct{}) (*ssm.GetCommandInvocationOutput, error) {
	tick := time.NewTicker(d.Every)
	defer tick.Stop()
	lastSeen := d.Now()
	for {
		select {
		case <-ctx.Done():
			return nil, d.cancel(ctx)
		case <-drain:
			drain = nil
			if err := d.store.put(ctx, stopObject, nil); err != nil {
				return nil, errors.Join(err, d.cancel(ctx))
			}
		case <-tick.C:
		}
		out, err := d.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: &d.command, InstanceId: &d.generator.InstanceID})
		d.log.follow(ctx, d.store, d.Log)
		switch {
		case err == nil:
			lastSeen = d.Now()
		case ctx.Err() == nil && d.Now().Sub(lastSeen) > unknownPatience:
			return nil, fmt.Errorf("asking for the run on the load generator: %w (it may still go on; its result will be in %s)", err, d.store.place)
		}
		if err == nil && ended(out.Status) {
			return out, nil
		}
	}
}

// ended says whether a command's state is its last.
func ended(s types.CommandInvocationStatus) bool {
	switch s {
	case types.CommandInvocationStatusSuccess, types.CommandInvocationStatusFailed, types.CommandInvocationStatusTimedOut,
		types.CommandInvocationStatusCancelled:
		return true
	case types.CommandInvocationStatusPending, types.CommandInvocationStatusInProgress, types.CommandInvocationStatusDelayed,
		types.CommandInvocationStatusCancelling:
	}
	return false
}

// cancelPatience is how long telling AWS that a run is to be killed may take.
const cancelPatience = 10 * time.Second

// cancel kills the run after ctx has ended, and says so in an error.
func (d *driver) cancel(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelPatience)
	defer stop()
	if _, err := d.ssm.CancelCommand(ctx, &ssm.CancelCommandInput{CommandId: &d.command}); err != nil {
		return fmt.Errorf("aborted, but the run goes on: cancelling command %s: %w", d.command, err)
	}
	return errors.New("aborted: the run on the load generator was cancelled, and there is no result")
}

// fetch reads what the run has left.
func (d *driver) fetch(ctx context.Context, in *ssm.GetCommandInvocationOutput, files []string) (*Outcome, error) {
	d.log.follow(ctx, d.store, d.Log)
	d.log.rest(d.Log)
	o := &Outcome{ExitStatus: int(in.ResponseCode), Files: map[string][]byte{}, Complaint: d.log.last}
	for _, name := range files {
		data, err := d.store.get(ctx, name, 0)
		switch {
		case err == nil:
			o.Files[name] = data
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case in.Status == types.CommandInvocationStatusSuccess && name == files[0]:
			return nil, err
		}
	}
	if len(o.Files) > 0 {
		return o, nil
	}
	detail := strings.TrimSpace(aws.ToString(in.StandardErrorContent))
	if detail == "" {
		detail = aws.ToString(in.StatusDetails)
	}
	switch {
	case in.Status == types.CommandInvocationStatusTimedOut && in.ResponseCode < 0:
		return nil, fmt.Errorf("the load generator did not finish within %s, or never took the command: %s", d.Limit, detail)
	case in.ResponseCode == 126 || in.ResponseCode == 127: // of the shell: not there, or no program
		return nil, fmt.Errorf("the load generator cannot run %s: its start script may still be at work, try again in a minute: %s", d.generator.Bench, detail)
	case in.Status == types.CommandInvocationStatusCancelled:
		return nil, fmt.Errorf("the run on the load generator was cancelled by somebody else: %s", detail)
	}
	if o.Complaint == "" {
		o.Complaint = detail
	}
	return o, nil
}

// logReader hands on the lines of a log that grows.
type logReader struct {
	read    int64
	partial []byte
	last    string
}

func (l *logReader) follow(ctx context.Context, s *store, show func(string)) {
	data, err := s.get(ctx, logObject, l.read)
	if err != nil {
		return // not there yet, or next time
	}
	l.read += int64(len(data))
	l.partial = append(l.partial, data...)
	for {
		line, rest, whole := bytes.Cut(l.partial, []byte("\n"))
		if !whole {
			return
		}
		l.partial = rest
		l.line(line, show)
	}
}

func (l *logReader) rest(show func(string)) {
	if len(l.partial) > 0 {
		l.line(l.partial, show)
		l.partial = nil
	}
}

// line shows what it has without what would steer a terminal.
func (l *logReader) line(line []byte, show func(string)) {
	text := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(line), "\uFFFD"))
	// An error is what bench says last.
	switch {
	case strings.HasPrefix(text, "bench: "):
		l.last = text
	case l.last != "" && strings.TrimSpace(text) != "":
		l.last += "\n" + text
	}
	show(text)
}
