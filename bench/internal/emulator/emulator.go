// Package emulator is a local Lambda service: it runs a real bootstrap binary the way Lambda does, with a Function URL, API
// Gateway, an Application Load Balancer or Lambda's own Invoke API in front of it, without containers and without an AWS account.
// Start runs one function, StartAccount several.
//
// # What it does as Lambda does
//
// An environment is one process of the bootstrap, with a Runtime API of its own. It handles one request at a time. A
// request takes the idle environment that was used last; when all are busy it causes a new one, waits for the init of that
// one and for no other, even if another comes free in the meantime. So a burst of n requests costs n cold starts. Beyond
// the concurrency, and the rate at which Lambda adds environments, requests are throttled. An init that fails is tried again
// inside the invocation, under the function's time-out. A function that crashes, or outlives its time-out, loses its
// environment. A client that goes away changes nothing: the invocation runs to its end.
//
// With Config.EnvironmentConcurrency an environment takes several events at once, as on Lambda Managed Instances.
//
// # Where it differs, on purpose
//
//   - No more than Config.MaxStarting bootstraps are in their init at once, since here all share one machine. The time that
//     requests spend waiting for their turn is measured apart from the init (Meter.StartWaitUS).
//   - A client next door can send its next request before the environment that answered it has asked for more work. The
//     network between client and Lambda hides that instant on AWS. Here such a request waits up to 100 ms for an
//     environment that has answered but not asked again, before it causes a cold start.
//   - Idle environments are frozen 5 ms after they have become idle, not at once, so that a client next door does not pay for a
//     thaw at each request. By signals a process that has left its group is not frozen (Meter.Freezer tells the way).
//   - On Managed Instances a request that finds no room is rejected until others start in the background; here it causes a new
//     environment and waits for it, and so do all that find room in the same one.
//   - A provisioned environment that cannot be initialised is tried again after 1 s, and ever longer up to a minute.
//   - An event that a dying environment has not read is given to another one, once.
//   - Front doors have no time-outs of their own, and no limit of headers but net/http's; streams are not slowed down after
//     their first 6 MB. Front doors speak HTTP/1.1 without TLS and tell functions so. What else each of them does in its own way,
//     and where AWS does not say what it does, is written at its type.
//   - Freezing, reclaiming and the limits of CPU, memory, processes, files and /tmp are there if asked for (Config.Freeze,
//     Config.IdleTimeout, Config.Limits), the limits as far as this process has the rights (Meter.Notes). An environment that
//     takes the place of one that has ended has a new /tmp; Lambda keeps the old one.
package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// Limits of Lambda that callers may want to show or test against.
const (
	// MaxPayload is the greatest event and the greatest answer in bytes.
	MaxPayload = 6*1024*1024 + 100

	defaultMemoryMB       = 128
	defaultTimeout        = 30 * time.Second
	defaultInitTimeout    = 10 * time.Second
	defaultMaxConcurrency = 1000
	maxTimeout            = 900 * time.Second
)

// ErrClosed tells that the service has been closed.
var ErrClosed = errors.New("lambda service is closed")

