package terraform_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

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

// anywhere are the rules, by address without indices, that may let out to any address, and to
// which ports, in which plans. All others name a security group or a list of networks.
var anywhere = map[string]func(p *plan, port float64) bool{
	// Systems Manager, where there are no interface endpoints to reach it by: without an ALB, or with a NAT gateway.
	"module.ec2." + egress + ".https": func(p *plan, port float64) bool {
		return port == 443 && (len(p.of("aws_autoscaling_group")) == 0 || len(p.of("aws_nat_gateway")) > 0)
	},
	// The addresses of an ALB, of function URLs and of Systems Manager are AWS's to change.
	"module.load_generator." + egress + ".this": func(_ *plan, port float64) bool {
		return slices.Contains([]float64{80, 443, 8080, 8081, 8443}, port)
	},
}

func namedEgress(p *plan) (faults []string) {
	for _, r := range p.of(egress) {
		from, fromOK := r.get("from_port").(float64)
		to, toOK := r.get("to_port").(float64)
		if r.text("ip_protocol") != "tcp" || !fromOK || !toOK || from != to {
			faults = append(faults, fmt.Sprintf("%s lets out %s to port %v to %v; want one port of TCP", r.address, r.text("ip_protocol"), r.get("from_port"), r.get("to_port")))
		}
		named := r.given("referenced_security_group_id") || r.given("prefix_list_id")
		stated := anywhere[indices.ReplaceAllString(r.address, "")]
		switch cidr := r.text("cidr_ipv4"); {
		case r.given("cidr_ipv6") || r.given("cidr_ipv4") == named:
			faults = append(faults, r.address+" does not name one kind of destination")
		case named:
		case cidr != "0.0.0.0/0" || stated == nil || !stated(p, from):
			faults = append(faults, fmt.Sprintf("%s lets out to %s, port %v, which no exception states", r.address, cidr, from))
		}
	}
	for _, r := range p.of("aws_security_group", "aws_default_security_group") {
		if l, ok := r.get("egress").([]any); ok && len(l) > 0 {
			faults = append(faults, r.address+" has rules of its own: want resources of the kind "+egress)
		}
	}
	return faults
}

// redisPorts: a serverless cache tells its clients of a second port, of which they must not wait in vain.
func redisPorts(p *plan) (faults []string) {
	want := []float64{6379}
	if len(p.of("aws_elasticache_serverless_cache")) > 0 {
		want = append(want, 6380)
	}
	// Of each side, the ports that it lets in from the other, or out to it.
	ports := map[string][]float64{}
	for _, r := range p.of(ingress, egress) {
		_, client, _ := strings.Cut(r.address, `client["`)
		client, _, _ = strings.Cut(client, "-")
		var side string
		switch {
		case r.module == "module.redis":
			side = "Redis, from " + client
		case strings.Contains(r.address, `.group["redis-`):
			side = r.module
		default:
			continue
		}
		if from, ok := r.get("from_port").(float64); ok && from == r.get("to_port") {
			ports[side] = append(ports[side], from)
		}
	}
	for _, side := range []string{"Redis, from ec2", "Redis, from lambda", "module.ec2", "module.lambda"} {
		slices.Sort(ports[side])
		if !slices.Equal(ports[side], want) {
			faults = append(faults, fmt.Sprintf("%s: the ports %v are open; want %v", side, ports[side], want))
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
