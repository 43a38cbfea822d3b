package target_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossover-bench/crossover/bench/internal/target"
)

func TestParseFile(t *testing.T) {
	const text = `{"targets":[
	  {"name":"ec2","kind":"ec2","url":"http://example.test","region":"us-east-1","arch":"arm64","instance_type":"t4g.small","instances":1,"front_door":"alb"},
	  {"name":"lambda","kind":"lambda","url":"https://example.test","region":"us-east-1","memory_mb":512,"front_door":"function_url","auth":"NONE"},
	  {"name":"mine","kind":"process","command":["./server"],"env":{"A":"b"}},
	  {"name":"mine-lambda","kind":"bootstrap","path":"./bootstrap","memory_mb":128,
	   "timeout_s":5,"reserved_concurrency":10,"provisioned":2,"limits":true,"freeze":true,"request_quota":true}]}`
	got, err := target.ParseFile("t.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []target.Spec{
		{
			Name: "ec2", Kind: target.KindEC2, URL: "http://example.test", Region: "us-east-1", Arch: "arm64",
			InstanceType: "t4g.small", Instances: 1, FrontDoor: "alb",
		},
		{
			Name: "lambda", Kind: target.KindLambda, URL: "https://example.test", Region: "us-east-1", MemoryMB: 512,
			FrontDoor: "function_url", Auth: "NONE",
		},
		{Name: "mine", Kind: target.KindProcess, Command: []string{"./server"}, Env: map[string]string{"A": "b"}},
		{
			Name: "mine-lambda", Kind: target.KindBootstrap, Path: "bootstrap", MemoryMB: 128,
			TimeoutS: 5, ReservedConcurrency: 10, Provisioned: 2, Limits: true, Freeze: true, RequestQuota: true,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("specs (-want +got):\n%s", diff)
	}
}

// A program is named as one would in the folder that bench runs in.
func TestCommandIsOfTheFolderOfItsFile(t *testing.T) {
	for _, tt := range []struct{ file, command, want string }{
		{"t.json", "./server", "./server"},
		{"t.json", "bin/server", "bin/server"},
		{"t.json", "server", "server"},
		{"t.json", "/bin/server", "/bin/server"},
		{"a/t.json", "./server", "a/server"},
		{"a/t.json", "../server", "./server"},
		{"../t.json", "./server", "../server"},
	} {
		got, err := target.ParseFile(tt.file, []byte(`{"targets":[{"name":"x","kind":"process","command":["`+tt.command+`"]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Command[0] != tt.want {
			t.Errorf("%s in %s is %s, expected %s", tt.command, tt.file, got[0].Command[0], tt.want)
		}
	}
}

func TestParseFileFaults(t *testing.T) {
	entry := func(fields string) string { return `{"targets":[{"name":"x",` + fields + `}]}` }
	tests := []struct{ name, text, want string }{
		{"empty", "", "t.json:1: expected"},
		{"syntax", "{\n\"targets\": [}", "t.json:2: expected"},
		{"wrong type", "{\"targets\": [\n{\"name\": 3}]}", "t.json:2: expected"},
		{"unknown field", "{\"targets\": [\n\n{\"label\": \"x\"}]}", "t.json:3: expected"},
		{"more than one object", `{"targets":[{"name":"x","kind":"url","url":"http://h"}]} {}`, "expected nothing after the JSON object"},
		{"none", `{"targets":[]}`, "expected 1 to 16 targets, got 0"},
		{"too many", `{"targets":[` + strings.Repeat(`{},`, 16) + `{}]}`, "expected 1 to 16 targets, got 17"},
		{"no name", `{"targets":[{"kind":"url","url":"http://h"}]}`, "name: expected"},
		{"name with a path", `{"targets":[{"name":"../x","kind":"url","url":"http://h"}]}`, "name: expected"},
		{"no kind", entry(`"url":"http://h"`), "kind: expected one of ec2, lambda, url, process, bootstrap"},
		{"no url", entry(`"kind":"url"`), "url: expected http://HOST"},
		{"url with user", entry(`"kind":"url","url":"http://u:p@h"`), "url: expected neither user, query nor fragment"},
		{"url with query", entry(`"kind":"url","url":"http://h/?a"`), "url: expected neither user, query nor fragment"},
		{"command of a url", entry(`"kind":"url","url":"http://h","command":["x"]`), "command, path and env belong to"},
		{"no command", entry(`"kind":"process"`), "command: expected the program"},
		{"empty command", entry(`"kind":"process","command":[""]`), "command: expected the program"},
		{"port of a process", entry(`"kind":"process","command":["x"],"env":{"PORT":"1"}`), "env: PORT is set by bench"},
		{"no variable", entry(`"kind":"process","command":["x"],"env":{"A B":"1"}`), `env: "A B" is no name of a variable`},
		{"port of a url", entry(`"kind":"url","url":"http://h:99999"`), "url: expected http://HOST"},
		{"no path", entry(`"kind":"bootstrap"`), "path: expected the bootstrap binary"},
		{"memory", entry(`"kind":"bootstrap","path":"b","memory_mb":10241`), "memory_mb: expected 128 to 10240, got 10241"},
		{"front door", entry(`"kind":"bootstrap","path":"b","front_door":"gate"`), `front_door: expected one of [function_url `},
		{"time-out", entry(`"kind":"bootstrap","path":"b","timeout_s":901`), "timeout_s: expected 1 to 900, got 901"},
		{"time-out of a URL", entry(`"kind":"url","url":"http://h","timeout_s":3`), "timeout_s, reserved_concurrency, provisioned, limits, freeze and request_quota belong to the kind bootstrap"},
		{"limits of a process", entry(`"kind":"process","command":["x"],"limits":true`), "belong to the kind bootstrap"},
		{"quota of a process", entry(`"kind":"process","command":["x"],"request_quota":true`), "belong to the kind bootstrap"},
		{"concurrency", entry(`"kind":"bootstrap","path":"b","reserved_concurrency":1001`), "reserved_concurrency: expected 1 to 1000, got 1001"},
		{"provisioned", entry(`"kind":"bootstrap","path":"b","reserved_concurrency":3,"provisioned":4`), "provisioned: expected up to the function's concurrency, which is 3, got 4"},
		{"negative", entry(`"kind":"bootstrap","path":"b","provisioned":-1`), "which is 1000, got -1"},
		{"auth", entry(`"kind":"url","url":"http://h","auth":"BASIC"`), `auth: expected NONE or AWS_IAM, got "BASIC"`},
		{"signing without a region", entry(`"kind":"url","url":"http://h","auth":"AWS_IAM"`), `region: auth AWS_IAM needs the function's region, such as us-east-1, got ""`},
		{"signing for no region", entry(`"kind":"url","url":"http://h","auth":"AWS_IAM","region":"us-east"`), `got "us-east"`},
		{"signing for a server", entry(`"kind":"ec2","url":"http://h","auth":"AWS_IAM","region":"us-east-1"`), "auth: AWS_IAM belongs to the kinds lambda and url"},
		{"signing for a load balancer", entry(`"kind":"lambda","url":"http://h","auth":"AWS_IAM","region":"us-east-1","front_door":"alb"`), "not the front door alb"},
		{"misspelt field of terraform", "{\"targets\": [\n{\"name\": \"qualifer\", \"kind\": \"lambda\",\n\"url\": \"https://h\", \"qualifer\": \"live\"}]}", `t.json:3: expected`},
		{"misspelt field by name", entry(`"kind":"lambda","url":"https://h","qualifer":"live"`), `unknown field "qualifer"`},
		{"group of a function", entry(`"kind":"lambda","url":"https://h","autoscaling_group":"g"`), "autoscaling_group, max_instances and instance_id belong to the kind ec2"},
		{"alias of a server", entry(`"kind":"ec2","url":"http://h","qualifier":"live"`), "provisioned_concurrency and concurrency_limit belong to the kind lambda"},
		{"package", entry(`"kind":"lambda","url":"https://h","package":"tar"`), `package: expected zip or image, got "tar"`},
		{"negative limit", entry(`"kind":"lambda","url":"https://h","concurrency_limit":-1`), "expected 0 or more, got 0, 0 and -1"},
		{"fewer at most", entry(`"kind":"ec2","url":"http://h","instances":3,"max_instances":2`), "max_instances: expected instances, 3, or more, got 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := target.ParseFile("t.json", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, expected it to have %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "u:p") {
				t.Errorf("error repeats a password: %v", err)
			}
		})
	}
}

func TestProgramsAreRelativeToTheFile(t *testing.T) {
	const text = `{"targets":[{"name":"a","kind":"process","command":["./server","./x"]},{"name":"b","kind":"process","command":["server"]},
		{"name":"c","kind":"process","command":["/bin/server"]},{"name":"d","kind":"bootstrap","path":"b/bootstrap"}]}`
	got, err := target.ParseFile("some/where/t.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	programs := []string{got[0].Command[0], got[0].Command[1], got[1].Command[0], got[2].Command[0], got[3].Path}
	want := []string{"some/where/server", "./x", "server", "/bin/server", "some/where/b/bootstrap"}
	if diff := cmp.Diff(want, programs); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

func TestParseFlags(t *testing.T) {
	got, err := target.ParseFlags([]string{"a=http://127.0.0.1:1", "b=https://h/base?"})
	if err != nil {
		t.Fatal(err)
	}
	want := []target.Spec{
		{Name: "a", Kind: target.KindURL, URL: "http://127.0.0.1:1"}, {Name: "b", Kind: target.KindURL, URL: "https://h/base?"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("specs (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"a", "=http://h", "a=", "a=h", "a=http://h", "c=http://"} {
		if _, err := target.ParseFlags([]string{"a=http://127.0.0.1:1", bad}); err == nil {
			t.Errorf("%q was accepted beside a", bad)
		}
	}
}

// The configuration in terraform/ prints these, with all of its choices; its own tests keep the file as it is.
func TestTerraformPrintsATargetsFile(t *testing.T) {
	data, err := os.ReadFile("testdata/terraform.json")
	if err != nil {
		t.Fatal(err)
	}
	var printed map[string]json.RawMessage
	if err := json.Unmarshal(data, &printed); err != nil {
		t.Fatal(err)
	}
	for name, text := range printed {
		t.Run(name, func(t *testing.T) {
			saved, err := target.ParseFile("saved.json", text)
			if err != nil {
				t.Fatal(err)
			}
			asked, err := target.ParseOutput("stack", text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asked, saved); diff != "" {
				t.Errorf("a saved output and one that is asked for differ (-asked +saved):\n%s", diff)
			}
			if len(saved) != 2 || saved[0].Kind != target.KindEC2 || saved[1].Kind != target.KindLambda {
				t.Errorf("targets are %+v", saved)
			}
		})
	}
	yes, no := true, false
	want := []target.Spec{
		{
			Name: "ec2", Kind: target.KindEC2, URL: "http://an-alb-1234567890.us-east-1.elb.amazonaws.com", Region: "us-east-1", Arch: "arm64",
			InstanceType: "t4g.small", Instances: 2, MaxInstances: 4, FrontDoor: "alb", Auth: "NONE", CreditMode: "unlimited", TLS: &no,
			AutoScalingGroup: "crossover-ec2",
		},
		{
			Name: "lambda", Kind: target.KindLambda, URL: "https://abcdefghij.lambda-url.us-east-1.on.aws", Region: "us-east-1", Arch: "arm64",
			MemoryMB: 512, FrontDoor: "function_url", Auth: "AWS_IAM", TLS: &yes, LogGroup: "/aws/lambda/crossover-app", FunctionName: "crossover-app",
			Qualifier: "live", Package: "zip", ProvisionedConcurrency: 2, ConcurrencyLimit: 100,
		},
	}
	got, err := target.ParseFile("saved.json", printed["everything_on"])
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("everything_on (-want +got):\n%s", diff)
	}
	for name, service := range map[string]string{"defaults": "lambda", "http_api": "execute-api", "shared_alb": ""} {
		specs, err := target.ParseFile("saved.json", printed[name])
		if err != nil {
			t.Fatal(err)
		}
		if got := specs[1].SigningService(); got != service || specs[1].Signed() != (service != "") {
			t.Errorf("%s: requests are signed %v, for %q; want %q", name, specs[1].Signed(), got, service)
		}
	}
}

func TestSigningService(t *testing.T) {
	for _, tt := range []struct{ door, url, want string }{
		{"", "https://abcdefghij.lambda-url.us-east-1.on.aws", "lambda"},
		{"", "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/prod", "execute-api"},
		{"", "https://api.example.com", "lambda"},
		{"rest_api", "https://api.example.com", "execute-api"},
		{"http_api", "https://api.example.com", "execute-api"},
		{"function_url_stream", "https://fn.example.com", "lambda"},
		{"alb", "http://an-alb-1.us-east-1.elb.amazonaws.com", ""},
		{"none", "http://198.51.100.7:8080", ""},
	} {
		s := target.Spec{FrontDoor: tt.door, URL: tt.url}
		if got := s.SigningService(); got != tt.want {
			t.Errorf("front door %q of %s: %q, expected %q", tt.door, tt.url, got, tt.want)
		}
	}
}

// FuzzParseFile: what is accepted keeps every rule, and is accepted again when it is written down.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte(`{"targets":[{"name":"a","kind":"url","url":"http://127.0.0.1:1"}]}`))
	f.Add([]byte(`{"targets":[{"name":"a","kind":"process","command":["x"],"env":{"A":"b"}},{"name":"b","kind":"bootstrap","path":"y"}]}`))
	f.Add([]byte(`{"targets":[{"name":"a","kind":"lambda","url":"https://h","memory_mb":-1}]}`))
	f.Add([]byte("{\"targets\":[\n{}]} x"))
	f.Add([]byte(`{"targets":[{"name":"e","kind":"ec2","url":"http://h","instances":1,"max_instances":2,"autoscaling_group":"g","instance_id":null,"tls":false},
		{"name":"l","kind":"lambda","url":"https://h","qualifier":"live","package":"zip","provisioned_concurrency":1,"concurrency_limit":2,"front_door":"http_api","auth":"AWS_IAM","region":"us-east-1"}]}`))
	f.Add([]byte(`{"targets":[{"name":"b","kind":"bootstrap","path":"y","timeout_s":3,"reserved_concurrency":2,"provisioned":1,"limits":true,"freeze":true}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		specs, err := target.ParseFile("f.json", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.json:") {
				t.Errorf("error does not name the file: %v", err)
			}
			return
		}
		if len(specs) == 0 || target.Validate(specs) != nil {
			t.Fatalf("accepted what is not valid: %+v", specs)
		}
		text, err := json.Marshal(map[string]any{"targets": specs})
		if err != nil {
			t.Fatal(err)
		}
		again, err := target.ParseFile("f.json", text)
		if err != nil {
			t.Fatalf("not accepted again: %v\n%s", err, text)
		}
		for i := range specs { // relative paths are resolved once more
			again[i].Path, again[i].Command = specs[i].Path, specs[i].Command
		}
		// A map that is empty and one that is not given say the same.
		if diff := cmp.Diff(specs, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("specs (-first +again):\n%s", diff)
		}
	})
}

func TestParseOutput(t *testing.T) {
	const entries = `[{"name":"ec2","kind":"ec2","url":"http://h","region":null,"memory_mb":null,"credit_mode":"unlimited","tls":false,"autoscaling_group":"asg"},
		{"name":"lambda","kind":"lambda","url":"https://h","memory_mb":512,"log_group":"/aws/lambda/f","function_name":"f","some_day":1}]`
	no := false
	want := []target.Spec{
		{Name: "ec2", Kind: target.KindEC2, URL: "http://h", CreditMode: "unlimited", TLS: &no, AutoScalingGroup: "asg"},
		{Name: "lambda", Kind: target.KindLambda, URL: "https://h", MemoryMB: 512, LogGroup: "/aws/lambda/f", FunctionName: "f"},
	}
	for name, text := range map[string]string{"object": `{"targets":` + entries + `}`, "list": "\n" + entries} {
		t.Run(name, func(t *testing.T) {
			got, err := target.ParseOutput("stack", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("specs (-want +got):\n%s", diff)
			}
		})
	}
	for name, tt := range map[string]struct{ text, want string }{
		"a string": {`"http://h"`, `output targets of stack: expected {"targets"`},
		"none":     {`{}`, "output targets of stack: expected 1 to 16 targets, got 0"},
		"faults":   {`[{"name":"a","kind":"ec2","url":"ftp://h","credit_mode":"lots"}]`, `credit_mode: expected standard or unlimited, got "lots"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := target.ParseOutput("stack", []byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, expected it to have %q", err, tt.want)
			}
		})
	}
}