// Config says what function to run and how. Only Bootstrap and Group are required.
type Config struct {
	// Bootstrap is the path of the function's program, Args its arguments (Lambda gives none).
	Bootstrap string
	Args      []string
	// Env are the function's own variables, up to 4 KB in all, and the credentials of its role. The host's are never handed on, other names
	// that Lambda reserves are refused.
	Env map[string]string
	// Extensions is a folder whose files are started as external extensions in each environment, before the bootstrap; AWS has them in
	// /opt/extensions. Empty means none.
	Extensions string
	// FunctionName is "function" if empty, Region "us-east-1".
	FunctionName string
	Region       string
	// MemoryMB is told to the function and, with Limits, is its limit. 128 to 10240, 0 means 128.
	MemoryMB int
	// Timeout of an invocation, up to 15 minutes; 0 means 30 s.
	Timeout time.Duration
	// InitTimeout is the time from start to the first request for an event; 0 means 10 s, and 130 s or Timeout, whichever is more, for
	// environments that are provisioned or take several events at once. The second try of an init has Timeout.
	InitTimeout time.Duration
	// MaxConcurrency is the number of environments that may exist at once, the account's limit; 0 means 1000.
	MaxConcurrency int
	// ReservedConcurrency is that number for this function; nil means that it has none of its own, 0 that every request is throttled.
	ReservedConcurrency *int
	// ScaleRate is how many new environments requests may cause in 10 s; 0 means 1000.
	ScaleRate int
	// RateQuota limits requests to ten times the concurrency a second, as Lambda does. How many may come at once is not
	// documented; here it is those of one second.
	RateQuota bool
	// Provisioned is the number of environments that are initialised before the first request and kept. It is part of the
	// concurrency.
	Provisioned int
	// EnvironmentConcurrency is how many events an environment takes at once, as on Lambda Managed Instances; 0 means 1. The
	// function is told by AWS_LAMBDA_MAX_CONCURRENCY, and must ask for so many.
	EnvironmentConcurrency int
	// Freeze stops the processes of environments that wait for an event.
	Freeze bool
	// IdleTimeout is how long an environment may wait for an event before it is ended; 0 means forever. Provisioned ones are kept.
	IdleTimeout time.Duration
	// Watch lets new environments run the bootstrap as it is then: when its file changes, idle environments are ended, and busy ones after
	// their work.
	Watch bool
	// MaxStarting is the number of environments that may be in their init at once; 0 means two for each CPU.
	MaxStarting int
	// Group starts the processes.
	Group *process.Group
	// Log gets what goes wrong with environments; nil discards it.
	Log *slog.Logger
	// Output gets the standard output and error of all environments, in whole lines; nil discards it. One that does not take them
	// holds functions up for a second at most, then lines are lost.
	Output io.Writer
	// LogLines adds Lambda's own lines to Output: START, END, REPORT and INIT_REPORT, or their JSON.
	LogLines bool
	// LogFormat is the format of these lines; empty means LogText.
	LogFormat LogFormat
	// Limits holds environments within Lambda's limits of CPU, memory, processes, open files and /tmp, as far as this process may. What
	// it may not is in Meter.Notes.
	Limits bool
	// TmpMB is the size of /tmp in MB, 512 to 10240; 0 means 512. It only counts with Limits.
	TmpMB int
	// AsyncRetries is how often an event of the invocation type Event is tried again after the function has failed; nil means 2, as on
	// Lambda. AsyncRetryWait is the time before the first of them, and twice that before the second; 0 means one minute.
	// AsyncMaxAge is how long an event may wait in all; 0 means six hours.
	AsyncRetries   *int
	AsyncRetryWait time.Duration
	AsyncMaxAge    time.Duration
	// FrontDoors are the ways in; none means DoorFunctionURL alone.
	FrontDoors []FrontDoor
	// Addr is where the first front door listens, a loopback address; empty means a free port of Host. The others choose a free port
	// unless Ports has one for them.
	Addr  string
	Ports map[FrontDoor]int
	// Host is the IP address of the front doors; empty means 127.0.0.1. At one that is not loopback whoever reaches this machine can run
	// the function: nothing is asked for in the way of a signature.
	Host string
	// HTTPAPIStage is the stage of DoorHTTPAPI; empty means $default, which is not part of the path.
	HTTPAPIStage string
	// RESTAPIStage is the stage of DoorRESTAPI; empty means prod.
	RESTAPIStage string
	// RESTAPIText is DoorRESTAPI without binary media types, as a REST API is on AWS if none are configured: bodies are text.
	RESTAPIText bool
}

// withDefaults fills in what is not set and reports every fault at once.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.Group == nil {
		errs = append(errs, errors.New("no process group given"))
	}
	if path, err := filepath.Abs(c.Bootstrap); err != nil {
		errs = append(errs, err)
	} else {
		c.Bootstrap = path
		errs = append(errs, checkBootstrap(path))
	}
	errs = append(errs, checkExtensions(&c), checkEnv(c.Env), checkLoopback(c.Addr), checkHost(c.Host), checkDoors(&c), checkNames(&c))
	if c.MemoryMB != 0 && (c.MemoryMB < 128 || c.MemoryMB > 10240) {
		errs = append(errs, fmt.Errorf("memory of %d MB is not between 128 and 10240", c.MemoryMB))
	}
	if c.TmpMB != 0 && (c.TmpMB < minTmpMB || c.TmpMB > maxTmpMB) {
		errs = append(errs, fmt.Errorf("/tmp of %d MB is not between %d and %d", c.TmpMB, minTmpMB, maxTmpMB))
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		errs = append(errs, fmt.Errorf("time-out %v is not between 0 and %v", c.Timeout, maxTimeout))
	}
	if c.InitTimeout < 0 || c.MaxConcurrency < 0 || c.MaxStarting < 0 || c.ScaleRate < 0 || c.IdleTimeout < 0 {
		errs = append(errs, errors.New("a limit is negative"))
	}
	setDefault(&c.TmpMB, defaultTmpMB)
	setDefault(&c.LogFormat, LogText)
	errs = append(errs, checkLog(&c))
	setDefault(&c.FunctionName, "function")
	setDefault(&c.Region, "us-east-1")
	setDefault(&c.MemoryMB, defaultMemoryMB)
	setDefault(&c.Timeout, defaultTimeout)
	setDefault(&c.MaxConcurrency, defaultMaxConcurrency)
	setDefault(&c.ScaleRate, defaultScaleRate)
	setDefault(&c.EnvironmentConcurrency, 1)
	errs = append(errs, c.asyncDefaults())
	errs = append(errs, checkConcurrency(&c))
	setDefault(&c.MaxStarting, 2*runtime.GOMAXPROCS(0))
	setDefault(&c.Host, "127.0.0.1")
	setDefault(&c.HTTPAPIStage, defaultStage)
	setDefault(&c.RESTAPIStage, "prod")
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// maxEnvironmentConcurrency bounds how many events one environment takes at once. Lambda's limit depends on the vCPUs.
const maxEnvironmentConcurrency = 1600

