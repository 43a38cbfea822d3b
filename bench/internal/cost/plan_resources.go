package cost

import (
	"fmt"
	"slices"
	"strings"
)

// planner prices the resources of a plan, one after the other.
type planner struct {
	plan   *Plan
	table  *Table
	region string
	cost   *PlanCost
}

// priced are the types that cost something whether they are used or not.
var priced = map[string]func(*planner, resource){
	"aws_instance":                      (*planner).instance,
	"aws_autoscaling_group":             (*planner).group,
	"aws_ebs_volume":                    (*planner).volume,
	"aws_lb":                            (*planner).balancer,
	"aws_alb":                           (*planner).balancer,
	"aws_eip":                           (*planner).address,
	"aws_nat_gateway":                   (*planner).gateway,
	"aws_vpc_endpoint":                  (*planner).endpoint,
	"aws_elasticache_replication_group": (*planner).cacheGroup,
	"aws_elasticache_cluster":           (*planner).cacheCluster,
	"aws_elasticache_serverless_cache":  (*planner).cacheServerless,
	"aws_lambda_provisioned_concurrency_config": (*planner).provisioned,
	"aws_ssm_parameter":                         (*planner).parameter,
}

// byUse are the types that cost nothing while they are not used, with what they cost by.
var byUse = map[string]string{
	"aws_lambda_function":      "requests and GB-seconds",
	"aws_apigatewayv2_api":     "requests, data out",
	"aws_api_gateway_rest_api": "requests, data out",
	"aws_cloudwatch_log_group": "GB of logs taken in and kept",
	"aws_s3_bucket":            "GB kept, requests",
	"aws_ecr_repository":       "GB kept; there is no price for it here",
	"aws_sns_topic":            "messages; there is no price for it here",
	"aws_flow_log":             "GB of logs taken in and kept",
	"aws_cloudtrail":           "events; there is no price for it here",
	"aws_scheduler_schedule":   "invocations; there is no price for it here",
	"aws_sqs_queue":            "requests; there is no price for it here",
}

// free are the types that cost nothing by themselves; one that ends in an underscore is a beginning. What they set up may cost, and has a
// resource of its own.
var free = []string{
	"aws_vpc", "aws_subnet", "aws_route", "aws_route_table", "aws_route_table_association", "aws_main_route_table_association",
	"aws_internet_gateway", "aws_egress_only_internet_gateway", "aws_security_group", "aws_security_group_rule", "aws_vpc_security_group_",
	"aws_network_acl", "aws_network_acl_", "aws_default_", "aws_vpc_dhcp_options", "aws_vpc_dhcp_options_association", "aws_vpc_endpoint_",
	"aws_eip_association", "aws_network_interface", "aws_iam_", "aws_key_pair", "aws_placement_group", "aws_launch_template", "aws_launch_configuration",
	"aws_autoscaling_attachment", "aws_autoscaling_lifecycle_hook", "aws_autoscaling_schedule", "aws_volume_attachment",
	"aws_lb_listener", "aws_lb_listener_", "aws_lb_target_group", "aws_lb_target_group_attachment", "aws_alb_listener", "aws_alb_target_group",
	"aws_lambda_permission", "aws_lambda_alias", "aws_lambda_function_url", "aws_lambda_function_event_invoke_config", "aws_lambda_layer_version",
	"aws_apigatewayv2_", "aws_api_gateway_", "aws_elasticache_subnet_group", "aws_elasticache_parameter_group", "aws_elasticache_user",
	"aws_elasticache_user_group", "aws_elasticache_user_group_association", "aws_s3_bucket_", "aws_s3_object", "aws_ssm_document", "aws_ssm_association",
	"aws_cloudwatch_log_resource_policy", "aws_cloudwatch_log_stream", "aws_budgets_budget", "aws_acm_certificate", "aws_acm_certificate_validation",
	"aws_ecr_lifecycle_policy", "aws_ecr_repository_policy", "aws_sns_topic_", "aws_resourcegroups_group", "aws_service_discovery_",
	"aws_kms_alias", "aws_ecs_cluster", "aws_ecs_task_definition", "aws_batch_job_definition", "aws_batch_job_queue", "aws_cloudwatch_event_rule",
	"aws_cloudwatch_event_target", "aws_secretsmanager_secret_version",
	"terraform_data", "null_resource", "time_", "random_", "local_", "tls_", "archive_",
}

// why says of types that are likely to be met what costs; all others are only named.
var why = map[string]string{
	"aws_autoscaling_policy":           "target tracking creates alarms of CloudWatch, which have no price here",
	"aws_cloudwatch_metric_alarm":      "alarms of CloudWatch have no price here",
	"aws_cloudwatch_dashboard":         "dashboards of CloudWatch have no price here",
	"aws_cloudwatch_log_metric_filter": "metrics of CloudWatch have no price here",
	"aws_budgets_budget_action":        "the first two are free, others have no price here",
	"aws_lambda_capacity_provider":     "the instances that it starts have no price here",
	"aws_ecs_service":                  "its tasks have no price here",
	"aws_batch_compute_environment":    "what it starts has no price here",
	"aws_kms_key":                      "keys of KMS have no price here",
	"aws_secretsmanager_secret":        "secrets have no price here",
	"aws_route53_zone":                 "zones of Route 53 have no price here",
	"aws_wafv2_web_acl":                "WAF has no price here",
}

