package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The real provider checks far more than types, in code that no schema shows. These are
// the checks that a stack like ours runs into, from the provider's documentation and that
// of the services.

// oneOf are attributes of which exactly one must be given.
var oneOf = map[string][]string{
	"aws_lambda_function":                 {"filename", "image_uri", "s3_bucket"},
	"aws_autoscaling_group":               {"launch_configuration", "launch_template", "mixed_instances_policy"},
	"aws_vpc_security_group_ingress_rule": {"cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"},
	"aws_vpc_security_group_egress_rule":  {"cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"},
}

// conflicts are attributes of which at most one may be given. Besides these, no resource
// takes both "name" and "name_prefix".
var conflicts = map[string][][]string{
	"aws_autoscaling_group": {{"availability_zones", "vpc_zone_identifier"}},
	"aws_elasticache_replication_group": {
		{"auth_token", "user_group_ids"},
		{"num_cache_clusters", "num_node_groups"},
	},
	"aws_launch_template": {{"user_data", "user_data_base64"}},
	"aws_instance":        {{"user_data", "user_data_base64"}},
	"aws_lb":              {{"subnets", "subnet_mapping"}},
	"aws_route": {{
		"gateway_id", "nat_gateway_id", "network_interface_id", "transit_gateway_id", "vpc_endpoint_id", "vpc_peering_connection_id",
	}},
}

// names are the names that AWS takes.
var names = map[string]*regexp.Regexp{
	"aws_lb.name":              regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z-]{0,30}[0-9A-Za-z])?$`),
	"aws_lb_target_group.name": regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z-]{0,30}[0-9A-Za-z])?$`),
	"aws_lb.name_prefix":       regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,5}$`),

	"aws_lb_target_group.name_prefix":                        regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z-]{0,5}$`),
	"aws_iam_role.name":                                      regexp.MustCompile(`^[\w+=,.@-]{1,64}$`),
	"aws_iam_role.name_prefix":                               regexp.MustCompile(`^[\w+=,.@-]{1,38}$`),
	"aws_iam_instance_profile.name":                          regexp.MustCompile(`^[\w+=,.@-]{1,128}$`),
	"aws_iam_role_policy.name":                               regexp.MustCompile(`^[\w+=,.@-]{1,128}$`),
	"aws_iam_policy.name":                                    regexp.MustCompile(`^[\w+=,.@-]{1,128}$`),
	"aws_lambda_function.function_name":                      regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`),
	"aws_elasticache_replication_group.replication_group_id": regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,39}$`),
	"aws_elasticache_serverless_cache.name":                  regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,39}$`),
	"aws_elasticache_user.user_id":                           regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,39}$`),
	"aws_elasticache_user_group.user_group_id":               regexp.MustCompile(`^[a-z](-?[a-z0-9]){0,39}$`),
	"aws_s3_bucket.bucket":                                   regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`),
	"aws_s3_bucket.bucket_prefix":                            regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,36}$`),
	"aws_security_group.name":                                regexp.MustCompile(`^[0-9A-Za-z ._:/()#,@\[\]+=&;{}!$*-]{1,255}$`),
	"aws_ssm_document.name":                                  regexp.MustCompile(`^[0-9A-Za-z_.-]{3,128}$`),
	"aws_cloudwatch_log_group.name":                          regexp.MustCompile(`^[0-9A-Za-z_./#-]{1,512}$`),
}

// ranges are numbers with both ends.
var ranges = map[string][2]float64{
	"aws_lambda_function.memory_size":                                      {128, 10240},
	"aws_lambda_function.timeout":                                          {1, 900},
	"aws_lb_target_group.port":                                             {1, 65535},
	"aws_lb_listener.port":                                                 {1, 65535},
	"aws_lb.idle_timeout":                                                  {1, 4000},
	"aws_elasticache_replication_group.replicas_per_node_group":            {0, 5},
	"aws_lambda_function_event_invoke_config.maximum_retry_attempts":       {0, 2},
	"aws_elasticache_replication_group.num_cache_clusters":                 {1, 6},
	"aws_lambda_function_event_invoke_config.maximum_event_age_in_seconds": {60, 21600},
}

// retentions are the days that CloudWatch Logs keeps for; 0 is for ever.
var retentions = []float64{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// validate returns all faults of a resource that the schema does not see.
func validate(typeName string, config map[string]tftypes.Value) []*tfprotov5.Diagnostic {
	var faults []*tfprotov5.Diagnostic
	if group, ok := oneOf[typeName]; ok {
		if n := len(given(config, group)); n == 0 {
			faults = append(faults, fault("", "%s: one of %s must be specified", typeName, strings.Join(group, ", "))...)
		}
		faults = append(faults, exclude(typeName, config, group)...)
	}
	for _, group := range conflicts[typeName] {
		faults = append(faults, exclude(typeName, config, group)...)
	}
	for attribute, v := range config {
		if _, ok := config[attribute+"_prefix"]; ok {
			faults = append(faults, exclude(typeName, config, []string{attribute, attribute + "_prefix"})...)
		}
		key := typeName + "." + attribute
		if form, ok := names[key]; ok && text(v) != "" && !form.MatchString(text(v)) {
			faults = append(faults, fault(attribute, "invalid value for %s: %q does not match %s", attribute, text(v), form)...)
		}
		n, ok := number(v)
		if r, bounded := ranges[key]; ok && bounded && (n < r[0] || n > r[1]) {
			faults = append(faults, fault(attribute, "expected %s to be in the range (%g - %g), got %g", attribute, r[0], r[1], n)...)
		}
		if ok && attribute == "retention_in_days" && !slices.Contains(retentions, n) {
			faults = append(faults, fault(attribute, "expected retention_in_days to be one of %v, got %g", retentions, n)...)
		}
	}
	return faults
}

// given returns those of the group that the configuration sets.
func given(config map[string]tftypes.Value, group []string) []string {
	var out []string
	for _, name := range group {
		if v, ok := config[name]; ok && set(v) {
			out = append(out, name)
		}
	}
	return out
}

// exclude is a fault if more than one of the group is given. One that is not known yet may
// still turn out null.
func exclude(typeName string, config map[string]tftypes.Value, group []string) []*tfprotov5.Diagnostic {
	known := slices.DeleteFunc(given(config, group), func(name string) bool { return !config[name].IsKnown() })
	if len(known) < 2 {
		return nil
	}
	return fault(known[0], "%s", fmt.Sprintf("%s: conflicting configuration arguments: %s", typeName, strings.Join(known, ", ")))
}
