package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// share is a flag such as 30% or 0.3.
type share float64

func (s *share) String() string { return numeral.Decimal(float64(*s)*100) + "%" }

// Type implements pflag.Value.
func (s *share) Type() string { return "share" }

// Set implements pflag.Value.
func (s *share) Set(text string) error {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return errors.New("expected a share such as 30% or 0.3, up to 100%")
	}
	*s = share(v)
	return nil
}

// costOptions are the flags of bench cost.
type costOptions struct {
	region    string
	rate      float64
	duties    []string
	freeTier  bool
	request   int64
	response  int64
	perConn   float64
	connLasts time.Duration
	rules     int

	duration    time.Duration
	init        time.Duration
	cold        share
	memory      int
	arch        string
	door        string
	provisioned int
	kept        cost.Provisioned // of DIR, where the flag does not say
	logBytes    int64
	zones       int

	instanceRPS  float64
	instanceType string
	headroom     share
	least        int
	autoscaled   bool
	ec2Door      string
	volume       float64
	discount     share
	cpu          share
	managed      bool

	uncertainty share
	redis       string
	engine      string

	prices  string
	plan    string
	named   string // scenario
	rounds  int
	refresh refreshOptions
	json    bool
	csv     bool
}

func (o *costOptions) flags(f *pflag.FlagSet) {
	o.cold, o.headroom, o.uncertainty = 0.01, 0.3, 0.2
	f.Float64Var(&o.rate, "rate", 10, "mean rate in requests/s that the bills are for (with DIR: the rate of the run)")
	f.StringSliceVar(&o.duties, "duty", []string{"even", "business-hours", "bursty"}, "how the load is spread: even, business-hours, bursty (5% of the time at ten times the mean rate),\nor SHARExFACTOR such as 10%x4; the first one is that of the bills")
	f.BoolVar(&o.freeTier, "free-tier", false, "take off what each account has for free for good")
	f.Int64Var(&o.request, "request-bytes", 500, "mean size of a request, headers included")
	f.Int64Var(&o.response, "response-bytes", 500, "mean size of an answer, headers included")
	f.Float64Var(&o.perConn, "requests-per-connection", 10, "requests that a client sends on one connection; only load balancers charge connections")
	f.DurationVar(&o.connLasts, "connection-lasts", time.Minute, "how long a connection lasts, more than 0s")
	f.IntVar(&o.rules, "rules", 0, "rules of the load balancer that each request is held against")
	f.StringVar(&o.region, "region", "us-east-1", "region of the prices")

	f.DurationVar(&o.duration, "duration", 0, "Lambda: mean duration of a request without its init")
	f.DurationVar(&o.init, "init", 100*time.Millisecond, "Lambda: duration of an init")
	f.Var(&o.cold, "cold-fraction", "Lambda: share of the requests that wait for an init, taken to be the same at all rates")
	f.IntVar(&o.memory, "memory", 512, "Lambda: memory in MB")
	f.StringVar(&o.arch, "arch", cost.ARM64, "Lambda: "+cost.ARM64+" or "+cost.X86)
	f.StringVar(&o.door, "front-door", cost.DoorFunctionURL, "Lambda: function_url, http_api, rest_api or alb")
	f.IntVar(&o.provisioned, "provisioned", 0, "Lambda: environments of provisioned concurrency, kept all the time for all requests")
	f.Int64Var(&o.logBytes, "log-bytes", int64(cost.AssumedLogBytes), "Lambda: bytes that a request writes to CloudWatch Logs; by default its START, END and REPORT lines")

	f.Float64Var(&o.instanceRPS, "instance-rps", 0, "EC2: rate in requests/s that one instance takes within the SLO")
	f.StringVar(&o.instanceType, "instance-type", "t4g.small", "EC2: type of the instances (with DIR: that of the run, or of its architecture)")
	f.Var(&o.headroom, "headroom", "EC2: share of that rate that is kept free")
	f.IntVar(&o.least, "min-instances", 2, "EC2: least number of instances, 1 or more")
	f.BoolVar(&o.autoscaled, "autoscaled", false, "EC2: the number of instances follows the load (default: as many as the highest rate needs)")
	f.StringVar(&o.ec2Door, "ec2-front-door", cost.DoorALB, "EC2: alb, or none for one instance with a public address")
	f.IntVar(&o.zones, "zones", cost.DefaultZones, "zones of a load balancer, each with a public address: 2 or more")
	f.Float64Var(&o.volume, "volume-gb", 8, "EC2: gp3 volume of an instance")
	f.Var(&o.discount, "savings-plan", "EC2: what a savings plan takes off the price of the instances")
	f.Var(&o.cpu, "cpu-at-capacity", "EC2: share of its vCPUs that an instance uses at --instance-rps, for the credits of burstable types (default all)")
	f.Lookup("cpu-at-capacity").DefValue = "" // that 0 % stands for all is said in words
	f.BoolVar(&o.managed, "managed-instances", false, "Lambda Managed Instances too")

	f.Var(&o.uncertainty, "uncertainty", "range around --duration and --instance-rps, and around billed times of DIR, that the break-even is given for")
	f.StringVar(&o.redis, "redis", "", "the store that both share, shown apart: a node type such as t4g.micro, TYPExN, or serverless")
	f.StringVar(&o.engine, "redis-engine", cost.EngineValkey, "valkey or redis")

	f.StringVar(&o.prices, "prices", "", pricesUsage)
	f.StringVar(&o.plan, "plan", "", "price a Terraform plan: the output of terraform show -json PLANFILE")
	f.StringVar(&o.named, "scenario", "", "with --plan: estimate the run of this scenario too")
	f.IntVar(&o.rounds, "rounds", 1, "with --scenario: how often all phases are run")
	f.BoolVar(&o.json, "json", false, "print JSON instead of tables")
	f.BoolVar(&o.csv, "csv", false, "print the points of the break-even curves as CSV instead of tables")
	o.refresh.flags(f)
}