// checkConcurrency reports limits that cannot be, or contradict each other.
func checkConcurrency(c *Config) error {
	var errs []error
	if r := c.ReservedConcurrency; r != nil && (*r < 0 || *r > c.MaxConcurrency) {
		errs = append(errs, fmt.Errorf("reserved concurrency of %d is not between 0 and the account's concurrency, %d", *r, c.MaxConcurrency))
	}
	if c.Provisioned < 0 || c.Provisioned > c.limit() {
		errs = append(errs, fmt.Errorf("provisioned concurrency of %d is not between 0 and the function's concurrency, %d", c.Provisioned, c.limit()))
	}
	if n := c.EnvironmentConcurrency; n < 1 || n > maxEnvironmentConcurrency {
		errs = append(errs, fmt.Errorf("%d events at once in an environment are not between 1 and %d", n, maxEnvironmentConcurrency))
	}
	return errors.Join(errs...)
}

// checkLoopback refuses addresses that others could reach.
func checkLoopback(addr string) error {
	if addr == "" {
		return nil
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || !ap.Addr().IsLoopback() {
		return fmt.Errorf("address %q is not a loopback IP and port", addr)
	}
	return nil
}

// checkNames refuses names that could not be part of an ARN.
func checkNames(c *Config) error {
	var errs []error
	if c.FunctionName != "" && (!isName(c.FunctionName) || len(c.FunctionName) > 64) {
		errs = append(errs, fmt.Errorf("function name %q is not of letters, digits, - and _, up to 64", c.FunctionName))
	}
	if c.Region != "" && (!isName(c.Region) || strings.Contains(c.Region, "_")) {
		errs = append(errs, fmt.Errorf("region %q is not of letters, digits and -", c.Region))
	}
	return errors.Join(errs...)
}

// checkHost refuses what is no IP address.
func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); host != "" && err != nil {
		return fmt.Errorf("host %q is not an IP address", host)
	}
	return nil
}

// addrOf is where the i-th front door listens.
func (c *Config) addrOf(i int) string {
	port, given := c.Ports[c.FrontDoors[i]]
	if i == 0 && !given && c.Addr != "" {
		return c.Addr
	}
	return net.JoinHostPort(c.Host, strconv.Itoa(port))
}

// Service is a running function. Its methods are safe for concurrent use.
type Service struct {
	fn    *function
	doors []*listening
}

// Start checks cfg, initialises the provisioned environments and opens the front doors. No other environment is started before the
// first request. ctx bounds the start alone.
func Start(ctx context.Context, cfg Config) (*Service, error) {
	if len(cfg.FrontDoors) == 0 {
		cfg.FrontDoors = []FrontDoor{DoorFunctionURL}
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("starting the lambda service: %w", err)
	}
	s, err := start(ctx, cfg, nil)
	if err != nil {
		return nil, fmt.Errorf("starting the lambda service: %w", err)
	}
	return s, nil
}

// start starts a function whose configuration is complete; shared is what it shares with others, nil if there are none.
func start(ctx context.Context, cfg Config, shared *unreserved) (_ *Service, err error) {
	s := &Service{fn: newFunction(cfg)}
	s.fn.shared = shared
	if cfg.Watch {
		s.fn.reload = new(reload)
		s.fn.reload.open(cfg.Bootstrap)
		s.fn.workers.Go(s.fn.watchBootstrap)
	}
	s.fn.workers.Go(s.fn.watchConcurrency)
	s.fn.workers.Go(s.fn.watchMemory)
	s.fn.provision(ctx)
	if s.doors, err = openDoors(ctx, s.fn); err != nil {
		s.fn.close(0)
		return nil, err
	}
	return s, nil
}

// URL is the address of a front door, without a slash at its end but with its stage, if that is part of the path. It is empty
// if the door is not open.
func (s *Service) URL(name FrontDoor) string {
	for _, d := range s.doors {
		if d.name == name {
			return d.url()
		}
	}
	return ""
}

// Meter is what has happened so far.
func (s *Service) Meter() Meter { return s.fn.readMeter() }

// Sample adds a sample of now to Meter.Concurrency, so that what comes next is told apart from what was before.
func (s *Service) Sample() { s.fn.sampleConcurrency() }

// LastInitError is the last failure of an init, nil if none has failed. It explains answers with status 502 to people
// whose bootstrap cannot start.
func (s *Service) LastInitError() *InitError {
	s.fn.mu.Lock()
	defer s.fn.mu.Unlock()
	return s.fn.lastInitError
}

// Close ends all environments at once, each with the given grace between SIGTERM and SIGKILL (Lambda gives up to 2 s),
// then the front doors. Requests in flight get an answer if their function gives one in time, else a failure. Later calls
// wait for the first one and do nothing else.
func (s *Service) Close(grace time.Duration) error {
	s.fn.close(grace)
	err := closeDoors(s.doors)
	s.fn.handlers.Wait()
	if err != nil {
		return fmt.Errorf("closing the lambda service: %w", err)
	}
	return nil
}
