package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// account is the one that AWS uses in its documentation.
const account = "123456789012"

// query is what a data source is asked.
type query struct {
	p      *provider
	region string
	config map[string]tftypes.Value
}

// sources are the data sources that answer, with the attributes that are known.
var sources = map[string]func(query) (map[string]any, error){
	"aws_region":                      query.describeRegion,
	"aws_availability_zones":          query.zones,
	"aws_caller_identity":             query.identity,
	"aws_partition":                   query.partition,
	"aws_default_tags":                query.tags,
	"aws_service_principal":           query.principal,
	"aws_ami":                         query.image,
	"aws_ssm_parameter":               query.parameter,
	"aws_ec2_instance_type":           query.instanceType,
	"aws_ec2_instance_type_offerings": query.offerings,
	"aws_ec2_managed_prefix_list":     query.prefixList,
	"aws_prefix_list":                 query.prefixList,
	"aws_vpc":                         query.vpc,
	"aws_subnet":                      query.subnet,
	"aws_iam_policy":                  query.policy,
}

// read returns the state of a data source: what the configuration gives, what its
// entry in sources answers, null for the rest.
func (p *provider) read(typeName string, b *tfprotov5.SchemaBlock, config map[string]tftypes.Value) (map[string]tftypes.Value, error) {
	source, ok := sources[typeName]
	if !ok {
		return nil, fmt.Errorf("the provider for tests answers only %s", strings.Join(slices.Sorted(maps.Keys(sources)), ", "))
	}
	q := query{p: p, region: cmp.Or(text(config["region"]), p.region), config: config}
	answers, err := source(q)
	if err != nil {
		return nil, err
	}
	state := maps.Clone(config)
	for _, a := range b.Attributes {
		answer, ok := answers[a.Name]
		if a.Name == "region" {
			answer, ok = q.region, true
		}
		if !ok || !a.Computed || !state[a.Name].IsNull() {
			continue
		}
		if state[a.Name], err = value(a.Type, answer); err != nil {
			return nil, fmt.Errorf("%s: %w", a.Name, err)
		}
	}
	return state, nil
}

// filter returns the values of a filter block.
func (q query) filter(name string) []string {
	for _, f := range list(q.config["filter"]) {
		if m := object(f); text(m["name"]) == name {
			return texts(m["values"])
		}
	}
	return nil
}

func (q query) partitionName() (name, suffix string) {
	switch {
	case strings.HasPrefix(q.region, "cn-"):
		return "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(q.region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com"
	default:
		return "aws", "amazonaws.com"
	}
}

func (q query) arn(service, region, resource string) string {
	partition, _ := q.partitionName()
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", partition, service, region, account, resource)
}

func (q query) describeRegion() (map[string]any, error) {
	_, suffix := q.partitionName()
	return map[string]any{
		"id": q.region, "name": q.region, "description": "Region " + q.region, "endpoint": "ec2." + q.region + "." + suffix,
	}, nil
}

func (q query) zones() (map[string]any, error) {
	excluded := texts(q.config["exclude_names"])
	var names, ids []string
	for i, letter := range []string{"a", "b", "c"} {
		if name := q.region + letter; !slices.Contains(excluded, name) {
			names, ids = append(names, name), append(ids, fmt.Sprintf("test1-az%d", i+1))
		}
	}
	return map[string]any{"id": q.region, "names": names, "zone_ids": ids, "group_names": []string{q.region}}, nil
}

func (q query) identity() (map[string]any, error) {
	return map[string]any{
		"id": account, "account_id": account, "arn": q.arn("iam", "", "user/tester"), "user_id": "AIDACKCEVSQ6C2EXAMPLE",
	}, nil
}

func (q query) partition() (map[string]any, error) {
	name, suffix := q.partitionName()
	labels := strings.Split(suffix, ".")
	slices.Reverse(labels)
	return map[string]any{"id": name, "partition": name, "dns_suffix": suffix, "reverse_dns_prefix": strings.Join(labels, ".")}, nil
}

func (q query) tags() (map[string]any, error) {
	return map[string]any{"id": q.partitionID(), "tags": merge(q.p.defaultTags, tftypes.NewValue(tagsType, nil))}, nil
}

func (q query) partitionID() string { name, _ := q.partitionName(); return name }

