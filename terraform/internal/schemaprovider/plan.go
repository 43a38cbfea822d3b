package main

import (
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// plan returns v, which terraform proposes for a block, with everything unknown that only
// AWS can tell.
func (p *provider) plan(b *tfprotov5.SchemaBlock, v tftypes.Value) (tftypes.Value, error) {
	if v.IsNull() || !v.IsKnown() {
		return v, nil // destroyed, or made of an unknown for_each
	}
	attributes := object(v)
	for _, a := range b.Attributes {
		if a.Computed && attributes[a.Name].IsNull() {
			attributes[a.Name] = p.computed(a, attributes)
		}
	}
	for _, n := range b.BlockTypes {
		planned, err := p.planNested(n, attributes[n.TypeName])
		if err != nil {
			return v, fmt.Errorf("%s: %w", n.TypeName, err)
		}
		attributes[n.TypeName] = planned
	}
	if err := tftypes.ValidateValue(v.Type(), attributes); err != nil {
		return v, err
	}
	return tftypes.NewValue(v.Type(), attributes), nil
}

func (p *provider) planNested(n *tfprotov5.SchemaNestedBlock, v tftypes.Value) (tftypes.Value, error) {
	if n.Nesting == tfprotov5.SchemaNestedBlockNestingModeSingle {
		return p.plan(n.Block, v)
	}
	if v.IsNull() || !v.IsKnown() {
		return v, nil
	}
	elements := list(v)
	for i, e := range elements {
		planned, err := p.plan(n.Block, e)
		if err != nil {
			return v, err
		}
		elements[i] = planned
	}
	return tftypes.NewValue(v.Type(), elements), nil
}

// computed is what is known of an attribute that the configuration does not set.
func (p *provider) computed(a *tfprotov5.SchemaAttribute, attributes map[string]tftypes.Value) tftypes.Value {
	switch a.Name {
	case "region":
		return tftypes.NewValue(tftypes.String, p.region)
	case "tags_all":
		if tags, ok := attributes["tags"]; ok {
			return merge(p.defaultsFor(attributes), tags)
		}
	}
	return tftypes.NewValue(a.Type, tftypes.UnknownValue)
}

// defaultsFor are the default tags of a resource. An aws_s3_object, which can have ten tags
// only, may override the provider's.
func (p *provider) defaultsFor(attributes map[string]tftypes.Value) tftypes.Value {
	for _, override := range list(attributes["override_provider"]) {
		for _, defaults := range list(object(override)["default_tags"]) {
			return object(defaults)["tags"]
		}
	}
	return p.defaultTags
}

// merge is the union of two maps of tags, those of the second first. It is null if both
// are empty.
func merge(defaults, tags tftypes.Value) tftypes.Value {
	if !defaults.IsKnown() || !tags.IsKnown() {
		return tftypes.NewValue(tagsType, tftypes.UnknownValue)
	}
	all := map[string]tftypes.Value{}
	maps.Copy(all, object(defaults))
	maps.Copy(all, object(tags))
	if len(all) == 0 {
		return tftypes.NewValue(tagsType, nil)
	}
	return tftypes.NewValue(tagsType, all)
}
