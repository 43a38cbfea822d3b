package resize

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	balancing "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	balancingtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Group is an Auto Scaling group. While it is resized its least and its greatest size are the same, so that no policy changes the number
// of instances under a measurement.
type Group struct {
	client   *autoscaling.Client
	balancer *balancing.Client
	options  Options
	name     string

	least, most, desired int32
	changed              bool
}

// OpenGroup looks a group up.
func OpenGroup(ctx context.Context, c aws.Config, name string, o Options) (*Group, error) {
	g := &Group{client: autoscaling.NewFromConfig(c), balancer: balancing.NewFromConfig(c), options: o.withDefaults(), name: name}
	now, err := g.describe(ctx)
	if err != nil {
		return nil, err
	}
	g.least, g.most, g.desired = aws.ToInt32(now.MinSize), aws.ToInt32(now.MaxSize), aws.ToInt32(now.DesiredCapacity)
	return g, nil
}

func (g *Group) describe(ctx context.Context) (*types.AutoScalingGroup, error) {
	out, err := g.client.DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{g.name}})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the Auto Scaling group %s: %w", g.name, err)
	case len(out.AutoScalingGroups) != 1:
		return nil, fmt.Errorf("there is no Auto Scaling group %s in this account and region", g.name)
	}
	return &out.AutoScalingGroups[0], nil
}

// Size implements Resource.
func (g *Group) Size() int { return int(g.desired) }

// Prepare implements Resource; there is nothing to prepare.
func (g *Group) Prepare(context.Context, []int) error { return nil }

// Resize implements Resource. It waits until as many instances are in service, and healthy behind each load balancer.
func (g *Group) Resize(ctx context.Context, size int) error {
	g.changed = true
	n := int32(size) //nolint:gosec // a number of instances
	if err := g.set(ctx, n, n, n); err != nil {
		return fmt.Errorf("changing the Auto Scaling group %s to %d instances: %w", g.name, size, err)
	}
	return g.options.await(ctx, fmt.Sprintf("waiting for %d instances of the Auto Scaling group %s", size, g.name), func(ctx context.Context) (bool, string, error) {
		now, err := g.describe(ctx)
		if err != nil {
			return false, "", err
		}
		serving := 0
		for i := range now.Instances {
			if in := &now.Instances[i]; in.LifecycleState == types.LifecycleStateInService && aws.ToString(in.HealthStatus) == "Healthy" {
				serving++
			}
		}
		if serving != size || len(now.Instances) != size {
			return false, fmt.Sprintf("at %d, %d of them in service", len(now.Instances), serving), nil
		}
		for _, group := range now.TargetGroupARNs {
			healthy, err := g.healthy(ctx, group)
			if err != nil {
				return false, "", err
			}
			if healthy != size {
				return false, fmt.Sprintf("at %d that are healthy behind the load balancer", healthy), nil
			}
		}
		return true, "", nil
	})
}

// healthy is how many targets of a target group get requests.
func (g *Group) healthy(ctx context.Context, targetGroup string) (int, error) {
	out, err := g.balancer.DescribeTargetHealth(ctx, &balancing.DescribeTargetHealthInput{TargetGroupArn: &targetGroup})
	if err != nil {
		return 0, fmt.Errorf("reading the health of %s: %w", targetGroup, err)
	}
	n := 0
	for _, d := range out.TargetHealthDescriptions {
		if d.TargetHealth != nil && d.TargetHealth.State == balancingtypes.TargetHealthStateEnumHealthy {
			n++
		}
	}
	return n, nil
}

func (g *Group) set(ctx context.Context, least, most, desired int32) error {
	_, err := g.client.UpdateAutoScalingGroup(ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &g.name, MinSize: &least, MaxSize: &most, DesiredCapacity: &desired,
	})
	return err
}

// Restore implements Resource. It does not wait for the instances.
func (g *Group) Restore(ctx context.Context) error {
	if !g.changed {
		return nil
	}
	if err := g.set(ctx, g.least, g.most, g.desired); err != nil {
		return fmt.Errorf("the Auto Scaling group %s was NOT set back: %w; do it by hand: %s", g.name, err, g.ByHand())
	}
	g.changed = false
	return nil
}

// ByHand implements Resource.
func (g *Group) ByHand() string {
	return fmt.Sprintf("aws autoscaling update-auto-scaling-group --auto-scaling-group-name %s --min-size %d --max-size %d --desired-capacity %d", g.name, g.least, g.most, g.desired)
}