func (q query) principal() (map[string]any, error) {
	name := text(q.config["service_name"]) + ".amazonaws.com"
	return map[string]any{"id": name, "name": name, "suffix": "amazonaws.com"}, nil
}

// imageID is a made-up machine image; the same for all.
const imageID = "ami-0123456789abcdef0"

func (q query) image() (map[string]any, error) {
	arch := "x86_64"
	if asked := q.filter("architecture"); len(asked) > 0 {
		arch = asked[0]
	}
	return map[string]any{
		"id": imageID, "image_id": imageID, "architecture": arch, "name": "al2023-ami-2023.0.20260101.0-kernel-6.1-" + arch,
		"arn": q.arn("ec2", q.region, "image/"+imageID), "root_device_name": "/dev/xvda", "root_device_type": "ebs",
		"owner_id": account, "state": "available", "virtualization_type": "hvm",
	}, nil
}

func (q query) parameter() (map[string]any, error) {
	name := text(q.config["name"])
	if !strings.HasPrefix(name, "/aws/service/ami-") {
		return nil, fmt.Errorf("no parameter %q: only the public ones of machine images are known", name)
	}
	return map[string]any{
		"id": name, "arn": q.arn("ssm", q.region, "parameter"+name), "type": "String", "version": 1,
		"value": imageID, "insecure_value": imageID,
	}, nil
}

var instanceTypeName = regexp.MustCompile(`^([a-z]+)[0-9]+([a-z-]*)\.[a-z0-9-]+$`)

// instanceType knows what the name says: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
func (q query) instanceType() (map[string]any, error) {
	name := text(q.config["instance_type"])
	m := instanceTypeName.FindStringSubmatch(name)
	if m == nil {
		return nil, fmt.Errorf("no instance type %q", name)
	}
	arch := "x86_64"
	if m[1] == "a" || strings.Contains(m[2], "g") { // Graviton
		arch = "arm64"
	}
	return map[string]any{
		"id": name, "supported_architectures": []string{arch}, "burstable_performance_supported": m[1] == "t",
	}, nil
}

// offerings has every type that is asked for, everywhere.
func (q query) offerings() (map[string]any, error) {
	kind, places := cmp.Or(text(q.config["location_type"]), "region"), []string{q.region}
	if kind == "availability-zone" {
		places = []string{q.region + "a", q.region + "b", q.region + "c"}
	}
	types, locations, kinds := []string{}, []string{}, []string{}
	for _, t := range q.filter("instance-type") {
		for _, place := range places {
			types, locations, kinds = append(types, t), append(locations, place), append(kinds, kind)
		}
	}
	return map[string]any{"id": q.region, "instance_types": types, "locations": locations, "location_types": kinds}, nil
}

func (q query) prefixList() (map[string]any, error) {
	name := text(q.config["name"])
	if asked := q.filter("prefix-list-name"); len(asked) > 0 {
		name = asked[0]
	}
	id := "pl-0123456789abcdef0"
	return map[string]any{
		"id": id, "name": name, "arn": q.arn("ec2", q.region, "prefix-list/"+id), "cidr_blocks": []string{"198.51.100.0/24"},
	}, nil
}

func (q query) vpc() (map[string]any, error) {
	id := cmp.Or(text(q.config["id"]), "vpc-0123456789abcdef0")
	return map[string]any{
		"id": id, "arn": q.arn("ec2", q.region, "vpc/"+id), "cidr_block": "10.0.0.0/16", "owner_id": account,
		"enable_dns_hostnames": true, "enable_dns_support": true, "main_route_table_id": "rtb-0123456789abcdef0",
	}, nil
}

func (q query) subnet() (map[string]any, error) {
	id := cmp.Or(text(q.config["id"]), "subnet-0123456789abcdef0")
	return map[string]any{
		"id": id, "arn": q.arn("ec2", q.region, "subnet/"+id), "vpc_id": "vpc-0123456789abcdef0",
		"availability_zone": q.region + "a", "cidr_block": "10.0.0.0/24", "owner_id": account,
	}, nil
}

func (q query) policy() (map[string]any, error) {
	arn := text(q.config["arn"])
	if arn == "" {
		arn = q.arn("iam", "", "policy/"+text(q.config["name"]))
	}
	return map[string]any{"id": arn, "arn": arn, "name": arn[strings.LastIndex(arn, "/")+1:], "path": "/"}, nil
}
