package resize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Function is a Lambda function, as its front door calls it.
//
// One that is called without a qualifier is changed itself ($LATEST), which starts all its environments anew. Where the front door calls an
// alias, a version is published for each size and the alias is led from one to the next: versions never change.
type Function struct {
	client  *lambda.Client
	options Options
	name    string

	memory int32 // of $LATEST, in MB
	// alias and what it leads to; empty without one. Its version has a memory size of its own.
	alias, version string
	size           int
	versions       map[int]string // by size

	changed, moved, published bool // what may have been
}

var versionForm = regexp.MustCompile(`^[0-9]+$`)

const latest = "$LATEST"

// OpenFunction looks a function up. qualifier is the alias that its front door calls, empty for none.
func OpenFunction(ctx context.Context, c aws.Config, name, qualifier string, o Options) (*Function, error) {
	f := &Function{client: lambda.NewFromConfig(c), options: o.withDefaults(), name: name, versions: map[int]string{}}
	now, err := f.configuration(ctx, "")
	if err != nil {
		return nil, err
	}
	f.memory = aws.ToInt32(now.MemorySize)
	f.size = int(f.memory)
	switch {
	case qualifier == "" || qualifier == latest:
		return f, nil
	case versionForm.MatchString(qualifier):
		return nil, fmt.Errorf("function %s: the front door calls its version %s, which never changes: let it call an alias", name, qualifier)
	}
	alias, err := f.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &name, Name: &qualifier})
	if err != nil {
		return nil, fmt.Errorf("reading the alias %s of the function %s: %w", qualifier, name, err)
	}
	if r := alias.RoutingConfig; r != nil && len(r.AdditionalVersionWeights) > 0 {
		return nil, fmt.Errorf("function %s: the alias %s leads to several versions at once: end that deployment first", name, qualifier)
	}
	if aws.ToString(alias.FunctionVersion) == latest {
		return f, nil // it need not be moved
	}
	f.alias, f.version = qualifier, aws.ToString(alias.FunctionVersion)
	called, err := f.configuration(ctx, f.version)
	if err != nil {
		return nil, err
	}
	if what := difference(now, called); what != "" {
		return nil, fmt.Errorf("function %s: %s differs from what the alias %s calls, version %s, in its %s: a version made of it would be another program; deploy it first",
			name, latest, qualifier, f.version, what)
	}
	f.size = int(aws.ToInt32(called.MemorySize))
	f.versions[f.size] = f.version
	return f, nil
}

// difference names what makes versions of two configurations different programs, other than memory; empty if nothing does.
func difference(a, b *lambda.GetFunctionConfigurationOutput) string {
	variables := func(c *lambda.GetFunctionConfigurationOutput) map[string]string {
		if c.Environment == nil {
			return nil
		}
		return c.Environment.Variables
	}
	switch {
	case aws.ToString(a.CodeSha256) != aws.ToString(b.CodeSha256):
		return "code"
	case !maps.Equal(variables(a), variables(b)):
		return "environment variables"
	case aws.ToInt32(a.Timeout) != aws.ToInt32(b.Timeout):
		return "time-out"
	}
	return ""
}

func (f *Function) configuration(ctx context.Context, version string) (*lambda.GetFunctionConfigurationOutput, error) {
	in := &lambda.GetFunctionConfigurationInput{FunctionName: &f.name}
	if version != "" {
		in.Qualifier = &version
	}
	out, err := f.client.GetFunctionConfiguration(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of the function %s: %w", f.name, err)
	}
	return out, nil
}

// Size implements Resource.
func (f *Function) Size() int { return f.size }

// Prepare implements Resource. It publishes the versions that an alias needs, and sets $LATEST back at once.
func (f *Function) Prepare(ctx context.Context, sizes []int) error {
	if f.alias == "" {
		return nil
	}
	for _, size := range sizes {
		if err := f.publish(ctx, size); err != nil {
			return err
		}
	}
	return f.restoreMemory(ctx)
}

func (f *Function) publish(ctx context.Context, size int) error {
	if f.versions[size] != "" {
		return nil
	}
	if err := f.setMemory(ctx, size); err != nil {
		return err
	}
	f.published = true
	out, err := f.client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &f.name, Description: aws.String(f.description())})
	if err != nil {
		return fmt.Errorf("publishing a version of the function %s with %d MB: %w", f.name, size, err)
	}
	version := aws.ToString(out.Version)
	if got := int(aws.ToInt32(out.MemorySize)); got != size {
		return fmt.Errorf("version %s of the function %s has %d MB, not %d: something else changes it at the same time", version, f.name, got, size)
	}
	if err := f.settled(ctx, version); err != nil {
		return err
	}
	f.versions[size] = version
	return nil
}