func (c *planner) add(r resource) {
	if f, ok := priced[r.Type]; ok {
		f(c, r)
		return
	}
	if text, ok := byUse[r.Type]; ok {
		c.use(r, text)
		return
	}
	if text, ok := why[r.Type]; ok {
		c.unpriced(r, text)
		return
	}
	isFree := func(kind string) bool {
		return kind == r.Type || strings.HasSuffix(kind, "_") && strings.HasPrefix(r.Type, kind)
	}
	if slices.ContainsFunc(free, isFree) {
		c.cost.Free++
		return
	}
	c.unpriced(r, "what it costs is not known here")
}

func (c *planner) use(r resource, text string) {
	c.cost.ByUse = append(c.cost.ByUse, PlanItem{r.Address, text})
}

func (c *planner) unpriced(r resource, text string) {
	c.cost.Unpriced = append(c.cost.Unpriced, PlanItem{r.Address, text})
}

func (c *planner) caveat(r resource, text string) {
	c.cost.Fixed.Caveats = append(c.cost.Fixed.Caveats, r.Address+": "+text)
}

// line adds an amount of something in a month.
func (c *planner) line(r resource, what, unit, key string, amount float64) {
	if amount <= 0 {
		return
	}
	region := c.region
	if own := r.text("region"); own != "" {
		region = own
	}
	p := part{item: r.Address + ": " + what, unit: unit, rate: c.table.Rate(region, key), fixed: amount}
	c.cost.Fixed.Lines = append(c.cost.Fixed.Lines, p.line(usage{}, c.table.Sources))
}

func (c *planner) hours(r resource, what, key string, n float64) {
	c.line(r, what, "hours", key, n*HoursPerMonth)
}

// compute is n instances of a type.
func (c *planner) compute(r resource, kind string, n float64) {
	if kind == "" {
		c.unpriced(r, "its instance type is not in the plan")
		return
	}
	what := kind
	if n != 1 {
		what = fmt.Sprintf("%g %s", n, kind)
	}
	c.hours(r, what, keyInstance+kind, n)
	if c.table.Instances[kind].Baseline > 0 {
		c.use(r, "CPU above the baseline, unless its credits are standard")
	}
}

// disk is a gp3 volume in each of n instances.
func (c *planner) disk(r, ebs resource, n float64) {
	if kind := ebs.text("volume_type") + ebs.text("type"); kind != "gp3" {
		c.unpriced(r, fmt.Sprintf("its volume of type %q has no price here", kind))
		return
	}
	size, ok := ebs.number("volume_size")
	if !ok {
		size, ok = ebs.number("size")
	}
	if !ok {
		c.caveat(r, "the size of its volume is not in the plan: without it")
		return
	}
	c.line(r, "volume, gp3", "GB-months", keyVolume, n*size)
	if iops, ok := ebs.number("iops"); ok {
		c.line(r, "volume, IOPS above 3,000", "IOPS-months", keyVolumeIOPS, n*(iops-freeIOPS))
	}
	if mibps, ok := ebs.number("throughput"); ok {
		c.line(r, "volume, throughput above 125 MiB/s", "MiB/s-months", keyVolumeThroughput, n*(mibps-freeMiBps))
	}
}

func (c *planner) instance(r resource) {
	c.compute(r, r.text("instance_type"), 1)
	if root, ok := r.block("root_block_device"); ok {
		c.disk(r, root, 1)
	} else {
		c.caveat(r, "its root volume is set by its image: without it")
	}
	if r.truth("associate_public_ip_address") {
		c.hours(r, "public IPv4", keyIPv4, 1)
	}
}

func (c *planner) group(r resource) {
	count, kind := c.plan.instances(r)
	n := float64(count)
	if n == 0 {
		c.use(r, "instances, of which it starts with none")
		return
	}
	c.compute(r, kind, n)
	template, ok := c.plan.linked(r, "launch_template", "aws_launch_template")
	if !ok {
		return
	}
	disks := 0
	for _, m := range template.list("block_device_mappings") {
		values, _ := m.(map[string]any)
		if ebs, ok := (resource{Values: values}).block("ebs"); ok {
			c.disk(r, ebs, n)
			disks++
		}
	}
	if disks == 0 {
		c.caveat(r, "the volumes of its instances are set by their image: without them")
	}
	if network, ok := template.block("network_interfaces"); ok && network.truth("associate_public_ip_address") {
		c.hours(r, "public IPv4", keyIPv4, n)
	}
}

func (c *planner) volume(r resource) { c.disk(r, r, 1) }

