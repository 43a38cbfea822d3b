package cost_test

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// readPlan reads what terraform 1.11 wrote: plan.json for a small configuration that has one of each, stack.json for the configuration in
// terraform/ with a load generator and an HTTP API. Both were planned against a provider that serves the schema of the AWS provider 6.66.0 and
// calls nothing (terraform/internal/schemaprovider). What is not read is cut off.
func readPlan(t *testing.T, name string) *cost.Plan {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cost.ParsePlan(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlanIsPriced(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "plan.json")
	if p.Region != "us-east-1" {
		t.Errorf("region %q: it is that of the provider, by a variable", p.Region)
	}
	c, err := p.Cost(cost.Embedded(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range c.Fixed.Lines {
		got[l.Item] = cents(*l.USD)
	}
	// By hand, from the prices and 730 hours.
	want := map[string]string{
		"aws_eip.nat: public IPv4": "3.65",
		"aws_elasticache_replication_group.main: 2 cache.t4g.micro, valkey":                      "18.69", // 2 x 0.0128
		"aws_elasticache_serverless_cache.main: serverless storage, the least that is charged":   "6.13",  // 0.1 GB x 0.084
		"aws_instance.load_generator: c7g.large":                                                 "52.93", // 0.0725 x 730 = 52.925
		"aws_instance.load_generator: volume, gp3":                                               "1.60",
		"aws_instance.load_generator: public IPv4":                                               "3.65",
		"aws_nat_gateway.main: NAT gateway":                                                      "32.85",
		"aws_vpc_endpoint.ssm: interface endpoint, one a zone":                                   "21.90", // 3 subnets
		"module.ec2.aws_autoscaling_group.app: 2 t4g.small":                                      "24.53",
		"module.ec2.aws_autoscaling_group.app: volume, gp3":                                      "1.28",
		"module.ec2.aws_lb.app: load balancer":                                                   "16.43",
		"module.ec2.aws_lb.app: public IPv4, one a zone":                                         "10.95", // 3 subnets
		"module.lambda.aws_lambda_provisioned_concurrency_config.live: 5 environments of 512 MB": "21.90", // 2.5 GB x 2,628,000 s x 0.0000033334
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var named []string
	for _, i := range c.Unpriced {
		named = append(named, i.Address)
	}
	if diff := cmp.Diff([]string{"aws_ecs_service.surprise", "aws_kms_key.main", "module.ec2.aws_autoscaling_policy.cpu"}, named); diff != "" {
		t.Errorf("named as unpriced (-want +got)\n%s", diff)
	}
	if n := len(c.ByUse); n != 8 {
		t.Errorf("%d by use: %v", n, c.ByUse)
	}
	if c.Free == 0 || c.Fixed.Total == nil {
		t.Errorf("free %d, total %v", c.Free, c.Fixed.Total)
	}
}

func TestPlanOfTheStack(t *testing.T) {
	t.Parallel()
	p := readPlan(t, "stack.json")
	c, err := p.Cost(cost.Embedded(), "")
	if err != nil {
		t.Fatal(err)
	}
	// A t4g.small with 8 GB, the load balancer in two zones, a c7g.large with 16 GB and an address, two endpoints in one zone, one node of Valkey.
	want := 730*(0.0168+0.0225+2*0.005+0.0725+0.005+2*0.01+0.0128) + 24*0.08
	if c.Fixed.Total == nil || math.Abs(float64(*c.Fixed.Total)-want) > 1e-9 {
		t.Errorf("a month costs %v, by hand %g: %+v", c.Fixed.Total, want, c.Fixed.Lines)
	}
	if len(c.Unpriced) != 0 || len(c.ByUse) != 11 || len(c.Fixed.Caveats) != 0 {
		t.Errorf("unpriced %v, by use %v, caveats %v", c.Unpriced, c.ByUse, c.Fixed.Caveats)
	}
	targets := []cost.RunTarget{
		{Name: "ec2", Region: "us-east-1", Arch: "arm64", InstanceType: "t4g.small", Instances: 1, FrontDoor: "alb", Balancer: "module.ec2.aws_lb.this[0]"},
		{Name: "lambda", Function: true, Region: "us-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: "http_api"},
	}
	if diff := cmp.Diff(targets, p.Targets("")); diff != "" {
		t.Errorf("targets (-want +got)\n%s", diff)
	}
}

func TestPlannedRun(t *testing.T) {
	t.Parallel()
	targets := readPlan(t, "plan.json").Targets("")
	want := []cost.RunTarget{
		{Name: "ec2", Region: "us-east-1", Arch: "arm64", InstanceType: "t4g.small", Instances: 2, FrontDoor: "alb", Balancer: "module.ec2.aws_lb.app"},
		{Name: "lambda", Function: true, Region: "us-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: "function_url"},
	}
	if diff := cmp.Diff(want, targets); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	for i := range targets {
		targets[i].Requests, targets[i].Duration = 7400, time.Hour
	}
	e, err := cost.EstimateRun(cost.Embedded(), targets)
	if err != nil {
		t.Fatal(err)
	}
	// Two hours of a t4g.small, its volume of 8 GB, both vCPUs at 100 % above 20 %, a load balancer with two addresses and its LCUs by connections.
	lcu := 7400.0 / 3600 / 25
	ec2 := 2*0.0168 + 2*8.0/730*0.08 + 2*2*0.8*0.04 + 0.0225 + 2*0.005 + lcu*0.008
	lambda := 7400*0.2e-6 + 7400*0.1*0.5*0.0000133334 + 7400*350.0/(1<<30)*0.5
	if got := float64(*e.Total); math.Abs(got/(ec2+lambda)-1) > 1e-9 {
		t.Errorf("the run costs %g, by hand %g", got, ec2+lambda)
	}
	if len(e.Caveats) == 0 || !strings.Contains(strings.Join(e.Caveats, " "), "assumed to be billed for 100 ms") {
		t.Errorf("assumptions are not told: %v", e.Caveats)
	}
}

// Where there are no prices nothing is known, which is no reason not to deploy, or to run.
func TestPlaceWithoutPrices(t *testing.T) {
	t.Parallel()
	known := cost.RunTarget{Name: "known", Function: true, Region: "us-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: cost.DoorFunctionURL, Requests: 1e6, Duration: time.Hour}
	for name, tt := range map[string]struct {
		change func(*cost.RunTarget)
		lacks  string
	}{
		"region":        {func(r *cost.RunTarget) { r.Region = "ca-west-1" }, "no price is known for anything in ca-west-1"},
		"instance type": {func(r *cost.RunTarget) { r.Function, r.FrontDoor, r.InstanceType = false, cost.DoorALB, "m9x.large" }, "no price is known for m9x.large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := known
			other.Name = "other"
			tt.change(&other)
			e, err := cost.EstimateRun(cost.Embedded(), []cost.RunTarget{known, other})
			if err != nil {
				t.Fatal(err)
			}
			if e.Total != nil || e.AtLeast != *e.Targets[0].Total || !strings.Contains(strings.Join(e.Caveats, " "), "other: no total, as "+tt.lacks) {
				t.Errorf("total %v, at least %v, caveats %q", e.Total, e.AtLeast, e.Caveats)
			}
		})
	}
	data, err := os.ReadFile("testdata/stack.json")
	if err != nil {
		t.Fatal(err)
	}
	p, err := cost.ParsePlan("stack.json", []byte(strings.ReplaceAll(string(data), "us-east-1", "ca-west-1")))
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Cost(cost.Embedded(), "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Fixed.Total != nil || len(c.Fixed.Lines) != 10 || !strings.Contains(c.Fixed.Caveats[0], "no prices for ca-west-1 here; a file of bench cost --refresh --region ca-west-1") {
		t.Errorf("a month costs %v in %d lines, caveats %q", c.Fixed.Total, len(c.Fixed.Lines), c.Fixed.Caveats)
	}
	if _, err := readPlan(t, "plan.json").Cost(cost.Embedded(), "nowhere"); err != nil {
		t.Errorf("the plan tells its region: %v", err)
	}
	if p, err = cost.ParsePlan("p", []byte(`{"format_version":"1.2","planned_values":{"root_module":{}}}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Cost(cost.Embedded(), "us-est-1"); err == nil || !strings.Contains(err.Error(), `no prices for region "us-est-1"`) {
		t.Errorf("a region that is misspelt: %v", err)
	}
}

// A load balancer that both are behind is there once; what each sends through it adds up.
func TestSharedBalancerIsPaidOnce(t *testing.T) {
	t.Parallel()
	targets := []cost.RunTarget{
		{Name: "ec2", Region: "us-east-1", Arch: "arm64", InstanceType: "t4g.small", FrontDoor: cost.DoorALB, Requests: 3600, Duration: 30 * time.Minute},
		{Name: "lambda", Function: true, Region: "us-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: cost.DoorALB, Requests: 3600, Duration: 30 * time.Minute},
	}
	estimate := func(balancers ...string) (total float64, caveats string) {
		for i, b := range balancers {
			targets[i].Balancer = b
		}
		e, err := cost.EstimateRun(cost.Embedded(), targets)
		if err != nil {
			t.Fatal(err)
		}
		return float64(*e.Total), strings.Join(e.Caveats, " ")
	}
	// An hour that is begun is charged for the load balancer, its two addresses by the second.
	const hours = 0.0225 + 2*0.005/2
	two, silent := estimate("a", "b")
	unnamed, _ := estimate("", "")
	one, told := estimate("a", "a")
	if math.Abs(two-one-hours) > 1e-12 || two != unnamed {
		t.Errorf("with one load balancer %g, with two %g, with two that have no names %g: want %g less with one", one, two, unnamed, hours)
	}
	if text := "lambda: the hours of its load balancer are in the figures of ec2"; !strings.Contains(told, text) || strings.Contains(silent, text) {
		t.Errorf("with one it says %q, with two %q", told, silent)
	}
}

func TestRunWithoutAPriceHasNoTotal(t *testing.T) {
	t.Parallel()
	r := cost.RunTarget{Name: "l", Function: true, Region: "sa-east-1", Arch: "arm64", MemoryMB: 512, FrontDoor: cost.DoorALB, Requests: 1000, Duration: time.Minute}
	e, err := cost.EstimateRun(cost.Embedded(), []cost.RunTarget{r})
	if err != nil {
		t.Fatal(err)
	}
	if e.Total != nil || e.AtLeast <= 0 {
		t.Errorf("total %v, at least %g: a load balancer in sa-east-1 has no price", e.Total, e.AtLeast)
	}
	for name, change := range map[string]func(*cost.RunTarget){
		"no time":   func(r *cost.RunTarget) { r.Duration = 0 },
		"requests":  func(r *cost.RunTarget) { r.Requests = -1 },
		"region":    func(r *cost.RunTarget) { r.Region = "" },
		"memory":    func(r *cost.RunTarget) { r.MemoryMB = 0 },
		"instances": func(r *cost.RunTarget) { r.Function = false; r.InstanceType = "" },
	} {
		bad := r
		change(&bad)
		if e, err := cost.EstimateRun(cost.Embedded(), []cost.RunTarget{bad}); err == nil {
			t.Errorf("%s: accepted: %+v", name, e)
		}
	}
	idle := r
	idle.Requests, idle.FrontDoor = 0, cost.DoorFunctionURL
	if e, err := cost.EstimateRun(cost.Embedded(), []cost.RunTarget{idle}); err == nil && (e.Total == nil || *e.Total != 0) {
		t.Errorf("a function without requests costs %v", e.Total)
	}
}

// TestPlanOfOddResources has what the real plan lacks.
func TestPlanOfOddResources(t *testing.T) {
	t.Parallel()
	resource := func(kind, values string) string {
		return `{"address":"` + kind + `.x","mode":"managed","type":"` + kind + `","name":"x","values":` + values + `}`
	}
	for name, c := range map[string]struct {
		resources   string
		cents       string // of the fixed costs
		unpriced    int
		use, caveat string
	}{
		"group without its template":  {resource("aws_autoscaling_group", `{"min_size":2}`), "0.00", 1, "", ""},
		"group that starts with none": {resource("aws_autoscaling_group", `{"min_size":0}`), "0.00", 0, "starts with none", ""},
		"group by its least size": {
			resource("aws_autoscaling_group", `{"min_size":3}`) + "," + resource("aws_launch_template", `{"instance_type":"m7g.medium","network_interfaces":[{"associate_public_ip_address":"true"}]}`),
			"100.30", 0, "", "set by their image", // 3 x (0.0408 + 0.005) x 730
		},
		"internal load balancer":       {resource("aws_lb", `{"internal":true}`), "16.43", 0, "LCU", ""},
		"load balancer without zones":  {resource("aws_lb", `{}`), "23.73", 0, "LCU", "2 are assumed"},
		"network load balancer":        {resource("aws_lb", `{"load_balancer_type":"network"}`), "0.00", 1, "", ""},
		"instance type not priced":     {resource("aws_instance", `{"instance_type":"u-24tb1.metal"}`), "n/a", 0, "", ""},
		"disk of another type":         {resource("aws_ebs_volume", `{"type":"io2","size":10}`), "0.00", 1, "", ""},
		"disk with more of all":        {resource("aws_ebs_volume", `{"type":"gp3","size":100,"iops":4000,"throughput":225}`), "17.00", 0, "", ""}, // 8 + 5 + 4
		"cluster mode":                 {resource("aws_elasticache_replication_group", `{"engine":"redis","node_type":"cache.t4g.small","num_node_groups":2,"replicas_per_node_group":1}`), "93.44", 0, "", ""},
		"memcached":                    {resource("aws_elasticache_cluster", `{"engine":"memcached","node_type":"cache.t4g.small","num_cache_nodes":2}`), "0.00", 1, "", ""},
		"serverless with a least":      {resource("aws_elasticache_serverless_cache", `{"engine":"valkey","cache_usage_limits":[{"data_storage":[{"minimum":2}],"ecpu_per_second":[{"minimum":1000}]}]}`), "122.64", 0, "ECPUs", "is charged, and not in the figures"},
		"gateway endpoint":             {resource("aws_vpc_endpoint", `{"vpc_endpoint_type":"Gateway"}`), "0.00", 0, "", ""},
		"never seen":                   {resource("aws_new_service", `{}`), "0.00", 1, "", ""},
		"region of its own":            {resource("aws_nat_gateway", `{"region":"eu-west-1"}`), "35.04", 0, "GB", ""},
		"provisioned without function": {resource("aws_lambda_provisioned_concurrency_config", `{"provisioned_concurrent_executions":5}`), "0.00", 1, "", ""},
		"values of other types":        {resource("aws_instance", `{"instance_type":7,"root_block_device":"big"}`), "0.00", 1, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := cost.ParsePlan("p", []byte(`{"format_version":"1.2","planned_values":{"root_module":{"resources":[`+c.resources+`]}}}`))
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Cost(cost.Embedded(), "us-east-1")
			if err != nil {
				t.Fatal(err)
			}
			got := "n/a"
			if r.Fixed.Total != nil {
				got = cents(*r.Fixed.Total)
			}
			if got != c.cents || len(r.Unpriced) != c.unpriced {
				t.Errorf("costs %s, %d unpriced %v; expected %s, %d", got, len(r.Unpriced), r.Unpriced, c.cents, c.unpriced)
			}
			if c.use != "" && (len(r.ByUse) == 0 || !strings.Contains(r.ByUse[0].Text, c.use)) {
				t.Errorf("by use %v: expected %q", r.ByUse, c.use)
			}
			if caveats := strings.Join(r.Fixed.Caveats, " "); !strings.Contains(caveats, c.caveat) {
				t.Errorf("caveats %q: expected %q", caveats, c.caveat)
			}
		})
	}
}

func TestBrokenPlansAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"binary":  {"PK\x03\x04", "is no plan in JSON"},
		"empty":   {"{}", "has no format_version"},
		"future":  {`{"format_version":"2.0"}`, `format_version "2.0"`},
		"state":   {`{"format_version":"1.0","values":{}}`, "is a state, not a plan"},
		"nothing": {`{"format_version":"1.2"}`, "has no planned_values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := cost.ParsePlan("p.json", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: expected %q", err, c.want)
			}
		})
	}
	p, err := cost.ParsePlan("p", []byte(`{"format_version":"1.2","planned_values":{"root_module":{}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Cost(cost.Embedded(), ""); err == nil || !strings.Contains(err.Error(), "does not tell the region") {
		t.Errorf("without a region: %v", err)
	}
}

func FuzzParsePlan(f *testing.F) {
	data, err := os.ReadFile("testdata/plan.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{"mode":"managed","type":"aws_lb","values":{"subnets":[1]}}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := cost.ParsePlan("fuzz", data)
		if err != nil {
			return
		}
		c, err := p.Cost(cost.Embedded(), "us-east-1")
		if err != nil {
			return
		}
		for _, l := range c.Fixed.Lines {
			if l.USD != nil && (math.IsNaN(float64(*l.USD)) || *l.USD < 0 || math.IsInf(float64(*l.USD), 0)) {
				t.Fatalf("%s costs %g", l.Item, *l.USD)
			}
		}
		_, _ = cost.EstimateRun(cost.Embedded(), p.Targets("us-east-1"))
	})
}
