package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// stack applies a configuration of outputs alone: a target, and the instance of a fakeAWS as load generator.
func stack(t *testing.T, url, loadGenerator string) string {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not on PATH")
	}
	dir := t.TempDir()
	text := fmt.Sprintf(`output "targets" {
  value = { targets = [{ name = "app", kind = "ec2", url = %q, region = "us-east-1", instance_type = "t4g.small" }] }
}
output "load_generator" {
  value = %s
}
`, url, loadGenerator)
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "terraform", "-chdir="+dir, "apply", "-auto-approve", "-input=false").CombinedOutput(); err != nil {
		t.Fatalf("terraform apply: %v\n%s", err, out)
	}
	return dir
}

// loadGenerator is that output, of a bench whose path no shell should take apart.
func loadGenerator(t *testing.T) string {
	t.Helper()
	bench, err := exec.LookPath("bench")
	if err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(t.TempDir(), "it's; touch pwned", "$(id)")
	if err := os.MkdirAll(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	bench, err = filepath.EvalSymlinks(bench)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(bench, filepath.Join(odd, "bench")); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{ instance_id = %q, bucket = "crossover-results", region = "us-east-1", bench = %q }`,
		fakeInstance, filepath.Join(odd, "bench"))
}

// remoteScenario writes a scenario with a file of its own.
func remoteScenario(t *testing.T, phases string) string {
	t.Helper()
	dir := t.TempDir()
	text := `name: remote
steps:
  - {name: post, method: POST, path: /, content_type: text/plain, body_file: data/body.txt, expect: {status: 200, body: "5"}}
phases:
` + phases
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"s.yaml": text, "data/body.txt": "12345"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "s.yaml")
}

func TestRunFromAWS(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(testHandler(""))
	defer app.Close()
	aws := startAWS(t)
	aws.unknown = 1
	dir, out := stack(t, app.URL, loadGenerator(t)), filepath.Join(t.TempDir(), "out")
	r := start(t, aws.clientEnv(), "run", "--targets", "terraform="+dir, "--from", "aws", "--out", out, "--rounds", "2", "--seed", "7",
		"--scenario", remoteScenario(t, "  - {name: only, workers: 2, iterations: 10}\n"))
	r.await("Waiting for the load generator " + fakeInstance)
	r.await("Load generator " + fakeInstance + " runs it")
	r.await("only 1/1 round 2/2") // what bench says there
	r.wait(exitDone)
	got, err := result.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if o := got.Targets[0].Overall; o.Requests != 40 || o.Successes != 40 || got.Rounds != 2 || got.Seed != 7 || got.Targets[0].Spec.InstanceType != "t4g.small" {
		t.Errorf("%d requests, %d successes, %d rounds, seed %d, %+v", o.Requests, o.Successes, got.Rounds, got.Seed, got.Targets[0].Spec)
	}
	if _, err := os.Stat(filepath.Join(out, "report.md")); err != nil || !strings.Contains(r.stdout.String(), "app") {
		t.Errorf("no report: %v, %q", err, r.stdout.String())
	}
	if len(aws.scripts) != 1 || strings.Contains(aws.scripts[0], "secret") || strings.Contains(aws.scripts[0], app.URL) {
		t.Errorf("scripts: %q", aws.scripts)
	}
	for _, c := range aws.commands {
		if left, err := filepath.Glob(filepath.Join(c.cmd.Dir, "*")); err != nil || len(left) > 0 || c.executionLimit != "3600" {
			t.Errorf("the script left %v, with a limit of %s s", left, c.executionLimit)
		}
	}
	r.wantNoTempFiles()
}

// The limit on what a run may cost holds on the load generator too, where it would be the default; what it will cost is told in any case.
func TestMaxCostFromAWS(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(testHandler(""))
	defer app.Close()
	aws := startAWS(t)
	dir, out := stack(t, app.URL, loadGenerator(t)), filepath.Join(t.TempDir(), "out")
	r := start(t, aws.clientEnv(), "run", "--targets", "terraform="+dir, "--from", "aws", "--out", out, "--quiet", "--max-cost", "7",
		"--scenario", remoteScenario(t, "  - {name: only, workers: 1, iterations: 3}\n"))
	r.wait(exitDone)
	if text := r.stderr.String(); !strings.HasPrefix(text, "Estimated cost of this run: ") || strings.Count(text, "\n") != 1 {
		t.Errorf("standard error is %q; want the estimate alone", text)
	}
	passed := false
	for name, object := range aws.objects {
		passed = passed || strings.HasPrefix(name, "runs/") && strings.Contains(string(object), `"--max-cost=7"`)
	}
	if !passed {
		t.Error("the load generator is not told of --max-cost")
	}
}

// The first Ctrl-C lets the far side finish and brings what it has, the second kills it.
func TestInterruptFromAWS(t *testing.T) {
	t.Parallel()
	for name, twice := range map[string]bool{"once": false, "twice": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mode := "slow"
			if twice {
				mode = "stuck"
			}
			app := httptest.NewServer(testHandler(mode))
			defer func() { app.CloseClientConnections(); app.Close() }()
			aws := startAWS(t)
			dir, out := stack(t, app.URL, loadGenerator(t)), filepath.Join(t.TempDir(), "out")
			r := start(t, aws.clientEnv(), "run", "--targets", "terraform="+dir, "--from", "aws", "--out", out,
				"--scenario", remoteScenario(t, "  - {name: short, workers: 2, iterations: 5}\n  - {name: endless, workers: 2, duration: 1h}\n"))
			r.await("short 1/2")
			r.signal(os.Interrupt)
			r.await("Stopping")
			if twice {
				r.signal(os.Interrupt)
				r.wait(exitFailed)
				if text := r.stderr.String(); !strings.Contains(text, "aborted: the run on the load generator was cancelled") {
					t.Errorf("it does not say that it was aborted: %s", text)
				}
				for _, c := range aws.commands {
					<-c.done
				}
				return
			}
			r.wait(exitFailed)
			if text := r.stderr.String(); !strings.Contains(text, "on the load generator, exit status 1: interrupted: the report holds what was measured") {
				t.Errorf("it does not say why it ended: %s", text)
			}
			if got, err := result.Load(out); err != nil || !got.Interrupted || got.Targets[0].Overall.Requests < 10 {
				t.Errorf("result: %+v, %v", got, err)
			}
		})
	}
}

func TestRunFromAWSFails(t *testing.T) {
	t.Parallel()
	wrong := httptest.NewServer(testHandler("wrong"))
	t.Cleanup(wrong.Close)
	generator := loadGenerator(t)
	good := remoteScenario(t, "  - {name: only, workers: 1, iterations: 3}\n")
	outside := filepath.Join(t.TempDir(), "outside.yaml")
	if err := os.WriteFile(outside, []byte("name: x\nsteps: [{name: a, method: POST, path: /, body_file: "+filepath.Join(filepath.Dir(good), "data/body.txt")+
		"}]\nphases: [{name: p, workers: 1, iterations: 1}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		generator string
		args      []string
		env       []string
		status    int
		want      string
	}{
		"no load generator": {"null", nil, nil, exitUsage, `has no output "load_generator", only targets: the stack was made without it, or before the configuration had it; it is made with the variable load_generator = true`},
		"faulty output":     {`{ instance_id = "x", bucket = "B" }`, nil, nil, exitUsage, `load_generator: instance_id is "x", expected one such as i-0123456789abcdef0`},
		"another flag":      {generator, []string{"--metrics", ":0"}, nil, exitUsage, "--metrics: it cannot be used with --from aws"},
		"another place":     {generator, []string{"--from", "moon"}, nil, exitUsage, `--from "moon": expected aws`},
		"files elsewhere":   {generator, []string{"--scenario", outside}, nil, exitUsage, "with --from aws files must be below its folder"},
		"no credentials":    {generator, nil, []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}, exitFailed, "there are no AWS credentials: set AWS_PROFILE"},
		"no such bucket":    {strings.Replace(generator, "crossover-results", "crossover-nothere", 1), nil, nil, exitFailed, "writing s3://crossover-nothere/runs/"},
		"no bench there":    {`{ instance_id = "` + fakeInstance + `", bucket = "crossover-results", region = "us-east-1", bench = "/nowhere/bench" }`, nil, nil, exitFailed, "the load generator cannot run /nowhere/bench: its start script may still be at work"},
		"wrong answers":     {generator, nil, nil, exitFailed, "on the load generator, exit status 1: the check before the load found differences"},
		"missed threshold":  {generator, []string{"--skip-check", "--slo", "error_rate=1%"}, nil, exitFailed, "on the load generator, exit status 1: target app answered none of 3 requests rightly\n2 thresholds missed: app only error_rate 100 %"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			aws := startAWS(t)
			args := append([]string{
				"run", "--targets", "terraform=" + stack(t, wrong.URL, tt.generator), "--from", "aws", "--scenario", good,
				"--out", filepath.Join(t.TempDir(), "out"),
			}, tt.args...)
			r := start(t, append(aws.clientEnv(), tt.env...), args...)
			r.wait(tt.status)
			if !strings.Contains(r.stderr.String(), tt.want) {
				t.Errorf("standard error is\n%s\nexpected it to have %q", r.stderr.String(), tt.want)
			}
			r.wantNoTempFiles()
		})
	}
}
