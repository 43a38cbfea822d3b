package emulator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

// base is what the command gives for what a file leaves out.
func base() emulator.Config {
	return emulator.Config{Group: new(process.Group), MemoryMB: 512, Timeout: 30 * time.Second, Freeze: true, Addr: "127.0.0.1:1"}
}

func lookup(name string) (string, bool) {
	if name == "FROM_SHELL" {
		return "shell", true
	}
	return "", false
}

// configFile writes a file beside a program that can be run.
func configFile(tb testing.TB, text string) (path string, data []byte) {
	tb.Helper()
	dir := tb.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, "lambda.yaml"), []byte(text)
}

func TestParseConfig(t *testing.T) {
	path, data := configFile(t, `
account_concurrency: 100
region: eu-central-1
invoke_port: 9001
functions:
  - name: texts
    bootstrap: ./bootstrap
    args: [serve, "1"]
    env: {STORE: memory, FROM_SHELL, EMPTY: ""}
    memory_mb: 1_769
    timeout: 3s
    reserved_concurrency: 0
    provisioned: 0
    idle_timeout: 0s
    freeze: false
    limits: true
    watch: true
    log_lines: true
    log_format: json
    tmp_mb: 1024
    init_timeout: 5s
    environment_concurrency: 2
    scale_rate: 50
    request_quota: true
    extensions: .
    http_api_stage: v2
    rest_api_stage: live
    rest_api_text: true
    async_retry_wait: 5s
    async_max_age: 1h
    async_retries: 1
    front_doors: {function_url: 9002, alb: 0}
  - name: other
    bootstrap: ./bootstrap
    front_doors: [http_api]
  - {name: third, bootstrap: ./bootstrap}
apis:
  - name: main
    type: http_api
    port: 8080
    stage: v1
    routes:
      GET /texts/{id}: texts
      $default: other
  - {name: lb, type: alb_multi, routes: {"/texts/*": texts, "*": third}}
`)
	got, err := emulator.ParseConfig(path, data, base(), lookup)
	if err != nil {
		t.Fatal(err)
	}
	bootstrap, none, one := filepath.Join(filepath.Dir(path), "bootstrap"), 0, 1
	common := base()
	common.Addr, common.Region, common.Bootstrap = "", "eu-central-1", bootstrap
	texts, other, third := common, common, common
	texts.FunctionName, texts.Args, texts.Env = "texts", []string{"serve", "1"}, map[string]string{"STORE": "memory", "FROM_SHELL": "shell", "EMPTY": ""}
	texts.MemoryMB, texts.Timeout, texts.ReservedConcurrency, texts.Freeze, texts.AsyncRetries = 1769, 3*time.Second, &none, false, &one
	texts.Limits, texts.Watch, texts.LogLines, texts.LogFormat, texts.TmpMB = true, true, true, emulator.LogJSON, 1024
	texts.InitTimeout, texts.EnvironmentConcurrency, texts.ScaleRate, texts.RateQuota = 5*time.Second, 2, 50, true
	texts.Extensions, texts.HTTPAPIStage, texts.RESTAPIStage = filepath.Dir(path), "v2", "live"
	texts.RESTAPIText = true
	texts.AsyncRetryWait, texts.AsyncMaxAge = 5*time.Second, time.Hour
	texts.FrontDoors = []emulator.FrontDoor{emulator.DoorFunctionURL, emulator.DoorALB}
	texts.Ports = map[emulator.FrontDoor]int{emulator.DoorFunctionURL: 9002, emulator.DoorALB: 0}
	other.FunctionName, other.FrontDoors = "other", []emulator.FrontDoor{emulator.DoorHTTPAPI}
	third.FunctionName = "third"
	want := &emulator.AccountConfig{
		MaxConcurrency: 100, InvokePort: 9001, Functions: []emulator.Config{texts, other, third},
		Routers: []emulator.Router{
			{Name: "main", Door: emulator.DoorHTTPAPI, Port: 8080, Stage: "v1", Routes: []emulator.Route{{"GET /texts/{id}", "texts"}, {"$default", "other"}}},
			{Name: "lb", Door: emulator.DoorALBMulti, Routes: []emulator.Route{{"/texts/*", "texts"}, {"*", "third"}}},
		},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *process.Group) bool { return true })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The file in the documentation has every key, and is read without a fault.
func TestParseConfigOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../../docs/emulate.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, found := strings.Cut(text, "```")
	path, data := configFile(t, text)
	if err := os.Mkdir(filepath.Join(filepath.Dir(path), "extensions"), 0o700); err != nil {
		t.Fatal(err)
	}
	home := func(name string) (string, bool) { return "/home", name == "HOME" }
	c, err := emulator.ParseConfig(path, data, base(), home)
	if !found || err != nil || len(c.Functions) != 2 || c.Functions[0].Env["HOME"] != "/home" || len(c.Routers) != 1 {
		t.Errorf("%v in\n%s", err, text)
	}
	// The fault of an unknown key names all that there are.
	_, err = emulator.ParseConfig(path, []byte("functions:\n- {name: a, bootstrap: ./bootstrap, no: 1}\n"), base(), home)
	_, keys, _ := strings.Cut(fmt.Sprint(err), "expected one of ")
	for key := range strings.SplitSeq(strings.TrimSpace(keys), ", ") {
		if !strings.Contains(text, " "+key+":") && !strings.Contains(text, "{"+key+":") {
			t.Errorf("the documentation has no %s", key)
		}
	}
}

