package terraform_test

import (
	"fmt"
	"testing"
)

// policy is a property that every plan has to have.
type policy struct {
	name  string
	check func(*plan) []string // faults
	// breaks are changes to the plan named in of, each of which has to be found.
	of     string
	breaks []change
}

// change sets an attribute of all resources of a kind.
type change struct {
	kind, path string
	value      any
}

const (
	ingress = "aws_vpc_security_group_ingress_rule"
	egress  = "aws_vpc_security_group_egress_rule"
)

var policies = []policy{
	{
		name: "no SSH", check: noSSH, of: "all", breaks: []change{
			{ingress, "from_port", 22.0},
			{ingress, "ip_protocol", "-1"},
			{"aws_launch_template", "key_name", "mine"},
			{"aws_instance", "key_name", "mine"},
			{"aws_security_group", "ingress", []any{map[string]any{"from_port": 22.0, "to_port": 22.0}}},
		},
	},
	{
		name: "callers are those named", check: namedCallers, of: "all", breaks: []change{
			{ingress, "cidr_ipv4", "0.0.0.0/0"},
			{ingress, "cidr_ipv6", "::/0"},
			{ingress, "prefix_list_id", "pl-0123456789abcdef0"},
		},
	},
	{
		name: "Redis is reached by the targets alone", check: privateRedis, of: "default", breaks: []change{
			{ingress, "cidr_ipv4", "10.42.0.0/16"},
			{"aws_subnet", "map_public_ip_on_launch", true},
		},
	},
	{
		name: "what goes out is named", check: namedEgress, of: "all", breaks: []change{
			{egress, "ip_protocol", "-1"},
			{egress, "from_port", nil},
			{egress, "to_port", 65535.0},
			{egress, "cidr_ipv4", "0.0.0.0/0"},
			{egress, "cidr_ipv6", "::/0"},
			{"aws_security_group", "egress", []any{map[string]any{"cidr_blocks": []any{"0.0.0.0/0"}}}},
		},
	},
	{
		name: "what goes anywhere is HTTPS for Session Manager", check: namedEgress, of: "single", breaks: []change{
			{egress, "to_port", 80.0},
			{egress, "cidr_ipv4", "10.0.0.0/8"},
		},
	},
	{
		name: "the targets reach each port of Redis", check: redisPorts, of: "public_url", breaks: []change{
			{ingress, "from_port", 6379.0},
			{egress, "from_port", 6379.0},
		},
	},
	{
		name: "Redis encrypts and knows no password", check: redisSecured, of: "default", breaks: []change{
			{"aws_elasticache_replication_group", "transit_encryption_enabled", false},
			{"aws_elasticache_replication_group", "at_rest_encryption_enabled", nil},
			{"aws_elasticache_replication_group", "auth_token", "secret"},
			{"aws_elasticache_user", "authentication_mode.0.type", "password"},
		},
	},
	{
		name: "IMDSv2", check: imdsv2, of: "all", breaks: []change{
			{"aws_launch_template", "metadata_options.0.http_tokens", "optional"},
			{"aws_launch_template", "metadata_options", []any{}},
			{"aws_instance", "metadata_options.0.http_tokens", nil},
			{"aws_instance", "metadata_options.0.http_put_response_hop_limit", 2.0},
		},
	},
	{
		name: "disks are encrypted", check: disks, of: "all", breaks: []change{
			{"aws_launch_template", "block_device_mappings.0.ebs.0.encrypted", "false"},
			{"aws_launch_template", "block_device_mappings", []any{}},
			{"aws_instance", "root_block_device.0.encrypted", false},
		},
	},
	{
		name: "buckets are private, encrypted and can be emptied", check: buckets, of: "all", breaks: []change{
			{"aws_s3_bucket_public_access_block", "block_public_acls", false},
			{"aws_s3_bucket_public_access_block", "restrict_public_buckets", nil},
			{"aws_s3_bucket_server_side_encryption_configuration", "rule.0.apply_server_side_encryption_by_default.0.sse_algorithm", "none"},
			{"aws_s3_bucket", "force_destroy", false},
		},
	},
	{
		name: "known policies allow no wildcard", check: knownPolicies, of: "default", breaks: []change{
			{"aws_iam_role", "assume_role_policy", `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}]}`},
			{"aws_iam_role_policy", "policy", `{"Statement":{"Effect":"Allow","Action":["*"],"Resource":"x"}}`},
		},
	},
	{
		name: "logs end", check: logs, of: "all", breaks: []change{
			{"aws_cloudwatch_log_group", "retention_in_days", nil},
			{"aws_lambda_function", "logging_config.0.log_group", "/aws/lambda/other"},
		},
	},
	{
		name: "only consent makes the function public", check: functionCallers, of: "default", breaks: []change{
			{"aws_lambda_function_url", "authorization_type", "NONE"},
		},
	},
	{
		name: "a public URL is open through the URL alone", check: functionCallers, of: "public_url", breaks: []change{
			{"aws_lambda_permission", "invoked_via_function_url", nil},
			{"aws_lambda_permission", "function_url_auth_type", nil},
			{"aws_lambda_permission", "action", "lambda:*"},
		},
	},
	{
		name: "other callers of the function are bound", check: functionCallers, of: "http_api", breaks: []change{
			{"aws_lambda_permission", "source_arn", nil},
			{"aws_lambda_permission", "principal", "*"},
		},
	},
	{
		name: "load balancers are strict", check: loadBalancers, of: "one_alb", breaks: []change{
			{"aws_lb", "drop_invalid_header_fields", false},
			{"aws_lb_listener", "protocol", "HTTP"},
			{"aws_lb_listener", "ssl_policy", "ELBSecurityPolicy-2016-08"},
		},
	},
	{
		name: "instances behind a load balancer have no public address", check: privateInstances, of: "default", breaks: []change{
			{"aws_launch_template", "network_interfaces", []any{map[string]any{"associate_public_ip_address": "true"}}},
		},
	},
	{
		name: "all is tagged", check: tagged, of: "all", breaks: []change{
			{"aws_vpc", "tags_all", nil},
			{"aws_lambda_function", "tags_all", map[string]any{"stack": "crossover"}},
			{"aws_launch_template", "tag_specifications", []any{}},
		},
	},
	{
		name: "the function cannot spend without end", check: bounded, of: "default", breaks: []change{
			{"aws_lambda_function", "reserved_concurrent_executions", -1.0},
		},
	},
}

func TestPolicies(t *testing.T) {
	needPlans(t)
	for _, name := range sortedKeys(matrix) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := decodePlan(t, planOf(t, name))
			for _, policy := range policies {
				t.Run(policy.name, func(t *testing.T) {
					for _, fault := range policy.check(p) {
						t.Error(fault)
					}
				})
			}
		})
	}
}

// A policy that cannot fail says nothing: each finds what is done to a plan here.
func TestPoliciesFindFaults(t *testing.T) {
	needPlans(t)
	for _, policy := range policies {
		t.Run(policy.name, func(t *testing.T) {
			t.Parallel()
			b := planOf(t, policy.of)
			for _, c := range policy.breaks {
				t.Run(fmt.Sprintf("%s.%s=%v", c.kind, c.path, c.value), func(t *testing.T) {
					p := decodePlan(t, b)
					found := p.of(c.kind)
					if len(found) == 0 {
						t.Fatalf("the plan has no %s", c.kind)
					}
					for _, r := range found {
						r.set(c.path, c.value)
					}
					if len(policy.check(p)) == 0 {
						t.Error("the policy is content with that")
					}
				})
			}
		})
	}
}
