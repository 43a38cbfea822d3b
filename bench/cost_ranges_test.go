package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// costOf runs bench cost for a load that is known, with more flags.
func costOf(args ...string) (status int, out, messages string) {
	return bench(append([]string{"cost", "--duration", "20ms", "--instance-rps", "800"}, args...)...)
}

// TestFlagsOfCostSayWhatTheyTake: the flag, what was given as it was given, and the range in figures for people.
func TestFlagsOfCostSayWhatTheyTake(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"--rate=NaN":                     "--rate NaN: expected 0 to 1,000,000,000 requests/s",
		"--rate=-1":                      "--rate -1: expected 0 to 1,000,000,000 requests/s",
		"--request-bytes=-1":             "--request-bytes -1: expected 0 to 1,099,511,627,776",
		"--response-bytes=-1":            "--response-bytes -1: expected",
		"--log-bytes=-1":                 "--log-bytes -1: expected",
		"--requests-per-connection=0":    "--requests-per-connection 0: expected 1 to 1,000,000,000",
		"--connection-lasts=0":           "--connection-lasts 0s: expected more than 0s, and 730h0m0s at most",
		"--rules=-1":                     "--rules -1: expected 0 to 1,000,000,000",
		"--memory=100":                   "--memory 100: expected 128 to 10,240 MB",
		"--provisioned=-1":               "--provisioned -1: expected 0 to 1,000,000 environments",
		"--instance-rps=2000000000":      "--instance-rps 2000000000: expected 0.01 to 100,000,000 requests/s",
		"--headroom=100%":                "--headroom 100%: expected 0% to 95%",
		"--min-instances=-3":             "--min-instances -3: expected 1 to 1,000,000 instances",
		"--min-instances=0":              "--min-instances 0: expected 1 to",
		"--zones=0":                      "--zones 0: expected 2 to 10 zones",
		"--volume-gb=-1":                 "--volume-gb -1: expected 0 to 65,536 GB",
		"--savings-plan=100%":            "--savings-plan 100%: expected 0% to 99%",
		"--cpu-at-capacity=0":            "--cpu-at-capacity 0%: expected 0.1% to 100%",
		"--front-door=none":              `--front-door "none": expected function_url, http_api, rest_api or alb`,
		"--front-door=invoke":            `--front-door "invoke": expected function_url, http_api, rest_api or alb`,
		"--ec2-front-door=http_api":      `--ec2-front-door "http_api": expected alb or none`,
		"--arch=arm":                     `--arch "arm": expected arm64 or x86_64`,
		"--redis=lots":                   `--redis: cache node type "lots" is not known: expected one of`,
		"--redis=cache.lots":             `--redis: cache node type "cache.lots" is not known`,
		"--redis=t4g.micro.valkey":       `--redis: cache node type "t4g.micro.valkey" is not known`,
		"--redis-engine=redis":           "--redis-engine has no meaning without --redis",
		"--prices-out=out.json":          "--prices-out has no meaning without --refresh",
		"--rounds=3":                     "--rounds has no meaning without --plan",
		"--duty=even,even":               "--duty: even is given twice",
		"--duty=10%x40":                  `--duty "10%x40": a peak of 40 times the mean rate for 10 % of the time has`,
		"--duty=10%x4,bursty,10%x4,even": "--duty: 10%x4 is given twice",
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			status, out, messages := costOf(flag)
			if status != exitUsage || out != "" || !strings.Contains(messages, want) {
				t.Errorf("status %d, %q\nexpected %q, got %q", status, out, want, messages)
			}
		})
	}
	status, _, messages := bench("cost", "--plan", "internal/cost/testdata/plan.json", "--rounds", "3", "--duration", "5ms")
	if status != exitUsage || !strings.Contains(messages, "--rounds has no meaning without --scenario") || !strings.Contains(messages, "--duration has no meaning without") {
		t.Errorf("a plan without a scenario: status %d, %q", status, messages)
	}
}

// TestModelTakesTheRangesOfTheFlags: whatever a flag lets pass, the model does not refuse in words of its own.
func TestModelTakesTheRangesOfTheFlags(t *testing.T) {
	t.Parallel()
	var o costOptions
	o.flags(pflag.NewFlagSet("cost", pflag.ContinueOnError))
	for _, n := range o.numbers() {
		for _, v := range []float64{n.least, n.most} {
			t.Run(n.flag+"="+numeral.Decimal(v), func(t *testing.T) {
				t.Parallel()
				if status, _, messages := costOf("--"+n.flag, numeral.Decimal(v)); status != exitDone || messages != "" {
					t.Errorf("status %d: %s", status, messages)
				}
			})
		}
	}
}

// TestWhatIsGivenIsShownAsGiven: three digits are for what is measured or computed.
func TestWhatIsGivenIsShownAsGiven(t *testing.T) {
	t.Parallel()
	_, out, _ := costOf("--rate", "12.34", "--instance-rps", "1234.5", "--headroom", "12.34%", "--savings-plan", "12.3456%", "--memory", "10240")
	text := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"Lambda: 10,240 MB arm64", "Load: 12.34 requests/s", "1,234.5 requests/s an instance (988 to 1,480)", "12.34 % of it kept free", "with 12.3456 % off"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	_, out, _ = costOf()
	if text := strings.Join(strings.Fields(out), " "); !strings.Contains(text, "800 requests/s an instance (640 to 960), 30 % of it kept free") {
		t.Errorf("the defaults:\n%s", out)
	}
}
