package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func newTestProvider(t *testing.T) *provider {
	t.Helper()
	p, err := newProvider()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fill is a value of an object type, null but for these attributes.
func fill(t *testing.T, typ tftypes.Type, attributes map[string]tftypes.Value) tftypes.Value {
	t.Helper()
	o, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", typ)
	}
	all := map[string]tftypes.Value{}
	for name, a := range o.AttributeTypes {
		all[name] = tftypes.NewValue(a, nil)
		if v, ok := attributes[name]; ok {
			all[name] = v
		}
	}
	return tftypes.NewValue(typ, all)
}

func str(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }

func tags(kv ...string) tftypes.Value {
	m := map[string]tftypes.Value{}
	for pair := range slices.Chunk(kv, 2) {
		m[pair[0]] = str(pair[1])
	}
	return tftypes.NewValue(tagsType, m)
}

func TestSchemas(t *testing.T) {
	p := newTestProvider(t)
	if r, d := len(p.resources), len(p.data); r != 87 || d != 26 {
		t.Errorf("%d resources and %d data sources; want 87 and 26", r, d)
	}
	if _, err := loadSchemas([]byte("no gzip")); err == nil || !strings.Contains(err.Error(), "unpacking the schema") {
		t.Errorf("error = %v", err)
	}
	for name := range sources {
		if p.data[name] == nil {
			t.Errorf("%s answers and is not in the schema", name)
		}
	}
	for _, rules := range [][]string{slices.Collect(keysOf(oneOf)), slices.Collect(keysOf(conflicts))} {
		for _, name := range rules {
			if p.resources[name] == nil {
				t.Errorf("there are rules for %s, which is not in the schema", name)
			}
		}
	}
	for _, name := range append(slices.Collect(keysOf(names)), slices.Collect(keysOf(ranges))...) {
		kind, attribute, _ := strings.Cut(name, ".")
		if s := p.resources[kind]; s == nil || !slices.ContainsFunc(s.Block.Attributes, func(a *tfprotov5.SchemaAttribute) bool { return a.Name == attribute }) {
			t.Errorf("there is a rule for %s, which is not in the schema", name)
		}
	}
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestPlan(t *testing.T) {
	p := newTestProvider(t)
	p.defaultTags = tags("project", "x", "stack", "default")
	schema := p.resources["aws_vpc"]
	planned, err := p.plan(schema.Block, fill(t, schema.ValueType(), map[string]tftypes.Value{
		"cidr_block": str("10.0.0.0/16"), "tags": tags("stack", "own"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := object(planned)
	for name, want := range map[string]tftypes.Value{
		"cidr_block": str("10.0.0.0/16"), "region": str("us-east-1"), "tags_all": tags("project", "x", "stack", "own"),
		"id": tftypes.NewValue(tftypes.String, tftypes.UnknownValue), "instance_tenancy": tftypes.NewValue(tftypes.String, nil),
	} {
		if !got[name].Equal(want) {
			t.Errorf("%s = %s; want %s", name, got[name], want)
		}
	}
	gone := tftypes.NewValue(schema.ValueType(), nil)
	if planned, err := p.plan(schema.Block, gone); err != nil || !planned.Equal(gone) {
		t.Errorf("destroyed = %s, %v", planned, err)
	}
}

func TestRead(t *testing.T) {
	p := newTestProvider(t)
	for _, tc := range []struct {
		source, attribute string
		config            map[string]tftypes.Value
		want              []string
		fault             string
	}{
		{source: "aws_availability_zones", attribute: "names", want: []string{"us-east-1a", "us-east-1b", "us-east-1c"}},
		{source: "aws_ec2_instance_type", attribute: "supported_architectures", config: map[string]tftypes.Value{"instance_type": str("t4g.small")}, want: []string{"arm64"}},
		{source: "aws_ec2_instance_type", attribute: "supported_architectures", config: map[string]tftypes.Value{"instance_type": str("g4dn.xlarge")}, want: []string{"x86_64"}},
		{source: "aws_ec2_instance_type", config: map[string]tftypes.Value{"instance_type": str("small")}, fault: `no instance type "small"`},
		{source: "aws_ssm_parameter", config: map[string]tftypes.Value{"name": str("/mine")}, fault: `no parameter "/mine"`},
		{source: "aws_iam_policy_document", fault: "answers only aws_ami, "},
	} {
		t.Run(tc.source, func(t *testing.T) {
			schema := p.data[tc.source]
			state, err := p.read(tc.source, schema.Block, object(fill(t, schema.ValueType(), tc.config)))
			if tc.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fault) {
					t.Errorf("error = %v; want %q", err, tc.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, texts(state[tc.attribute])); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", tc.attribute, diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	p := newTestProvider(t)
	number := func(n int) tftypes.Value { return tftypes.NewValue(tftypes.Number, n) }
	unknown := tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	for _, tc := range []struct {
		name, kind string
		config     map[string]tftypes.Value
		want       string // empty: no fault
	}{
		{"one source", "aws_lambda_function", map[string]tftypes.Value{"function_name": str("f"), "filename": str("z")}, ""},
		{"no source", "aws_lambda_function", map[string]tftypes.Value{"function_name": str("f")}, "one of filename, image_uri, s3_bucket"},
		{"two sources", "aws_lambda_function", map[string]tftypes.Value{"filename": str("z"), "image_uri": str("i")}, "conflicting configuration arguments: filename, image_uri"},
		{"one that may be null", "aws_lambda_function", map[string]tftypes.Value{"filename": str("z"), "image_uri": unknown}, ""},
		{"memory", "aws_lambda_function", map[string]tftypes.Value{"filename": str("z"), "memory_size": number(127)}, "range (128 - 10240), got 127"},
		{"name and prefix", "aws_iam_role", map[string]tftypes.Value{"name": str("a"), "name_prefix": str("b")}, "conflicting configuration arguments: name, name_prefix"},
		{"long name", "aws_lb", map[string]tftypes.Value{"name": str(strings.Repeat("a", 33))}, "does not match"},
		{"retention", "aws_cloudwatch_log_group", map[string]tftypes.Value{"retention_in_days": number(8)}, "expected retention_in_days to be one of"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			faults := validate(tc.kind, object(fill(t, p.resources[tc.kind].ValueType(), tc.config)))
			switch {
			case tc.want == "" && len(faults) > 0:
				t.Errorf("fault %q", faults[0].Summary)
			case tc.want != "" && (len(faults) != 1 || !strings.Contains(faults[0].Summary, tc.want)):
				t.Errorf("faults = %v; want %q", faults, tc.want)
			}
		})
	}
}

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	for range 2 { // over itself too
		if code := run([]string{"-install", dir}, &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, &stderr)
		}
	}
	config := filepath.Join(dir, "terraform.tfrc")
	if got := stdout.String(); got != config+"\n"+config+"\n" {
		t.Errorf("stdout = %q", got)
	}
	b, err := os.ReadFile(config)
	if err != nil || !strings.Contains(string(b), "filesystem_mirror") || strings.Contains(string(b), "direct") {
		t.Errorf("configuration = %s, %v", b, err)
	}
	if binaries, _ := filepath.Glob(filepath.Join(dir, "mirror", "registry.terraform.io", "hashicorp", "aws", "6.66.0", "*", "*")); len(binaries) != 1 {
		t.Errorf("the mirror has %q; want the provider alone", binaries)
	}
	if code := run([]string{"x"}, &stdout, &stderr); code != 2 {
		t.Errorf("exit code with an argument = %d; want 2", code)
	}
}
