package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/cloudwatch"
	"github.com/crossover-bench/crossover/bench/internal/cloudwatch/cloudwatchtest"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// deployment is a function and an instance as they are on AWS, seen from outside: the function's front door writes the REPORT line of each
// request into the account's log.
type deployment struct {
	*cloudwatchtest.Server
	function, instance, aws *httptest.Server
	written                 int
	silent                  bool // no line is written
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{Server: &cloudwatchtest.Server{LogGroup: "/aws/lambda/app", Groups: map[string][]string{"fleet": {"i-1"}}}}
	app := testHandler("")
	d.function = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.report(time.Now())
		app.ServeHTTP(w, r)
	}))
	d.instance, d.aws = httptest.NewServer(app), httptest.NewServer(d.Server)
	t.Cleanup(func() { d.function.Close(); d.instance.Close(); d.aws.Close() })
	now := time.Now()
	for minute := -10; minute < 20; minute++ {
		at := now.Add(time.Duration(minute) * time.Minute)
		d.Samples = append(d.Samples, cloudwatchtest.Sample{Metric: "CPUUtilization", Instance: "i-1", At: at, Value: 42})
		for _, metric := range []string{"CPUCreditBalance", "CPUSurplusCreditBalance", "CPUSurplusCreditsCharged"} {
			d.Samples = append(d.Samples, cloudwatchtest.Sample{Metric: metric, Instance: "i-1", At: at})
		}
	}
	return d
}

// report is of the first request one with an init of 100 ms, and of each other one 3 ms.
func (d *deployment) report(at time.Time) {
	d.Lock()
	defer d.Unlock()
	if d.silent {
		return
	}
	text := "REPORT RequestId: %d\tDuration: 2.50 ms\tBilled Duration: 3 ms\tMemory Size: 512 MB\tMax Memory Used: 40 MB\t\n"
	if d.written++; d.written == 1 {
		text = "REPORT RequestId: %d\tDuration: 2.50 ms\tBilled Duration: 103 ms\tMemory Size: 512 MB\tMax Memory Used: 40 MB\tInit Duration: 100.00 ms\t\n"
	}
	d.Events = append(d.Events, cloudwatchtest.Event{At: at, Stream: "2026/08/01/[1]00", Message: fmt.Sprintf(text, d.written)})
}

func (d *deployment) env() []string {
	return []string{
		"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=" + d.aws.URL, "AWS_ENDPOINT_URL_CLOUDWATCH=" + d.aws.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=a-secret-key",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1", "AWS_PROFILE=", "AWS_SESSION_TOKEN=",
	}
}

// targets is the targets file, with more fields of the function.
func (d *deployment) targets(more string) string {
	return fmt.Sprintf(`{"targets": [
  {"name": "ec2", "kind": "ec2", "url": %q, "region": "us-east-1", "arch": "arm64", "instance_type": "t4g.small", "instances": 1, "front_door": "alb", "credit_mode": "unlimited", "autoscaling_group": "fleet"},
  {"name": "lambda", "kind": "lambda", "url": %q, "region": "us-east-1", "arch": "arm64", "memory_mb": 512, "front_door": "function_url"%s}]}`, d.instance.URL, d.function.URL, more)
}

const theGroup = `, "log_group": "/aws/lambda/app", "function_name": "app"`

// run puts 80 requests on each in each of two rounds, without the check, which would be in the log too.
func (d *deployment) run(t *testing.T, env []string, out, targets string, args ...string) *running {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"targets.json": targets, "s.yaml": `name: short
steps:
  - {name: post, method: POST, path: /, content_type: text/plain, body: "123", expect: {status: 200, body: "3"}}
phases:
  - {name: only, workers: 2, iterations: 40}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return start(t, append(d.env(), env...), append([]string{
		"run", "--targets", filepath.Join(dir, "targets.json"), "--scenario", filepath.Join(dir, "s.yaml"), "--rounds", "2", "--skip-check", "--out", out,
	}, args...)...)
}

// outcome is what a run has written.
func outcome(t *testing.T, out string) (*result.Run, *analysis.Verdict, string) {
	t.Helper()
	run, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(out, "verdict.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Verdict *analysis.Verdict `json:"verdict"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	return run, v.Verdict, string(text)
}

