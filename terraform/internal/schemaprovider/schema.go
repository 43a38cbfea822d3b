package main

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// rawSchema is the output of `terraform providers schema -json` for hashicorp/aws
// 6.66.0 (2026-11), cut to the 87 resources and 26 data sources that a stack like
// this one may need, `gzip -9n`. Provider and schema are under the Mozilla Public
// License 2.0, https://github.com/hashicorp/terraform-provider-aws.
//
//go:embed aws-6.66.0.schema.json.gz
var rawSchema []byte

// schemas are the provider's own, its resources' and its data sources', these by type
// name.
type schemas struct {
	config          *tfprotov5.Schema // the provider's own
	resources, data map[string]*tfprotov5.Schema
}

// The JSON form, https://developer.hashicorp.com/terraform/cli/commands/providers/schema.
type (
	jsonSchema struct {
		Version int64     `json:"version"`
		Block   jsonBlock `json:"block"`
	}
	jsonBlock struct {
		Attributes map[string]jsonAttribute   `json:"attributes"`
		BlockTypes map[string]jsonNestedBlock `json:"block_types"`
		Deprecated bool                       `json:"deprecated"`
	}
	jsonAttribute struct {
		Type       json.RawMessage `json:"type"`
		Required   bool            `json:"required"`
		Optional   bool            `json:"optional"`
		Computed   bool            `json:"computed"`
		Sensitive  bool            `json:"sensitive"`
		WriteOnly  bool            `json:"write_only"`
		Deprecated bool            `json:"deprecated"`
	}
	jsonNestedBlock struct {
		NestingMode string    `json:"nesting_mode"`
		Block       jsonBlock `json:"block"`
		MinItems    int64     `json:"min_items"`
		MaxItems    int64     `json:"max_items"`
	}
)

func loadSchemas(compressed []byte) (*schemas, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("unpacking the schema: %w", err)
	}
	var file struct {
		ProviderSchemas map[string]struct {
			Provider    jsonSchema            `json:"provider"`
			Resources   map[string]jsonSchema `json:"resource_schemas"`
			DataSources map[string]jsonSchema `json:"data_source_schemas"`
		} `json:"provider_schemas"`
	}
	if err := json.NewDecoder(unzipped).Decode(&file); err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	aws, ok := file.ProviderSchemas[address]
	if !ok {
		return nil, fmt.Errorf("the schema file has no %s", address)
	}
	s := &schemas{resources: map[string]*tfprotov5.Schema{}, data: map[string]*tfprotov5.Schema{}}
	if s.config, err = aws.Provider.convert(); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	for name, r := range aws.Resources {
		if s.resources[name], err = r.convert(); err != nil {
			return nil, fmt.Errorf("resource %s: %w", name, err)
		}
	}
	for name, d := range aws.DataSources {
		if s.data[name], err = d.convert(); err != nil {
			return nil, fmt.Errorf("data source %s: %w", name, err)
		}
	}
	return s, nil
}

func (s jsonSchema) convert() (*tfprotov5.Schema, error) {
	b, err := s.Block.convert()
	return &tfprotov5.Schema{Version: s.Version, Block: b}, err
}

func (b jsonBlock) convert() (*tfprotov5.SchemaBlock, error) {
	out := &tfprotov5.SchemaBlock{Deprecated: b.Deprecated}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		t, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // deprecated for want of use, and this is the use
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: t, Required: a.Required, Optional: a.Optional, Computed: a.Computed,
			Sensitive: a.Sensitive, WriteOnly: a.WriteOnly, Deprecated: a.Deprecated,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.BlockTypes)) {
		n := b.BlockTypes[name]
		inner, err := n.Block.convert()
		if err != nil {
			return nil, fmt.Errorf("block %s: %w", name, err)
		}
		nesting, ok := map[string]tfprotov5.SchemaNestedBlockNestingMode{
			"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
			"list":   tfprotov5.SchemaNestedBlockNestingModeList,
			"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
		}[n.NestingMode]
		if !ok {
			return nil, fmt.Errorf("block %s: unknown nesting mode %q", name, n.NestingMode)
		}
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: inner, Nesting: nesting, MinItems: n.MinItems, MaxItems: n.MaxItems,
		})
	}
	return out, nil
}
