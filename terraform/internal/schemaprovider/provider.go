package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var errTestsAlone = errors.New("this provider is for tests alone: it plans, and neither reads nor creates anything")

// provider answers terraform. It is configured once, before anything is planned.
type provider struct {
	refusals
	*schemas
	region      string        // never empty
	defaultTags tftypes.Value // a map of strings; null without, unknown if not known before apply
}

func newProvider() (*provider, error) {
	s, err := loadSchemas(rawSchema)
	if err != nil {
		return nil, err
	}
	return &provider{schemas: s, region: "us-east-1", defaultTags: tftypes.NewValue(tagsType, nil)}, nil
}

var tagsType = tftypes.Map{ElementType: tftypes.String}

// fault is an error of the configuration, at the attribute if it is not empty.
func fault(attribute, format string, args ...any) []*tfprotov5.Diagnostic {
	d := &tfprotov5.Diagnostic{Severity: tfprotov5.DiagnosticSeverityError, Summary: fmt.Sprintf(format, args...)}
	if attribute != "" {
		d.Attribute = tftypes.NewAttributePath().WithAttributeName(attribute)
	}
	return []*tfprotov5.Diagnostic{d}
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{
		Provider: p.config, ResourceSchemas: p.resources, DataSourceSchemas: p.data,
		ServerCapabilities: &tfprotov5.ServerCapabilities{GetProviderSchemaOptional: true},
	}, nil
}

func (p *provider) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

func (p *provider) ConfigureProvider(_ context.Context, r *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	attributes, err := decode(r.Config, p.config)
	if err != nil {
		return nil, err
	}
	p.region = cmp.Or(text(attributes["region"]), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), p.region)
	if !regionName.MatchString(p.region) {
		return &tfprotov5.ConfigureProviderResponse{Diagnostics: fault("region", "invalid AWS Region: %s", p.region)}, nil
	}
	for _, block := range list(attributes["default_tags"]) {
		p.defaultTags = object(block)["tags"]
	}
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p *provider) ValidateResourceTypeConfig(_ context.Context, r *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	attributes, err := decode(r.Config, p.resources[r.TypeName])
	if err != nil {
		return nil, err
	}
	return &tfprotov5.ValidateResourceTypeConfigResponse{Diagnostics: validate(r.TypeName, attributes)}, nil
}

func (p *provider) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (p *provider) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	schema, ok := p.resources[r.TypeName]
	if !ok {
		return nil, fmt.Errorf("no resource type %s", r.TypeName)
	}
	v, err := r.RawState.UnmarshalWithOpts(schema.ValueType(), tfprotov5.UnmarshalOpts{
		ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true},
	})
	if err != nil {
		return nil, fmt.Errorf("reading the state of %s: %w", r.TypeName, err)
	}
	dv, err := tfprotov5.NewDynamicValue(schema.ValueType(), v)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &dv}, err
}

// ReadResource finds everything as it was left.
func (p *provider) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState, Private: r.Private}, nil
}

func (p *provider) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	schema, ok := p.resources[r.TypeName]
	if !ok {
		return nil, fmt.Errorf("no resource type %s", r.TypeName)
	}
	v, err := r.ProposedNewState.Unmarshal(schema.ValueType())
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of %s: %w", r.TypeName, err)
	}
	planned, err := p.plan(schema.Block, v)
	if err != nil {
		return nil, fmt.Errorf("planning %s: %w", r.TypeName, err)
	}
	dv, err := tfprotov5.NewDynamicValue(schema.ValueType(), planned)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &dv}, err
}

func (p *provider) ApplyResourceChange(context.Context, *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	return nil, errTestsAlone
}

func (p *provider) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	schema, ok := p.data[r.TypeName]
	if !ok {
		return nil, fmt.Errorf("no data source %s", r.TypeName)
	}
	config, err := decode(r.Config, schema)
	if err != nil {
		return nil, err
	}
	state, err := p.read(r.TypeName, schema.Block, config)
	if err != nil {
		return &tfprotov5.ReadDataSourceResponse{Diagnostics: fault("", "reading %s: %s", r.TypeName, err)}, nil
	}
	dv, err := tfprotov5.NewDynamicValue(schema.ValueType(), tftypes.NewValue(schema.ValueType(), state))
	return &tfprotov5.ReadDataSourceResponse{State: &dv}, err
}