func TestObserved(t *testing.T) {
	t.Parallel()
	turns := []cloudwatch.Turn{{From: time.Unix(1, 0), To: time.Unix(2, 0)}}
	tests := []struct {
		name string
		spec target.Spec
		want cloudwatch.Target
	}{
		{"a log group", target.Spec{Kind: target.KindLambda, Region: "eu-west-1", LogGroup: "/mine", FunctionName: "app"}, cloudwatch.Target{Region: "eu-west-1", LogGroup: "/mine", FunctionName: "app"}},
		{"a function", target.Spec{Kind: target.KindLambda, FunctionName: "app"}, cloudwatch.Target{LogGroup: "/aws/lambda/app", FunctionName: "app"}},
		{"neither", target.Spec{Kind: target.KindLambda, Region: "eu-west-1"}, cloudwatch.Target{Region: "eu-west-1"}},
		{"a burstable instance", target.Spec{Kind: target.KindEC2, InstanceID: "i-1", InstanceType: "t4g.small"}, cloudwatch.Target{InstanceID: "i-1", Burstable: true}},
		{"by its mode", target.Spec{Kind: target.KindEC2, AutoScalingGroup: "fleet", CreditMode: "standard"}, cloudwatch.Target{AutoScalingGroup: "fleet", Burstable: true}},
		{"a group", target.Spec{Kind: target.KindEC2, AutoScalingGroup: "fleet", InstanceType: "c8g.large"}, cloudwatch.Target{AutoScalingGroup: "fleet"}},
		{"elsewhere", target.Spec{Kind: target.KindURL, LogGroup: "/mine", AutoScalingGroup: "fleet", InstanceID: "i-1"}, cloudwatch.Target{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Turns, test.want.Sent = turns, 5
			if diff := cmp.Diff(test.want, (&targetLoad{turns: turns, sent: 5}).observed(&test.spec)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCloudWatch(t *testing.T) {
	t.Parallel()
	d, out := deploy(t), filepath.Join(t.TempDir(), "out")
	r := d.run(t, nil, out, d.targets(theGroup))
	r.wait(exitDone)
	run, verdict, text := outcome(t, out)
	f := run.Targets[1].CloudWatch.Function
	// One of 103 ms and 159 of 3 ms, with half a GB.
	if f == nil || f.Sent != 160 || f.Invocations != 160 || f.Cold != 1 || f.BilledMS != 580 || f.InitBilledMS != 100 || math.Abs(f.BilledGBSeconds-0.29) > 1e-9 || len(f.Rounds) != 2 {
		t.Errorf("function: %+v, notes %q", f, run.Targets[1].CloudWatch.Notes)
	}
	i := run.Targets[0].CloudWatch.Instances
	if i == nil || i.Minutes != i.WantedMinutes || math.Abs(*i.CPUMean-0.42) > 1e-9 || i.Credits == nil || *i.Credits.LowestBalance != 0 {
		t.Errorf("instances: %+v, notes %q", i, run.Targets[0].CloudWatch.Notes)
	}
	if verdict.Estimated || verdict.Unknown != "" || strings.Contains(verdict.Text, "estimated") {
		t.Errorf("the cost is not that of what was billed: %+v", verdict)
	}
	for _, want := range []string{"Lambda: what it was billed for", "the billed time is measured, by the REPORT lines of AWS's log: a mean of 3.62 ms over 160 invocations", "42.0 %", "had no CPU credits left"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q", want)
		}
	}
	if told := r.stderr.String(); !strings.Contains(told, "CloudWatch: lambda: 160 invocations for 160 requests, 1 of them cold, 0.290 GB-seconds billed") {
		t.Errorf("it does not say what it has found:\n%s", told)
	}
	cost := start(t, nil, "cost", out)
	cost.wait(exitDone)
	if got := cost.stdout.String(); !strings.Contains(got, "3.62 ms billed a request") {
		t.Errorf("bench cost does not take what was billed:\n%s", got)
	}
}

// TestCostIsEstimated has all the ways in which a bill is not known. The run is a good one all the same.
func TestCostIsEstimated(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		account func(*deployment)
		fields  string
		env     []string
		args    []string
		note    string
	}{
		{
			"no permission", func(d *deployment) { d.Fail = func(string, int) string { return "AccessDeniedException" } }, theGroup, nil, nil,
			"lambda: what it was billed is not known: the credentials lack the permission logs:FilterLogEvents on the log group /aws/lambda/app in us-east-1.",
		},
		{"no log group", nil, "", nil, nil, "lambda: what it was billed is not known: its targets file names neither log_group nor function_name, where it would be read."},
		{"no credentials", nil, theGroup, []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, nil, "lambda: what it was billed is not known: there are no AWS credentials"},
		{"no line", func(d *deployment) { d.LogGroup, d.silent = "/aws/lambda/other", true }, `, "function_name": "other"`, nil, []string{"--cloudwatch-wait", "2s"}, "the log group /aws/lambda/other had no REPORT line of the run (not within 2s"},
		{"not asked", nil, theGroup, nil, []string{"--cloudwatch-wait", "0s"}, "lambda: what it was billed is not known: CloudWatch was not asked (--cloudwatch-wait 0s)."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d, out := deploy(t), filepath.Join(t.TempDir(), "out")
			if test.account != nil {
				test.account(d)
			}
			d.run(t, test.env, out, d.targets(test.fields), test.args...).wait(exitDone)
			run, verdict, text := outcome(t, out)
			if c := run.Targets[1].CloudWatch; c == nil || c.Function != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], test.note) {
				t.Errorf("%+v", c)
			}
			if !verdict.Estimated || !strings.Contains(verdict.Text, "What lambda was billed is not known, so the cost is estimated.") {
				t.Errorf("the cost is not said to be estimated: %+v", verdict)
			}
			if !strings.Contains(text, "so that its cost is estimated: ") || !strings.Contains(text, "what it was billed is not known") {
				t.Error("the report does not say so")
			}
		})
	}
}

