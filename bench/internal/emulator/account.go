package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// AccountConfig is several functions, and what they share.
type AccountConfig struct {
	// Functions have different names. One without FrontDoors has none of its own. Their MaxConcurrency is not looked at.
	Functions []Config
	// MaxConcurrency is the number of requests that may be in work at once in all functions; 0 means 1000. Reserved concurrency is
	// taken off it for the function that has it.
	MaxConcurrency int
	// InvokePort is where the Invoke API of all functions listens; 0 means a free port.
	InvokePort int
	// Host is the IP address of all front doors, as in Config.
	Host string
	// Routers are front doors that lead to several functions.
	Routers []Router
}

// Router is a front door that leads to several functions.
type Router struct {
	Name string
	// Door is DoorHTTPAPI, DoorALB or DoorALBMulti.
	Door FrontDoor
	// Port is where it listens; 0 means a free port.
	Port int
	// Stage is that of an HTTP API; empty means $default.
	Stage  string
	Routes []Route
}

// Account is several running functions. Its methods are safe for concurrent use.
type Account struct {
	services []*Service
	invoke   *listening
	routers  []*listening
}

// StartAccount checks cfg and starts all functions, or none. ctx bounds the start alone.
func StartAccount(ctx context.Context, cfg AccountConfig) (*Account, error) {
	functions, shared, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("starting the lambda service: %w", err)
	}
	a := &Account{}
	for i := range functions {
		s, err := start(ctx, functions[i], shared)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("starting the function %s: %w", functions[i].FunctionName, err), a.Close(0)) //nolint:contextcheck // they close even if ctx is what went wrong
		}
		a.services = append(a.services, s)
	}
	if err := a.open(ctx, &cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the lambda service: %w", err), a.Close(0)) //nolint:contextcheck // as above
	}
	return a, nil
}

// complete fills in what is not set and reports every fault at once.
func (c *AccountConfig) complete() ([]Config, *unreserved, error) {
	var errs []error
	if len(c.Functions) == 0 {
		errs = append(errs, errors.New("no function given"))
	}
	setDefault(&c.MaxConcurrency, defaultMaxConcurrency)
	setDefault(&c.Host, "127.0.0.1")
	errs = append(errs, checkHost(c.Host))
	shared := &unreserved{size: c.MaxConcurrency}
	names := map[string]bool{}
	functions := make([]Config, 0, len(c.Functions))
	for _, fn := range c.Functions {
		fn.MaxConcurrency, fn.Host = c.MaxConcurrency, c.Host
		full, err := fn.withDefaults()
		if err != nil {
			errs = append(errs, fmt.Errorf("function %s: %w", full.FunctionName, err))
		}
		if names[full.FunctionName] {
			errs = append(errs, fmt.Errorf("two functions have the name %s", full.FunctionName))
		}
		names[full.FunctionName] = true
		full.Log = full.Log.With("function", full.FunctionName)
		shared.take(&full)
		functions = append(functions, full)
	}
	if shared.size < 0 {
		errs = append(errs, fmt.Errorf("reserved and provisioned concurrency of all functions are %d over the account's concurrency, %d", -shared.size, c.MaxConcurrency))
	}
	for i := range c.Routers {
		if err := c.Routers[i].check(func(name string) bool { return names[name] }); err != nil {
			errs = append(errs, fmt.Errorf("router %s: %w", c.Routers[i].Name, err))
		}
	}
	return functions, shared, errors.Join(errs...)
}

// open opens the front doors of the account.
func (a *Account) open(ctx context.Context, cfg *AccountConfig) (err error) {
	functions := make([]*function, 0, len(a.services))
	for _, s := range a.services {
		functions = append(functions, s.fn)
	}
	log := cfg.Functions[0].Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	at := func(port int) string { return net.JoinHostPort(cfg.Host, strconv.Itoa(port)) }
	a.invoke, err = listen(ctx, DoorInvoke, at(cfg.InvokePort), log, func(string) http.Handler { return newInvokeAPI(functions...) })
	if err != nil {
		return err
	}
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		var base string
		l, err := listen(ctx, r.Door, at(r.Port), log, func(port string) http.Handler {
			h := newRouter(r, functions, port)
			base = h.refuse.base()
			return h
		})
		if err != nil {
			return err
		}
		l.base = base
		a.routers = append(a.routers, l)
	}
	return nil
}

// Services are the functions, in the order of AccountConfig.Functions.
func (a *Account) Services() []*Service { return a.services }

// InvokeURL is the address of the Invoke API, RouterURL that of the i-th router.
func (a *Account) InvokeURL() string { return a.invoke.url() }

// RouterURL is the address of the i-th of AccountConfig.Routers.
func (a *Account) RouterURL(i int) string { return a.routers[i].url() }

// Close ends all functions at the same time, as Service.Close does.
func (a *Account) Close(grace time.Duration) error {
	errs := make([]error, len(a.services)+1)
	var wg sync.WaitGroup
	for i, s := range a.services {
		wg.Go(func() { errs[i] = s.Close(grace) })
	}
	wg.Wait()
	doors := a.routers
	if a.invoke != nil {
		doors = append([]*listening{a.invoke}, doors...)
	}
	errs[len(a.services)] = closeDoors(doors)
	return errors.Join(errs...)
}

// unreserved is the concurrency that the functions without reserved concurrency share: the requests that are in work, not the
// environments, since those that are idle do not count on AWS (https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html).
// Provisioned concurrency is taken off it at once, and what is over it in a function counts. That AWS keeps 100 from being
// reserved is not imitated, nor that the request-rate quota is one of the account.
type unreserved struct {
	mu   sync.Mutex
	size int
	used int
}

// take takes off what belongs to one function.
func (u *unreserved) take(c *Config) {
	if c.ReservedConcurrency != nil {
		u.size -= *c.ReservedConcurrency
		return
	}
	u.size -= c.Provisioned
}

// enterShared counts a request to a function that shares its concurrency.
func (f *function) enterShared() error {
	if f.cfg.ReservedConcurrency != nil {
		return nil
	}
	u := f.shared
	u.mu.Lock()
	defer u.mu.Unlock()
	if f.inFlight >= f.cfg.Provisioned {
		if u.used >= u.size {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.throttle(throttledConcurrency)
		}
		u.used++
	}
	f.inFlight++
	return nil
}

func (f *function) leaveShared() {
	if f.cfg.ReservedConcurrency != nil {
		return
	}
	u := f.shared
	u.mu.Lock()
	defer u.mu.Unlock()
	if f.inFlight--; f.inFlight >= f.cfg.Provisioned {
		u.used--
	}
}