// description marks versions that Restore deletes.
func (f *Function) description() string {
	return "made by bench tune for the time being, " + f.options.ID
}

// Resize implements Resource.
func (f *Function) Resize(ctx context.Context, size int) error {
	if f.alias == "" {
		return f.setMemory(ctx, size)
	}
	if err := f.publish(ctx, size); err != nil {
		return err
	}
	f.moved = true
	return f.move(ctx, f.versions[size])
}

func (f *Function) move(ctx context.Context, version string) error {
	_, err := f.client.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: &f.name, Name: &f.alias, FunctionVersion: &version})
	if err != nil {
		return fmt.Errorf("leading the alias %s of the function %s to version %s: %w", f.alias, f.name, version, err)
	}
	return nil
}

// setMemory changes $LATEST. What changes it already is waited for: AWS refuses two changes at once.
func (f *Function) setMemory(ctx context.Context, size int) error {
	if err := f.settled(ctx, ""); err != nil {
		return err
	}
	f.changed = true
	_, err := f.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f.name, MemorySize: aws.Int32(int32(size)), //nolint:gosec // 128 to 10,240, which AWS checks too
	})
	if err != nil {
		return fmt.Errorf("changing the memory of the function %s to %d MB: %w", f.name, size, err)
	}
	return f.settled(ctx, "")
}

// settled waits until the function, or a version of it, serves with its configuration.
func (f *Function) settled(ctx context.Context, version string) error {
	return f.options.await(ctx, "waiting for the function "+f.name, func(ctx context.Context) (bool, string, error) {
		c, err := f.configuration(ctx, version)
		switch {
		case err != nil:
			return false, "", err
		case c.State == types.StateFailed:
			return false, "", fmt.Errorf("its state is Failed: %s", aws.ToString(c.StateReason))
		case c.LastUpdateStatus == types.LastUpdateStatusFailed:
			return false, "", fmt.Errorf("its update failed: %s", aws.ToString(c.LastUpdateStatusReason))
		}
		// A function that nothing calls for weeks is Inactive until it is called, and one that was never changed has no last update.
		ready := c.State != types.StatePending && c.LastUpdateStatus != types.LastUpdateStatusInProgress
		return ready, fmt.Sprintf("%s, its last update %s", c.State, c.LastUpdateStatus), nil
	})
}

// Restore implements Resource.
func (f *Function) Restore(ctx context.Context) error {
	var errs []error
	if f.moved {
		if err := f.move(ctx, f.version); err != nil {
			errs = append(errs, err)
		} else {
			f.moved = false
		}
	}
	errs = append(errs, f.restoreMemory(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the function %s was NOT set back: %w; do it by hand: %s", f.name, err, f.ByHand())
	}
	if err := f.deleteVersions(ctx); err != nil {
		return fmt.Errorf("the function %s was set back, but versions that were published for the time being are left: %w", f.name, err)
	}
	return nil
}

// restoreMemory looks neither at what $LATEST has nor whether its last update failed: that is what is mended.
func (f *Function) restoreMemory(ctx context.Context) error {
	if !f.changed {
		return nil
	}
	_ = f.settled(ctx, "")
	_, err := f.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &f.name, MemorySize: &f.memory})
	if err != nil {
		return fmt.Errorf("changing its memory back to %d MB: %w", f.memory, err)
	}
	if err := f.settled(ctx, ""); err != nil {
		return err
	}
	f.changed = false
	return nil
}

// deleteVersions finds what was published by its description, as the answer to publishing may never have come.
func (f *Function) deleteVersions(ctx context.Context) error {
	if !f.published {
		return nil
	}
	var errs []error
	pages := lambda.NewListVersionsByFunctionPaginator(f.client, &lambda.ListVersionsByFunctionInput{FunctionName: &f.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for i := range page.Versions {
			v := &page.Versions[i]
			if aws.ToString(v.Description) != f.description() || aws.ToString(v.Version) == latest {
				continue
			}
			if _, err := f.client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &f.name, Qualifier: v.Version}); err != nil {
				errs = append(errs, fmt.Errorf("deleting version %s: %w", aws.ToString(v.Version), err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	f.published = false
	return nil
}

// ByHand implements Resource.
func (f *Function) ByHand() string {
	command := "aws lambda update-function-configuration --function-name " + f.name + " --memory-size " + strconv.Itoa(int(f.memory))
	if f.alias != "" {
		command = "aws lambda update-alias --function-name " + f.name + " --name " + f.alias + " --function-version " + f.version + " && " + command
	}
	return command
}
