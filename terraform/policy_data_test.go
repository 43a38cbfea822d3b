package terraform_test

import (
	"fmt"
	"slices"
	"strings"
)

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
