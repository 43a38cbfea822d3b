package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// emulateOptions are the flags of bench emulate.
type emulateOptions struct {
	name     string
	region   string
	memoryMB int
	timeout  time.Duration
	life     lifeOptions
	limits   limitOptions
	account  accountOptions
	env      []string
	doors    []string
	control  bool
}

func newEmulateCommand(std streams) *cobra.Command {
	var o emulateOptions
	c := &cobra.Command{
		Use:   "emulate [flags] -- BOOTSTRAP [ARG ...]\n  bench emulate [flags] --config FILE",
		Short: "Serve a Lambda bootstrap binary behind local front doors",
		Long: `emulate is the local Lambda service alone, for any bootstrap binary: one process an environment, one request at a time in
each, a new environment when all are busy. It prints one line of JSON with the address of each front door and stays until
SIGINT or SIGTERM. The function sees Lambda's variables and those given by --env, never this shell's. What a role gives it on AWS is
given that way, too: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, but for keys of a user, AWS_SESSION_TOKEN.

Environments live as on Lambda: new ones come at its rate, up to the concurrency, and beyond either a request is throttled as
its front door does that. One that waits for an event gets no CPU; one that has waited for --idle-timeout is ended. An init
that fails is tried again inside the invocation.

Each has its share of CPU, its memory, 1,024 processes, 1,024 open files and a /tmp of its own. Cgroups and mount namespaces need
rights; what cannot be had is told on standard error at the start.

The function's log goes to standard error, with Lambda's START, END and REPORT lines in it.

A front door turns HTTP into events and answers back into HTTP as AWS does: function_url (payload 2.0), http_api (2.0),
rest_api (1.0, stage prod, all media types binary), alb and alb_multi (a target group without and with multi-value headers), and
function_url_stream (a Function URL in RESPONSE_STREAM mode). invoke is the Invoke API, for the AWS CLI and SDKs with an
endpoint of their own: the event is what they send (version 2 of the CLI needs --cli-binary-format raw-in-base64-out for it).
Signatures are accepted and not checked.

With --config a file says which functions there are. They share the account's concurrency and one Invoke API, and HTTP APIs and
load balancers may lead to several of them; flags are the defaults for what the file leaves out:

  account_concurrency: 100
  invoke_port: 9001
  functions:
    - name: texts
      bootstrap: ./texts/bootstrap     # from the folder of this file
      env: {STAGE: local, REDIS_URL: } # without a value: from this shell
      memory_mb: 512
      timeout: 10s
      reserved_concurrency: 10
      front_doors: {function_url: 9002}
    - {name: rest, bootstrap: ./rest/bootstrap}
  apis:
    - name: main
      type: http_api                   # or alb, alb_multi, with path patterns such as /texts/*
      port: 8080
      routes:
        GET /texts/{id}: texts
        ANY /{proxy+}: rest

All listens on 127.0.0.1 unless --listen says otherwise.`,
		Example: `  bench emulate -- ./bootstrap
  bench emulate --env REDIS_URL --env LOG_LEVEL=debug --memory 512 -- ./bootstrap
  bench emulate --env AWS_ACCESS_KEY_ID --env AWS_SECRET_ACCESS_KEY --env AWS_SESSION_TOKEN --region eu-west-1 -- ./bootstrap
  bench emulate --front-door http_api,alb --port http_api=8080 -- ./bootstrap
  bench emulate --name texts --front-door invoke -- ./bootstrap
  aws lambda invoke --endpoint-url http://127.0.0.1:PORT --function-name texts --payload '{}' --log-type Tail out.json
  bench emulate --config lambda.yaml
  bench emulate --watch -- ./bootstrap     # and build it again with: go build -o bootstrap
  bench emulate --reserved-concurrency 10 --scale-rate 100 --request-quota -- ./bootstrap
  bench emulate --provisioned 5 --idle-timeout 1m -- ./bootstrap
  bench emulate --environment-concurrency 16 -- ./bootstrap
  bench emulate --freeze=false --idle-timeout 0 -- ./bootstrap
  bench emulate --memory 1769 --tmp 1024 --log-format json -- ./bootstrap
  bench emulate --limits=false --log-lines=false -- ./bootstrap`,
		Args: func(c *cobra.Command, args []string) error {
			if o.account.config != "" {
				return o.account.only(c, args)
			}
			if len(args) == 0 {
				return usageError{fmt.Errorf("expected a bootstrap binary after --\nSee '%s --help'", c.CommandPath())}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return emulate(c.Context(), std, &o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.name, "name", "function", "name of the function")
	f.StringVar(&o.region, "region", "us-east-1", "region that the function seems to run in")
	f.IntVar(&o.memoryMB, "memory", 512, "memory size in MB, which its share of CPU is in proportion to (1769 MB are one CPU)")
	f.DurationVar(&o.timeout, "timeout", 30*time.Second, "time-out of an invocation")
	o.life.register(c)
	o.account.register(c)
	f.StringArrayVar(&o.env, "env", nil, "variable of the function: NAME=VALUE, or NAME to take it from this shell")
	f.StringSliceVar(&o.doors, "front-door", []string{string(emulator.DoorFunctionURL), string(emulator.DoorInvoke)}, "front doors to open, each on a port of its own")
	f.BoolVar(&o.control, "control", false, "take variables from the first line on standard input, answer each other with the meter, end when it ends")
	if err := errors.Join(
		f.MarkHidden("control"),
		o.limits.register(c),
	); err != nil {
		panic(err)
	}
	completions(c, map[string]cobra.CompletionFunc{"front-door": completeList("front-door", emulateDoors())})
	return c
}

// Lambda's limits, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	minMemoryMB        = 128
	maxMemoryMB        = 10_240
	maxFunctionTimeout = 15 * time.Minute
)

func (o *emulateOptions) validate() error {
	var errs faults
	errs.when(o.memoryMB < minMemoryMB || o.memoryMB > maxMemoryMB, "--memory %d: expected %d to %d", o.memoryMB, minMemoryMB, maxMemoryMB)
	errs.when(o.timeout <= 0 || o.timeout > maxFunctionTimeout, "--timeout %s: expected a duration up to %s", o.timeout, maxFunctionTimeout)
	return errors.Join(append(errs, o.life.validate(), o.limits.validate(), o.account.validate())...)
}

// faults collects what is wrong with flags, so that all of it is told at once.
type faults []error

func (f *faults) when(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func emulate(ctx context.Context, std streams, o *emulateOptions, args []string) (err error) {
	env, envErr := functionEnv(o.env, os.LookupEnv)
	doors, doorErr := frontDoors(o.doors)
	if err := errors.Join(envErr, doorErr, o.validate()); err != nil {
		return usageError{err}
	}
	in := bufio.NewReader(std.in)
	if o.control {
		if err := takeEnv(in, env); err != nil {
			return usageError{err}
		}
	}
	// Who reads the logs may go: a write to standard error fails then, and nothing else. Ignored, the signal would be so in functions, too.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	leaveProcessors()
	ctx, _, stop := watchSignals(ctx, nil)
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	group, err := process.NewGroup(self, reapName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(0)) }()
	cfg := emulator.Config{
		Env: env, FunctionName: o.name, Region: o.region, MemoryMB: o.memoryMB, Timeout: o.timeout, FrontDoors: doors, Group: group, Output: std.err,
	}
	if !o.control {
		cfg.Log = slog.New(slog.NewTextHandler(std.err, nil))
	}
	o.life.apply(&cfg)
	o.limits.apply(&cfg)
	o.account.apply(&cfg)
	var opened *emulation
	if o.account.config != "" {
		opened, err = o.account.open(ctx, cfg)
	} else {
		cfg.Bootstrap, cfg.Args = args[0], args[1:]
		opened, err = openFunction(ctx, cfg)
	}
	if _, ok := errors.AsType[*net.OpError](err); err != nil && !ok {
		return usageError{err} // all but a port that cannot be had is what was given
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.close(500*time.Millisecond)) }()
	if err := json.NewEncoder(std.out).Encode(opened.addresses); err != nil {
		return err
	}
	if o.control {
		return serveControl(ctx, in, std.out, opened.services[0])
	}
	for _, note := range opened.notes() {
		_, _ = fmt.Fprintf(std.err, "Not as on Lambda: %s\n", note)
	}
	if note := o.life.descriptors(); note != "" {
		_, _ = fmt.Fprintf(std.err, "Not as on Lambda: %s\n", note)
	}
	if warning := o.account.warning(); warning != "" {
		_, _ = fmt.Fprintln(std.err, warning)
	}
	_, _ = fmt.Fprintf(std.err, "Serving %s until interrupted (Ctrl-C)\n", opened.what)
	<-ctx.Done()
	signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // the next one does not wait for functions; the reaper ends what is left
	return nil
}

// leaveProcessors lets the service run its own code on half of the processors, rounded up, unless GOMAXPROCS says otherwise: the functions,
// which are other processes, do most of the work, and threads of the service that wake each other for one request cost more
// than they save. Functions run on all processors.
func leaveProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS((runtime.GOMAXPROCS(0) + 1) / 2)
	}
}

