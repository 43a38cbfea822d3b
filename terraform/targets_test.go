package terraform_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contract are the fields of a targets file that the output `targets` has for each
// kind: name, and an example of the JSON type. docs/aws.md has what they mean.
var contract = map[string]map[string]any{
	"ec2": {
		"name": "", "kind": "", "url": "", "region": "", "arch": "", "instance_type": "", "instances": 0.0, "front_door": "", "auth": "",
	},
	"lambda": {
		"name": "", "kind": "", "url": "", "region": "", "arch": "", "memory_mb": 0.0, "front_door": "", "auth": "",
	},
}

// additions are further fields, which may be null.
var additions = map[string][]string{
	"ec2":    {"max_instances", "tls", "credit_mode", "autoscaling_group", "instance_id"},
	"lambda": {"package", "tls", "function_name", "qualifier", "log_group", "provisioned_concurrency", "concurrency_limit"},
}

func TestTargets(t *testing.T) {
	needPlans(t)
	want := map[string][2]string{ // front door and auth of ec2, and of lambda
		"default":    {"alb NONE", "function_url AWS_IAM"},
		"single":     {"none NONE", "function_url AWS_IAM"},
		"http_api":   {"alb NONE", "http_api AWS_IAM"},
		"one_alb":    {"alb NONE", "alb NONE"},
		"public_url": {"alb NONE", "function_url NONE"},
		"far_away":   {"alb NONE", "function_url AWS_IAM"},
		"all":        {"alb NONE", "function_url AWS_IAM"},
	}
	for _, name := range sortedKeys(matrix) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := decodePlan(t, planOf(t, name))
			out := p.OutputChanges["targets"]
			if out == nil || !slices.Equal(sortedKeys(out.After.(map[string]any)), []string{"targets"}) {
				t.Fatalf("the output targets is %+v; want an object with targets alone", out)
			}
			var kinds []string
			for i, v := range many(find(out.After, "targets")) {
				target := v.(map[string]any)
				unknown, _ := find(out.AfterUnknown, fmt.Sprintf("targets.%d", i)).(map[string]any)
				kind, _ := target["kind"].(string)
				kinds = append(kinds, kind)
				checkTarget(t, kind, target, unknown)
				if got := target["front_door"].(string) + " " + target["auth"].(string); i < 2 && got != want[name][i] {
					t.Errorf("%s: front door and auth are %s; want %s", kind, got, want[name][i])
				}
			}
			if diff := cmp.Diff([]string{"ec2", "lambda"}, kinds); diff != "" {
				t.Errorf("kinds differ (-want +got):\n%s", diff)
			}
		})
	}
}

// checkTarget compares one target with its contract. What AWS will tell has no type yet.
func checkTarget(t *testing.T, kind string, target, unknown map[string]any) {
	t.Helper()
	for name, example := range contract[kind] {
		v, ok := target[name]
		if !ok {
			if unknown[name] != true {
				t.Errorf("%s: no %s", kind, name)
			}
			continue
		}
		switch example.(type) {
		case string:
			if s, ok := v.(string); !ok || s == "" {
				t.Errorf("%s: %s = %v; want a text", kind, name, v)
			}
		case float64:
			if n, ok := v.(float64); !ok || n < 1 {
				t.Errorf("%s: %s = %v; want a number from 1 up", kind, name, v)
			}
		}
	}
	for name := range target {
		if _, ok := contract[kind][name]; !ok && !slices.Contains(additions[kind], name) {
			t.Errorf("%s: %s is in no contract", kind, name)
		}
	}
	if s, ok := target["url"].(string); ok && !strings.HasPrefix(s, "http") {
		t.Errorf("%s: url = %q", kind, s)
	}
}

// The load generator calls as anybody does who is let in: it needs the rights that signed front doors ask for, and none where networks decide.
func TestRightsOfTheLoadGenerator(t *testing.T) {
	needPlans(t)
	shared := inputs{"load_generator": true, "lambda_front_door": "alb"}
	byPort, err := planned(t, shared)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		plan []byte
		want []string
	}{
		"function URL": {planOf(t, "all"), []string{"bucket", "call", "observe", "session-manager"}},
		"shared ALB":   {byPort, []string{"bucket", "observe", "session-manager"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range decodePlan(t, tt.plan).of("aws_iam_role_policy") {
				if strings.HasPrefix(r.module, "module.load_generator[0]") {
					got = append(got, r.text("name"))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("policies of its role differ (-want +got):\n%s", diff)
			}
		})
	}
}

// What must not be made is refused while it is planned, with a message that says what to
// do; *.tftest.hcl have the rest.
func TestPlansThatFail(t *testing.T) {
	needPlans(t)
	for _, tc := range []struct {
		name string
		in   inputs
		says string
	}{
		{"nothing built", inputs{"server_binary": "nowhere/server"}, "task build"},
		{"built for the other architecture", inputs{"arch": "x86_64"}, "x86_64"},
		{"public URL without consent", inputs{"lambda_auth": "NONE"}, "lambda_public_url_consent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := planned(t, tc.in)
			if err == nil {
				t.Fatal("it is planned")
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error = %v; want %q in it", err, tc.says)
			}
		})
	}
}

// The plan file is what bench cost --plan reads: the JSON of terraform show, from version
// 1.2 of the format on.
func TestPlanFile(t *testing.T) {
	needPlans(t)
	var file struct {
		FormatVersion string `json:"format_version"`
		Errored       bool   `json:"errored"`
	}
	if err := json.Unmarshal(planOf(t, "default"), &file); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(file.FormatVersion, "1.") || file.Errored {
		t.Errorf("plan file = %+v", file)
	}
}
