package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// number is a flag that has a number, or a share, with the least and the most that it may be. They are within what the model takes.
type number struct {
	flag          string
	value         float64
	least, most   float64
	unit          string // of the range; a share is in percent
	share, onlyIf bool   // onlyIf says that the default is outside the range
}

// What one instance may take, in requests/s: within what its range may be in, whatever the uncertainty.
const (
	leastInstanceRPS = 0.01
	mostInstanceRPS  = 1e8
)

const mostBytes = 1 << 40

// longestConnection is a month, the time of a bill.
const longestConnection = cost.HoursPerMonth * time.Hour

// numbers are all of them, in the order of the help text.
func (o *costOptions) numbers() []number {
	return []number{
		{flag: "rate", value: o.rate, most: 1e9, unit: "requests/s"},
		{flag: "request-bytes", value: float64(o.request), most: mostBytes},
		{flag: "response-bytes", value: float64(o.response), most: mostBytes},
		{flag: "requests-per-connection", value: o.perConn, least: 1, most: 1e9},
		{flag: "rules", value: float64(o.rules), most: 1e9},
		{flag: "memory", value: float64(o.memory), least: minMemoryMB, most: maxMemoryMB, unit: "MB"},
		{flag: "provisioned", value: float64(o.provisioned), most: 1e6, unit: "environments"},
		{flag: "log-bytes", value: float64(o.logBytes), most: mostBytes},
		{flag: "instance-rps", value: o.instanceRPS, least: leastInstanceRPS, most: mostInstanceRPS, unit: "requests/s", onlyIf: true},
		{flag: "headroom", value: float64(o.headroom), most: 0.95, share: true},
		{flag: "min-instances", value: float64(o.least), least: 1, most: 1e6, unit: "instances"},
		{flag: "zones", value: float64(o.zones), least: cost.DefaultZones, most: 10, unit: "zones"},
		{flag: "volume-gb", value: o.volume, most: 65536, unit: "GB"},
		{flag: "savings-plan", value: float64(o.discount), most: 0.99, share: true},
		{flag: "cpu-at-capacity", value: float64(o.cpu), least: 0.001, most: 1, share: true, onlyIf: true},
	}
}

// check says what is wrong, with the flag as it can be given.
func (n *number) check(f *pflag.FlagSet) error {
	if n.onlyIf && !f.Changed(n.flag) || n.value >= n.least && n.value <= n.most { // no comparison holds for NaN
		return nil
	}
	if n.share {
		given, least, most := share(n.value), share(n.least), share(n.most)
		return fmt.Errorf("--%s %s: expected %s to %s", n.flag, &given, &least, &most)
	}
	text := fmt.Sprintf("--%s %s: expected %s to %s %s", n.flag, numeral.Decimal(n.value), numeral.Exact(n.least), numeral.Exact(n.most), n.unit)
	return errors.New(strings.TrimRight(text, " "))
}

// validate finds what the flags alone are wrong in.
func (o *costOptions) validate(f *pflag.FlagSet, prices *cost.Table) error {
	var errs faults
	for _, n := range o.numbers() {
		if err := n.check(f); err != nil {
			errs = append(errs, err)
		}
	}
	errs.when(o.duration < 0 || o.duration > cost.MaxDuration, "--duration %s: expected 0s to %s, the longest that Lambda runs", o.duration, cost.MaxDuration)
	errs.when(o.init < 0 || o.init > cost.MaxDuration, "--init %s: expected 0s to %s", o.init, cost.MaxDuration)
	errs.when(o.connLasts <= 0 || o.connLasts > longestConnection, "--connection-lasts %s: expected more than 0s, and %s at most", o.connLasts, longestConnection)
	errs.when(o.uncertainty >= 1, "--uncertainty %s: expected less than 100%%, of which an instance would take nothing", &o.uncertainty)
	errs.when(o.json && o.csv, "--json and --csv: standard output has room for one")
	oneOf := func(flag, value string, known ...string) {
		last := len(known) - 1
		errs.when(!slices.Contains(known, value), "--%s %q: expected %s or %s", flag, value, strings.Join(known[:last], ", "), known[last])
	}
	oneOf("arch", o.arch, cost.ARM64, cost.X86)
	oneOf("front-door", o.door, cost.FunctionDoors()...)
	oneOf("ec2-front-door", o.ec2Door, cost.DoorALB, cost.DoorNone)
	oneOf("redis-engine", o.engine, cost.EngineValkey, cost.EngineRedis)
	return errors.Join(append(errs, o.known(f, prices), o.useless(f))...)
}

// known demands that there are prices of what is named. With --plan the region is only taken where the plan tells none.
func (o *costOptions) known(f *pflag.FlagSet, prices *cost.Table) error {
	var errs faults
	check := func(flag string, err error) { errs.when(err != nil, "--%s: %w", flag, err) }
	if f.Changed("region") && o.plan == "" {
		check("region", prices.CheckRegion(o.region))
	}
	if f.Changed("instance-type") {
		check("instance-type", prices.CheckInstance(o.instanceType))
	}
	if store, err := o.store(); err == nil && store != nil && store.Node != "" {
		check("redis", prices.CheckCacheNode(store.Node))
	}
	return errors.Join(errs...)
}

// useless are flags that others give their meaning to, which are not set.
func (o *costOptions) useless(f *pflag.FlagSet) error {
	var errs []error
	without := func(what string, flags ...string) {
		for _, flag := range flags {
			if f.Changed(flag) {
				errs = append(errs, fmt.Errorf("--%s has no meaning without %s", flag, what))
			}
		}
	}
	switch {
	case o.plan == "":
		without("--refresh", "price-list", "prices-out", "refresh-timeout")
		without("--plan", "scenario", "rounds")
	case o.named == "":
		without("--scenario", "rounds", "duration")
	}
	if o.redis == "" {
		without("--redis", "redis-engine")
	}
	return errors.Join(errs...)
}
