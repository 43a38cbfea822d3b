package terraform_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
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

const ingress = "aws_vpc_security_group_ingress_rule"

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

func noSSH(p *plan) (faults []string) {
	for _, r := range p.of(ingress) {
		from, fromOK := r.get("from_port").(float64)
		to, toOK := r.get("to_port").(float64)
		if r.text("ip_protocol") != "tcp" || !fromOK || !toOK || from <= 22 && 22 <= to {
			faults = append(faults, fmt.Sprintf("%s lets in %s from port %v to %v", r.address, r.text("ip_protocol"), r.get("from_port"), r.get("to_port")))
		}
	}
	for _, r := range p.of("aws_security_group", "aws_default_security_group") {
		if l, ok := r.get("ingress").([]any); ok && len(l) > 0 {
			faults = append(faults, r.address+" has rules of its own: want resources of the kind "+ingress)
		}
	}
	for _, r := range p.of("aws_launch_template", "aws_instance") {
		if r.given("key_name") {
			faults = append(faults, r.address+" has a key for SSH")
		}
	}
	return faults
}

// allowed are the networks that may call: those named, and the VPC's own.
func allowed(p *plan) []netip.Prefix {
	var out []netip.Prefix
	for _, name := range []string{"caller_cidrs", "vpc_cidr"} {
		v := p.Variables[name]
		if v == nil {
			continue
		}
		values, ok := v.Value.([]any)
		if !ok {
			values = []any{v.Value}
		}
		for _, value := range values {
			if prefix, err := netip.ParsePrefix(fmt.Sprint(value)); err == nil {
				out = append(out, prefix)
			}
		}
	}
	return out
}

func namedCallers(p *plan) (faults []string) {
	for _, r := range p.of(ingress) {
		switch cidr := r.text("cidr_ipv4"); {
		case cidr != "":
			prefix, err := netip.ParsePrefix(cidr)
			if err != nil || !slices.ContainsFunc(allowed(p), func(a netip.Prefix) bool {
				return a.Bits() <= prefix.Bits() && a.Contains(prefix.Addr())
			}) {
				faults = append(faults, r.address+" lets in "+cidr)
			}
		case r.given("cidr_ipv4") && !strings.HasPrefix(r.address, ingress+".load_generator["):
			faults = append(faults, r.address+" lets in an address that is not known")
		}
		if r.given("cidr_ipv6") || r.given("prefix_list_id") {
			faults = append(faults, r.address+" lets in IPv6 or a list of networks")
		}
	}
	return faults
}

func privateRedis(p *plan) (faults []string) {
	rules := 0
	for _, r := range p.of(ingress) {
		if r.module != "module.redis" {
			continue
		}
		rules++
		if !r.given("referenced_security_group_id") || r.given("cidr_ipv4") || r.given("cidr_ipv6") || r.given("prefix_list_id") {
			faults = append(faults, r.address+" does not name a security group")
		}
	}
	if rules < 2 {
		faults = append(faults, fmt.Sprintf("Redis lets in %d groups; want those of the two targets", rules))
	}
	subnets := p.Config.RootModule.ModuleCalls["redis"].Expressions["subnet_ids"]
	if subnets == nil || !slices.Contains(subnets.References, "module.network.private_subnet_ids") {
		faults = append(faults, "Redis is not in the private subnets")
	}
	for _, r := range p.of("aws_subnet") {
		if strings.Contains(r.address, ".private[") && r.text("map_public_ip_on_launch") == "true" {
			faults = append(faults, r.address+" gives public addresses")
		}
	}
	for _, r := range p.of("aws_route") {
		if r.given("gateway_id") && !slices.Contains(r.references["route_table_id"], "aws_route_table.public") {
			faults = append(faults, r.address+" leads private subnets to the internet")
		}
	}
	return faults
}

func redisSecured(p *plan) (faults []string) {
	for _, r := range p.of("aws_elasticache_replication_group") {
		if r.text("transit_encryption_enabled") != "true" || r.text("at_rest_encryption_enabled") != "true" {
			faults = append(faults, r.address+" does not encrypt in transit and at rest")
		}
		if r.given("auth_token") || !r.given("user_group_ids") {
			faults = append(faults, r.address+" is not for the users of a group")
		}
	}
	// Serverless caches encrypt always.
	for _, r := range p.of("aws_elasticache_serverless_cache") {
		if !r.given("user_group_id") {
			faults = append(faults, r.address+" is not for the users of a group")
		}
	}
	if n := len(p.of("aws_elasticache_replication_group", "aws_elasticache_serverless_cache")); n != 1 {
		faults = append(faults, fmt.Sprintf("%d caches; want 1", n))
	}
	for _, r := range p.of("aws_elasticache_user") {
		off := strings.HasPrefix(r.text("access_string"), "off ")
		if r.text("authentication_mode.0.type") != "iam" && !off || r.given("passwords") {
			faults = append(faults, r.address+" does not authenticate by IAM")
		}
	}
	return faults
}