// Every fault is told at once, with its line.
func TestParseConfigFaults(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"empty":  {"", []string{":1: the file is empty: expected functions"}},
		"broken": {"functions: [\n", []string{": not valid YAML: "}},
		"second": {"functions: []\n---\nx: 1\n", []string{":2: a second YAML document"}},
		"list":   {"- a\n", []string{":1: expected a mapping, got a list"}},
		"none":   {"region: x\n", []string{":1: functions: missing"}},
		"many": {
			"functions:\n- name: a b\n  bootstrap: ./bootstrap\n  timeout: fast\n  memory_mb: 64\n  colour: red\n- name: x\n- name: x\n  bootstrap: ./bootstrap\n  front_doors: [door]\n  env: {AWS_REGION: x, NOWHERE}\nacount: 1\n",
			[]string{
				`:2: functions[0].name: expected letters, digits, - and _, up to 64, got "a b"`,
				":4: functions[0].timeout: expected a duration from 1ms to 15m0s such as 250ms or 10s, got \"fast\"",
				":5: functions[0].memory_mb: expected a whole number from 128 to 10240, got \"64\"",
				":6: functions[0].colour: unknown key",
				":7: functions[1].bootstrap: missing",
				":8: functions[2].name: another function has the name x",
				`:10: functions[2].front_doors[0]: expected one of `,
				":11: functions[2].env: AWS_REGION is reserved by Lambda",
				":11: functions[2].env.NOWHERE: has no value",
				":12: acount: unknown key, expected one of account_concurrency, apis, functions, invoke_port, region",
			},
		},
		"no bootstrap": {"functions:\n- {name: a, bootstrap: ./nothing}\n", []string{":2: functions[0]: bootstrap "}},
		"concurrency": {
			"account_concurrency: 5\nfunctions:\n- {name: a, bootstrap: ./bootstrap, reserved_concurrency: 3}\n- {name: b, bootstrap: ./bootstrap, provisioned: 4}\n",
			[]string{":3: functions: reserved and provisioned concurrency together are 2 over account_concurrency, which is 5"},
		},
		"routes": {
			"functions:\n- {name: a, bootstrap: ./bootstrap}\napis:\n- name: m\n  type: http_api\n  routes:\n    GET x: a\n    GET /x: b\n- {name: m, type: rest_api, routes: {/: a}}\n- name: n\n  type: http_api\n  routes:\n    GET /{a}: a\n    GET /{b}: a\n",
			[]string{
				":7: apis[0].routes.GET x: expected a path that begins with /",
				`:8: apis[0].routes.GET /x: there is no function "b"`,
				`:9: apis[1].type: expected http_api, alb or alb_multi, got "rest_api"`,
				":9: apis[1].name: another API has the name m",
				`:10: apis[2]: route "GET /{b}": another one matches the same requests`,
			},
		},
		"ports":   {"invoke_port: 9000\nfunctions:\n- {name: a, bootstrap: ./bootstrap, front_doors: {alb: 9000}}\n", []string{"invoke_port and a.alb have the same port, 9000"}},
		"aliases": {"functions:\n- &f {name: a, bootstrap: ./bootstrap}\n- *f\n", []string{":3: functions[1]: anchors and aliases are not supported"}},
		"twice":   {"region: a\nregion: b\nfunctions: []\n", []string{":2: region: given twice", ":3: functions: expected a list with at least one element, got an empty list"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path, data := configFile(t, tt.text)
			_, err := emulator.ParseConfig(path, data, base(), lookup)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in:\n%v", want, err)
				}
			}
			last := 0
			for line := range strings.Lines(err.Error()) {
				place, ok := strings.CutPrefix(line, path+":")
				number, _, _ := strings.Cut(place, ":")
				at, convErr := strconv.Atoi(number)
				if !ok || convErr != nil || at < last {
					t.Errorf("a line without a place, or out of order: %q", line)
				}
				last = at
			}
		})
	}
}

// Whatever a file holds, there is either an account or a fault with a place for each line.
func FuzzParseConfig(f *testing.F) {
	path, _ := configFile(f, "")
	for _, text := range []string{
		"functions:\n- {name: a, bootstrap: ./bootstrap}\n", "functions:\n- name: a\n  bootstrap: ./bootstrap\n  env: {A: b}\n  front_doors: {alb: 1}\napis:\n- {name: m, type: alb, routes: {/: a}}\n",
		"{}", "- a", "functions: &x [*x]", "a: !!binary x", "? {a: b}\n: c", "functions:\n- {<<: {name: a}}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := emulator.ParseConfig(path, data, base(), lookup)
		if err == nil {
			if len(c.Functions) == 0 {
				t.Error("no functions and no fault")
			}
			for _, fn := range c.Functions {
				if fn.FunctionName == "" || fn.Bootstrap == "" {
					t.Errorf("incomplete: %+v", fn)
				}
			}
			return
		}
		if !strings.HasPrefix(err.Error(), path+":") || c != nil {
			t.Errorf("%v, %+v", err, c)
		}
	})
}
