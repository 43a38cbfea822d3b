package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// accountOptions are the flags of bench emulate about several functions, where they listen, how events wait, and new programs.
type accountOptions struct {
	config       string
	listen       string
	ports        map[string]int
	asyncRetries int
	asyncWait    time.Duration
	watch        bool
	restText     bool
}

func (o *accountOptions) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "file with several functions")
	f.StringVar(&o.listen, "listen", "127.0.0.1", "IP address that front doors listen at; at any but a loopback address others can run the functions")
	f.StringToIntVar(&o.ports, "port", nil, "port of a front door, such as http_api=8080; the others choose a free one")
	f.BoolVar(&o.restText, "rest-api-text", false, "rest_api without binary media types, as on AWS if none are configured: bodies come as text and not in base64")
	f.BoolVar(&o.watch, "watch", false, "run new environments from the bootstrap as it is then: when the file changes, the others are ended after their work")
	f.IntVar(&o.asyncRetries, "async-retries", 2, "further tries of an event of the invocation type Event that failed")
	f.DurationVar(&o.asyncWait, "async-retry-wait", time.Minute, "time before the first of them; twice that before the second")
}

func (o *accountOptions) validate() error {
	var errs faults
	_, err := netip.ParseAddr(o.listen)
	errs.when(err != nil, "--listen %q: expected an IP address such as 127.0.0.1 or 0.0.0.0", o.listen)
	for _, name := range slices.Sorted(maps.Keys(o.ports)) {
		port := o.ports[name]
		errs.when(!slices.Contains(emulateDoors(), name), "--port %s=%d: expected one of %s and a port", name, port, strings.Join(emulateDoors(), ", "))
		errs.when(port < 0 || port > 65535, "--port %s=%d: expected a port from 0 to 65535", name, port)
	}
	errs.when(o.asyncRetries < 0 || o.asyncRetries > 2, "--async-retries %d: expected 0 to 2", o.asyncRetries)
	errs.when(o.asyncWait <= 0 || o.asyncWait > time.Hour, "--async-retry-wait %s: expected a duration up to %s", o.asyncWait, time.Hour)
	return errors.Join(errs...)
}

// only refuses what a file says for each function.
func (o *accountOptions) only(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("--config and a bootstrap binary: the file says which\nSee '%s --help'", c.CommandPath())}
	}
	for _, name := range []string{"name", "front-door", "port", "control", "reserved-concurrency", "provisioned"} {
		if c.Flags().Changed(name) {
			return usageError{fmt.Errorf("--config and --%s: the file says that for each function\nSee '%s --help'", name, c.CommandPath())}
		}
	}
	return nil
}

// apply sets what the flags say.
func (o *accountOptions) apply(c *emulator.Config) {
	c.Host, c.Watch, c.RESTAPIText = o.listen, o.watch, o.restText
	c.AsyncRetries, c.AsyncRetryWait = &o.asyncRetries, o.asyncWait
	c.Ports = map[emulator.FrontDoor]int{}
	for name, port := range o.ports {
		c.Ports[emulator.FrontDoor(name)] = port
	}
}

// warning is what to say about an address that others can reach, "" if it is loopback.
func (o *accountOptions) warning() string {
	if addr, err := netip.ParseAddr(o.listen); err == nil && !addr.IsLoopback() {
		return "Listening at " + o.listen + ": whoever reaches it can run the functions, without credentials"
	}
	return ""
}

// open starts the functions of the file.
func (o *accountOptions) open(ctx context.Context, base emulator.Config) (*emulation, error) {
	data, err := os.ReadFile(o.config)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	base.FunctionName, base.FrontDoors, base.Ports = "", nil, nil
	cfg, err := emulator.ParseConfig(o.config, data, base, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	labelLogs(cfg.Functions)
	account, err := emulator.StartAccount(ctx, *cfg)
	if err != nil {
		return nil, err
	}
	addresses := accountAddresses{
		Invoke: account.InvokeURL(), Functions: map[string]map[emulator.FrontDoor]string{}, APIs: map[string]string{},
	}
	names := make([]string, 0, len(cfg.Functions))
	for i, service := range account.Services() {
		name := cfg.Functions[i].FunctionName
		names = append(names, name)
		addresses.Functions[name] = doorURLs(service, cfg.Functions[i].FrontDoors)
	}
	for i := range cfg.Routers {
		addresses.APIs[cfg.Routers[i].Name] = account.RouterURL(i)
	}
	return &emulation{strings.Join(names, ", "), addresses, account.Services(), account.Close}, nil
}

// accountAddresses is the line that is printed for a file: the Invoke API, the front doors of each function, and those that functions share.
type accountAddresses struct {
	Invoke    string                                   `json:"invoke"`
	Functions map[string]map[emulator.FrontDoor]string `json:"functions"`
	APIs      map[string]string                        `json:"apis"`
}