func (c *planner) balancer(r resource) {
	if kind := r.text("load_balancer_type"); kind != "" && kind != "application" {
		c.unpriced(r, "load balancers of type "+kind+" have no price here")
		return
	}
	c.hours(r, "load balancer", keyALBHour, 1)
	c.use(r, "LCU-hours, data out")
	if r.truth("internal") {
		return
	}
	c.hours(r, "public IPv4, one a zone", keyIPv4, float64(c.zones(r, "subnets", "subnet_mapping")))
}

// zones that a resource is in, by the first argument that has any; an assumption where the plan does not tell.
func (c *planner) zones(r resource, arguments ...string) int {
	for _, a := range arguments {
		if n := len(r.list(a)); n > 0 {
			return n
		}
	}
	for _, a := range arguments {
		for _, reference := range c.plan.references(r, a) {
			kind, name, _ := strings.Cut(reference, ".")
			n := 0
			for _, other := range c.plan.resources {
				if other.Type == kind && other.Name == name && other.module == r.module {
					n++
				}
			}
			if kind == "aws_subnet" && n > 0 {
				return n
			}
		}
	}
	c.caveat(r, fmt.Sprintf("the number of its zones is not in the plan: %d are assumed", DefaultZones))
	return DefaultZones
}

func (c *planner) address(r resource) { c.hours(r, "public IPv4", keyIPv4, 1) }

func (c *planner) gateway(r resource) {
	c.hours(r, "NAT gateway", keyNATHour, 1)
	c.use(r, "GB through it")
}

func (c *planner) endpoint(r resource) {
	switch kind := r.text("vpc_endpoint_type"); kind {
	case "Gateway", "":
		c.cost.Free++
	case "Interface":
		c.hours(r, "interface endpoint, one a zone", keyEndpointHour, float64(c.zones(r, "subnet_ids", "subnet_configuration")))
		c.use(r, "GB through it")
	default:
		c.unpriced(r, "endpoints of type "+kind+" have no price here")
	}
}

func (c *planner) cacheGroup(r resource) {
	n, ok := r.number("num_cache_clusters")
	if !ok {
		groups, _ := r.number("num_node_groups")
		replicas, _ := r.number("replicas_per_node_group")
		n = max(1, groups) * (1 + replicas)
	}
	c.cacheNodes(r, n)
}

func (c *planner) cacheCluster(r resource) {
	if r.text("replication_group_id") != "" || len(c.plan.references(r, "replication_group_id")) > 0 {
		c.cost.Free++ // its nodes are the group's
		return
	}
	n, _ := r.number("num_cache_nodes")
	c.cacheNodes(r, max(1, n))
}

func (c *planner) cacheNodes(r resource, n float64) {
	engine := r.text("engine")
	if engine == "" {
		engine = EngineRedis
	}
	node := cacheNode(r.text("node_type"))
	if node == "" || engine != EngineRedis && engine != EngineValkey {
		c.unpriced(r, fmt.Sprintf("nodes of type %q with %s have no price here", node, engine))
		return
	}
	c.hours(r, fmt.Sprintf("%g cache.%s, %s", n, node, engine), keyCache+node+"."+engine, n)
}

func (c *planner) cacheServerless(r resource) {
	engine := r.text("engine")
	least := leastValkeyGB
	switch engine {
	case EngineValkey:
	case EngineRedis:
		least = leastRedisGB
	default:
		c.unpriced(r, fmt.Sprintf("serverless %q has no price here", engine))
		return
	}
	if limits, ok := r.block("cache_usage_limits"); ok {
		if storage, ok := limits.block("data_storage"); ok {
			if gb, ok := storage.number("minimum"); ok {
				least = max(least, gb)
			}
		}
		if units, ok := limits.block("ecpu_per_second"); ok {
			if n, ok := units.number("minimum"); ok && n > 0 {
				c.caveat(r, "the least number of ECPUs a second that it asks for is charged, and not in the figures")
			}
		}
	}
	c.line(r, "serverless storage, the least that is charged", "GB-hours", keyCache+"serverless."+engine+".gb_hour", least*HoursPerMonth)
	c.use(r, "ECPUs, GB kept above the least")
}

func (c *planner) provisioned(r resource) {
	n, ok := r.number("provisioned_concurrent_executions")
	function, found := c.plan.linked(r, "function_name", "aws_lambda_function")
	memory, known := function.number("memory_size")
	if !known && found {
		memory, known = minMemoryMB, true
	}
	if !ok || !found || !known {
		c.unpriced(r, "its number or its function is not in the plan")
		return
	}
	amount := n * float64(MemoryGBSeconds(HoursPerMonth*secondsPerHour*msPerSecond, int(memory)))
	c.line(r, fmt.Sprintf("%g environments of %g MB", n, memory), "GB-seconds", keyProvisioned+architecture(function), amount)
}

func (c *planner) parameter(r resource) {
	if tier := r.text("tier"); tier != "" && tier != "Standard" {
		c.unpriced(r, "parameters of tier "+tier+" have no price here")
		return
	}
	c.cost.Free++
}