func imdsv2(p *plan) (faults []string) {
	for _, r := range p.of("aws_launch_template", "aws_instance") {
		if r.text("metadata_options.0.http_tokens") != "required" || r.text("metadata_options.0.http_put_response_hop_limit") != "1" {
			faults = append(faults, r.address+" serves metadata without a token, or to more than one hop")
		}
	}
	return faults
}

func disks(p *plan) (faults []string) {
	for _, r := range p.of("aws_launch_template") {
		volumes, _ := r.get("block_device_mappings").([]any)
		if len(volumes) == 0 {
			faults = append(faults, r.address+" says nothing of its disk")
		}
		for _, v := range volumes {
			if find(v, "ebs.0.encrypted") != "true" || find(v, "ebs.0.volume_type") != "gp3" {
				faults = append(faults, r.address+" has a disk that is not encrypted gp3")
			}
		}
	}
	for _, r := range p.of("aws_instance") {
		if r.text("root_block_device.0.encrypted") != "true" || r.text("root_block_device.0.volume_type") != "gp3" {
			faults = append(faults, r.address+" has a disk that is not encrypted gp3")
		}
	}
	return faults
}

func buckets(p *plan) (faults []string) {
	// beside is the resource of a kind for the bucket of one module.
	beside := func(module, kind string) *resource {
		for _, r := range p.of(kind) {
			if r.module == module {
				return r
			}
		}
		return &resource{}
	}
	for _, r := range p.of("aws_s3_bucket") {
		block := beside(r.module, "aws_s3_bucket_public_access_block")
		for _, name := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
			if block.text(name) != "true" {
				faults = append(faults, r.address+" has no "+name)
			}
		}
		encryption := beside(r.module, "aws_s3_bucket_server_side_encryption_configuration")
		if a := encryption.text("rule.0.apply_server_side_encryption_by_default.0.sse_algorithm"); a != "AES256" && a != "aws:kms" {
			faults = append(faults, r.address+" is not encrypted")
		}
		if beside(r.module, "aws_s3_bucket_policy").address == "" {
			faults = append(faults, r.address+" has no policy that asks for TLS")
		}
		if r.text("force_destroy") != "true" {
			faults = append(faults, r.address+" stays behind after terraform destroy")
		}
	}
	return faults
}

// knownPolicies sees the documents that hold no name that only AWS will know; TestWildcards
// sees all in the source.
func knownPolicies(p *plan) (faults []string) {
	for _, r := range p.resources {
		for _, name := range []string{"policy", "assume_role_policy"} {
			text := r.text(name)
			if text == "" {
				continue
			}
			var document struct{ Statement any }
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s: %v", r.address, name, err))
				continue
			}
			for _, s := range many(document.Statement) {
				if find(s, "Effect") != "Allow" {
					continue
				}
				for _, key := range []string{"Action", "Principal", "NotAction"} {
					if key == "Principal" && r.kind == "aws_vpc_endpoint" {
						continue // its policy narrows what roles allow, and gives nothing
					}
					if slices.Contains(many(find(s, key)), any("*")) {
						faults = append(faults, fmt.Sprintf("%s: %s allows %s *", r.address, name, key))
					}
				}
			}
		}
	}
	return faults
}