// A Ctrl-C while AWS is waited for costs the run nothing.
func TestInterruptCloudWatch(t *testing.T) {
	t.Parallel()
	d, out := deploy(t), filepath.Join(t.TempDir(), "out")
	d.Lock()
	d.Samples = nil
	d.Unlock()
	r := d.run(t, nil, out, d.targets(theGroup), "--cloudwatch-wait", "1h")
	r.await("no credits yet, lambda 160 of 160 invocations")
	r.signal(os.Interrupt)
	r.await("Going on without the rest of what CloudWatch knows")
	r.wait(exitDone)
	run, verdict, _ := outcome(t, out)
	if f := run.Targets[1].CloudWatch.Function; run.Interrupted || f == nil || f.Invocations != 160 || verdict.Estimated {
		t.Errorf("interrupted %t, %+v", run.Interrupted, f)
	}
	if c := run.Targets[0].CloudWatch; c.Instances != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "the CPU of its instances is not known: it was stopped") {
		t.Errorf("%+v", c)
	}
	r.wantNoTempFiles()
}

// TestCloudWatchFromAWS has the load generator ask, whose role may, and not the machine that started the run.
func TestCloudWatchFromAWS(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not on PATH")
	}
	d, aws, out := deploy(t), startAWS(t), filepath.Join(t.TempDir(), "out")
	aws.env = append(aws.env, d.env()...)
	dir := stack(t, d.function.URL, loadGenerator(t))
	file := filepath.Join(dir, "main.tf")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// The same outputs with targets that AWS knows.
	_, generator, _ := strings.Cut(string(text), "\n}\n")
	if err := os.WriteFile(file, []byte("output \"targets\" {\n  value = jsondecode(<<-EOT\n"+d.targets(theGroup)+"\nEOT\n  )\n}\n"+generator), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), "terraform", "-chdir="+dir, "apply", "-auto-approve", "-input=false").CombinedOutput(); err != nil {
		t.Fatalf("terraform apply: %v\n%s", err, text)
	}
	r := start(t, aws.clientEnv(), "run", "--targets", "terraform="+dir, "--from", "aws", "--out", out, "--rounds", "2", "--skip-check", "--cloudwatch-wait", "10m",
		"--scenario", remoteScenario(t, "  - {name: only, workers: 2, iterations: 40}\n"))
	r.await("CloudWatch: lambda: 160 invocations for 160 requests")
	r.wait(exitDone)
	run, verdict, _ := outcome(t, out)
	if f := run.Targets[1].CloudWatch.Function; f == nil || f.Invocations != 160 || run.Targets[0].CloudWatch.Instances == nil || verdict.Estimated {
		t.Errorf("%+v, %+v", run.Targets[0].CloudWatch, run.Targets[1].CloudWatch)
	}
}

// TestCloudWatchOfASearch has what settles and probes in the log, as it is billed too.
func TestCloudWatchOfASearch(t *testing.T) {
	t.Parallel()
	d, out := deploy(t), filepath.Join(t.TempDir(), "out")
	targets := d.targets(theGroup)
	dir := t.TempDir()
	file := filepath.Join(dir, "targets.json")
	if err := os.WriteFile(file, []byte(targets), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, d.env(), "run", "--find-capacity", "--slo", lenient, "--trial", "500ms", "--start-rate", "20", "--max-rate", "20", "--skip-check", "--out", out,
		"--scenario", remoteScenario(t, "  - {name: only, workers: 20, iterations: 4}\n"), "--targets", file)
	r.wait(exitDone)
	run, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	lambda, sent := run.Targets[1], int64(0)
	for _, trial := range lambda.Capacity.Trials {
		sent += trial.Requests
	}
	if f := lambda.CloudWatch.Function; f == nil || f.Sent != f.Invocations || f.Sent <= sent || f.Rounds != nil {
		t.Errorf("%+v for %d requests in trials", f, sent)
	}
}