// load without its duty.
func (o *costOptions) load() cost.Load {
	return cost.Load{
		Rate: cost.RPS(o.rate), RequestBytes: cost.Bytes(o.request), ResponseBytes: cost.Bytes(o.response),
		RequestsPerConnection: o.perConn, ConnectionSeconds: o.connLasts.Seconds(), Rules: o.rules, FreeTier: o.freeTier,
	}
}

func (o *costOptions) function() cost.Lambda {
	f := cost.Lambda{
		Provisioned: o.kept,
		Region:      o.region, Arch: o.arch, MemoryMB: o.memory, FrontDoor: o.door, Zones: o.zones, LogBytes: cost.Bytes(o.logBytes),
		BilledMS: o.billed(),
	}
	if o.provisioned > 0 {
		f.Provisioned = cost.Provisioned{Environments: o.provisioned, Share: 1}
	}
	return f
}

// billed has its range on the duration, up to the longest that Lambda runs; the init is small beside it.
func (o *costOptions) billed() cost.Interval {
	at := func(factor float64) float64 {
		return cost.BilledMS(min(time.Duration(float64(o.duration)*factor), cost.MaxDuration), o.init, float64(o.cold))
	}
	return cost.Interval{Low: at(1 - float64(o.uncertainty)), Point: at(1), High: at(1 + float64(o.uncertainty))}
}

func (o *costOptions) instances() cost.EC2 {
	return cost.EC2{
		Region: o.region, InstanceType: o.instanceType, Capacity: cost.Within(o.instanceRPS, float64(o.uncertainty)), Headroom: float64(o.headroom),
		MinInstances: o.least, Autoscaled: o.autoscaled, FrontDoor: o.ec2Door, Zones: o.zones, VolumeGB: o.volume,
		PublicIPv4: o.ec2Door == cost.DoorNone, Discount: float64(o.discount), CPUAtCapacity: float64(o.cpu),
	}
}

// store is nil where there is none.
func (o *costOptions) store() (*cost.Redis, error) {
	if o.redis == "" {
		return nil, nil // none is no error
	}
	r := &cost.Redis{Region: o.region, Engine: o.engine, UnitsPerRequest: 1}
	if o.redis == "serverless" {
		return r, nil
	}
	r.Node = o.redis
	// Types such as t4g.xlarge have an x too: only a number after the last one is a count.
	if i := strings.LastIndex(o.redis, "x"); i > 0 {
		if n, err := strconv.Atoi(o.redis[i+1:]); err == nil {
			if n < 1 {
				return nil, fmt.Errorf("--redis %s: expected 1 node or more, got %d", o.redis, n)
			}
			r.Node, r.Nodes = o.redis[:i], n
		}
	}
	return r, nil
}

// parseDuties reads --duty.
func parseDuties(list []string) ([]cost.Duty, error) {
	known := map[string]func() cost.Duty{"even": cost.Even, "business-hours": cost.BusinessHours, "bursty": cost.Bursty}
	var duties []cost.Duty
	for i, text := range list {
		if slices.Contains(list[:i], text) {
			return nil, fmt.Errorf("--duty: %s is given twice", text)
		}
		if d, ok := known[text]; ok {
			duties = append(duties, d())
			continue
		}
		part, factor, ok := strings.Cut(text, "x")
		var s share
		f, err := strconv.ParseFloat(factor, 64)
		if !ok || s.Set(part) != nil || err != nil {
			return nil, fmt.Errorf("--duty %q: expected even, business-hours, bursty, or SHARExFACTOR such as 10%%x4", text)
		}
		d, err := cost.Peak(text, float64(s), f)
		if err != nil {
			return nil, fmt.Errorf("--duty %q: %w", text, err)
		}
		duties = append(duties, d)
	}
	if len(duties) == 0 {
		return nil, errors.New("--duty: expected one at least")
	}
	return duties, nil
}

// only demands that no flag is set that another one leaves without meaning.
func only(f *pflag.FlagSet, what string, allowed ...string) error {
	var errs []error
	f.Visit(func(flag *pflag.Flag) {
		if !slices.Contains(allowed, flag.Name) {
			errs = append(errs, fmt.Errorf("--%s has no meaning with %s", flag.Name, what))
		}
	})
	return errors.Join(errs...)
}