// many is a list, or the list of the one that stands for it.
func many(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func logs(p *plan) (faults []string) {
	var groups []string
	for _, r := range p.of("aws_cloudwatch_log_group") {
		groups = append(groups, r.text("name"))
		if days, ok := r.get("retention_in_days").(float64); !ok || days <= 0 {
			faults = append(faults, r.address+" keeps logs for ever")
		}
	}
	for _, r := range p.of("aws_lambda_function") {
		if group := r.text("logging_config.0.log_group"); !slices.Contains(groups, group) {
			faults = append(faults, fmt.Sprintf("%s logs to %q, which Lambda would make and nobody remove", r.address, group))
		}
	}
	return faults
}

func functionCallers(p *plan) (faults []string) {
	// Variables are as they came from the command line: texts.
	variable := func(name string) string {
		if v := p.Variables[name]; v != nil {
			return fmt.Sprint(v.Value)
		}
		return ""
	}
	public := variable("lambda_auth") == "NONE" && variable("lambda_public_url_consent") == "true"
	for _, r := range p.of("aws_lambda_function_url") {
		if want := map[bool]string{false: "AWS_IAM", true: "NONE"}[public]; r.text("authorization_type") != want {
			faults = append(faults, fmt.Sprintf("%s has the authorization type %s; want %s", r.address, r.text("authorization_type"), want))
		}
	}
	var open []string
	for _, r := range p.of("aws_lambda_permission") {
		switch {
		case r.text("principal") == "*" && public:
			open = append(open, fmt.Sprintf("%s %s %s", r.text("action"), r.text("function_url_auth_type"), r.text("invoked_via_function_url")))
		case r.text("principal") == "*":
			faults = append(faults, r.address+" is for everybody")
		case !r.given("source_arn"):
			faults = append(faults, r.address+" is not bound to one caller")
		}
	}
	slices.Sort(open)
	if want := []string{"lambda:InvokeFunction  true", "lambda:InvokeFunctionUrl NONE "}; public && !slices.Equal(open, want) {
		faults = append(faults, fmt.Sprintf("everybody may %q; want %q", open, want))
	}
	return faults
}

func loadBalancers(p *plan) (faults []string) {
	for _, r := range p.of("aws_lb") {
		if r.text("drop_invalid_header_fields") != "true" {
			faults = append(faults, r.address+" passes invalid headers on")
		}
	}
	certified := p.Variables["certificate_arn"] != nil && p.Variables["certificate_arn"].Value != nil
	for _, r := range p.of("aws_lb_listener") {
		if certified && (r.text("protocol") != "HTTPS" || !strings.HasPrefix(r.text("ssl_policy"), "ELBSecurityPolicy-TLS13-1-")) {
			faults = append(faults, r.address+" does not ask for TLS 1.2 or newer though there is a certificate")
		}
	}
	return faults
}

func privateInstances(p *plan) (faults []string) {
	for _, r := range p.of("aws_autoscaling_group") {
		if !slices.Contains(r.references["vpc_zone_identifier"], "var.private_subnet_ids") {
			faults = append(faults, r.address+" is not in the private subnets")
		}
	}
	for _, r := range p.of("aws_launch_template") {
		interfaces, _ := r.get("network_interfaces").([]any)
		for _, i := range interfaces {
			if find(i, "associate_public_ip_address") != "false" {
				faults = append(faults, r.address+" has a public address")
			}
		}
	}
	return faults
}

func tagged(p *plan) (faults []string) {
	for _, r := range p.resources {
		after, _ := r.after.(map[string]any)
		if _, ok := after["tags_all"]; !ok && r.kind != "aws_autoscaling_group" || r.kind == "aws_s3_object" {
			continue // of a kind that has none, or not enough: an object takes ten
		}
		tags := after["tags_all"]
		if r.kind == "aws_autoscaling_group" {
			list := map[string]any{}
			for _, tag := range many(after["tag"]) {
				if find(tag, "propagate_at_launch") != nil {
					list[fmt.Sprint(find(tag, "key"))] = find(tag, "value")
				}
			}
			tags = list
		}
		for _, name := range []string{"project", "stack"} {
			if find(tags, name) == nil {
				faults = append(faults, r.address+" has no tag "+name)
			}
		}
	}
	for _, r := range p.of("aws_launch_template") {
		var kinds []string
		for _, s := range many(r.get("tag_specifications")) {
			if find(s, "tags.project") != nil {
				kinds = append(kinds, fmt.Sprint(find(s, "resource_type")))
			}
		}
		for _, kind := range []string{"instance", "volume"} {
			if !slices.Contains(kinds, kind) {
				faults = append(faults, fmt.Sprintf("%s does not tag its %ss", r.address, kind))
			}
		}
	}
	return faults
}

func bounded(p *plan) (faults []string) {
	for _, r := range p.of("aws_lambda_function") {
		if n, ok := r.get("reserved_concurrent_executions").(float64); !ok || n < 1 {
			faults = append(faults, r.address+" has no reserved concurrency")
		}
	}
	return faults
}