// emulation is what emulate serves.
type emulation struct {
	what      string
	addresses any // JSON
	services  []*emulator.Service
	close     func(grace time.Duration) error
}

// openFunction starts one function.
func openFunction(ctx context.Context, cfg emulator.Config) (*emulation, error) {
	service, err := emulator.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &emulation{cfg.Bootstrap, doorURLs(service, cfg.FrontDoors), []*emulator.Service{service}, service.Close}, nil
}

// doorURLs are the addresses of a function's front doors.
func doorURLs(service *emulator.Service, doors []emulator.FrontDoor) map[emulator.FrontDoor]string {
	urls := map[emulator.FrontDoor]string{}
	for _, door := range doors {
		urls[door] = service.URL(door)
	}
	return urls
}

// notes are what is not as on Lambda, of all functions.
func (e *emulation) notes() []string {
	var notes []string
	for _, service := range e.services {
		for _, note := range service.Meter().Notes {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	return notes
}

// frontDoors reads the --front-door flags.
func frontDoors(names []string) ([]emulator.FrontDoor, error) {
	var doors []emulator.FrontDoor
	for _, name := range names {
		door := emulator.FrontDoor(name)
		if !slices.Contains(emulateDoors(), name) {
			return nil, fmt.Errorf("--front-door %q: expected one of %s", name, strings.Join(emulateDoors(), ", "))
		}
		if !slices.Contains(doors, door) {
			doors = append(doors, door)
		}
	}
	if len(doors) == 0 {
		return nil, errors.New("--front-door: expected at least one")
	}
	return doors, nil
}

// emulateDoors are the names of all front doors; doorNames of those that a client of HTTP can be sent to.
func emulateDoors() []string { return append(doorNames(), string(emulator.DoorInvoke)) }

func doorNames() []string {
	var names []string
	for _, d := range emulator.FrontDoors() {
		names = append(names, string(d))
	}
	return names
}

// functionEnv reads the --env flags as docker does.
func functionEnv(flags []string, lookup func(string) (string, bool)) (map[string]string, error) {
	env := map[string]string{}
	var errs faults
	for _, f := range flags {
		name, value, given := strings.Cut(f, "=")
		errs.when(name == "", "--env %q: expected NAME=VALUE or NAME", f)
		if !given {
			var ok bool
			value, ok = lookup(name)
			errs.when(!ok, "--env %s: not set in this environment; give NAME=VALUE, or export it", name)
		}
		env[name] = value
	}
	return env, errors.Join(errs...)
}

// serveControl is how bench's other process asks for the meter: a line in, a line of JSON out. The line "sample" takes a sample of the
// concurrency before. It ends with its input, so that the service cannot outlive who asked for it.
func serveControl(ctx context.Context, in io.Reader, out io.Writer, service *emulator.Service) error {
	ended := make(chan error, 1)
	go func() {
		lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
		for lines.Scan() {
			if lines.Text() == target.ControlSample {
				service.Sample()
			}
			report := target.MeterReport{Meter: service.Meter()}
			if err := service.LastInitError(); err != nil {
				report.InitError = err.Error()
			}
			if err := answers.Encode(report); err != nil {
				ended <- err
				return
			}
		}
		ended <- lines.Err()
	}()
	select {
	case err := <-ended:
		if errors.Is(err, io.ErrClosedPipe) {
			return nil
		}
		return err
	case <-ctx.Done():
		return nil
	}
}
