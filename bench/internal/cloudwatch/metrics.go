package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Credits are known every five minutes, CPU every minute with detailed monitoring and every five without.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
const (
	cpuPeriod    = time.Minute
	creditPeriod = 5 * time.Minute
)

// query is a metric of EC2 with what is made of the figures of all instances.
type query struct {
	id, metric, statistic string
	seconds               int32 // of its period
}

var (
	cpuQueries = []query{
		{"cpu_mean", "CPUUtilization", "Average", int32(cpuPeriod / time.Second)},
		{"cpu_max", "CPUUtilization", "Maximum", int32(cpuPeriod / time.Second)},
	}
	creditQueries = []query{
		{"balance", "CPUCreditBalance", "Minimum", int32(creditPeriod / time.Second)},
		{"surplus", "CPUSurplusCreditBalance", "Sum", int32(creditPeriod / time.Second)},
		{"charged", "CPUSurplusCreditsCharged", "Sum", int32(creditPeriod / time.Second)},
	}
)

// metricsPart reads the metrics of instances.
type metricsPart struct {
	client *cloudwatch.Client
	target *Target
	region string

	wanted map[int64]bool               // minutes, as the Unix time of their start
	points map[string]map[int64]float64 // by query and time
}

func newMetrics(c aws.Config, t *Target) *metricsPart {
	m := &metricsPart{client: cloudwatch.NewFromConfig(c), target: t, region: c.Region, wanted: map[int64]bool{}, points: map[string]map[int64]float64{}}
	for _, turn := range t.Turns {
		for at := turn.From.Truncate(cpuPeriod); at.Before(turn.To); at = at.Add(cpuPeriod) {
			m.wanted[at.Unix()] = true
		}
	}
	return m
}

func (m *metricsPart) needs() string {
	return fmt.Sprintf("cloudwatch:GetMetricData in %s", m.region)
}

func (m *metricsPart) progress() string {
	text := fmt.Sprintf("%s CPU of %s of %s", m.target.Name, numeral.Whole(m.minutes()), numeral.Plural(len(m.wanted), "minute"))
	if m.target.Burstable && !m.creditsKnown() {
		text += ", no credits yet"
	}
	return text
}

// poll implements part.
func (m *metricsPart) poll(ctx context.Context) (whole bool, err error) {
	turns := m.target.Turns
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(turns[0].From.UTC().Truncate(creditPeriod)),
		EndTime:   aws.Time(turns[len(turns)-1].To.UTC().Add(creditPeriod).Truncate(creditPeriod)),
		ScanBy:    types.ScanByTimestampAscending,
	}
	queries := cpuQueries
	if m.target.Burstable {
		queries = slices.Concat(cpuQueries, creditQueries)
	}
	for _, q := range queries {
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String(q.id),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String("AWS/EC2"), MetricName: aws.String(q.metric), Dimensions: m.dimensions()},
				Period: aws.Int32(q.seconds), Stat: aws.String(q.statistic),
			},
		})
	}
	for {
		page, err := m.client.GetMetricData(ctx, in)
		if err != nil {
			return false, err
		}
		for i := range page.MetricDataResults {
			m.add(&page.MetricDataResults[i])
		}
		if next := aws.ToString(page.NextToken); next == "" || next == aws.ToString(in.NextToken) {
			return m.minutes() == len(m.wanted) && (!m.target.Burstable || m.creditsKnown()), nil
		}
		in.NextToken = page.NextToken
	}
}

// dimensions are those of one instance, or of all instances of a group together.
func (m *metricsPart) dimensions() []types.Dimension {
	if m.target.AutoScalingGroup != "" {
		return []types.Dimension{{Name: aws.String("AutoScalingGroupName"), Value: &m.target.AutoScalingGroup}}
	}
	return []types.Dimension{{Name: aws.String("InstanceId"), Value: &m.target.InstanceID}}
}

func (m *metricsPart) add(r *types.MetricDataResult) {
	id := aws.ToString(r.Id)
	if m.points[id] == nil {
		m.points[id] = map[int64]float64{}
	}
	for i, at := range r.Timestamps {
		if i < len(r.Values) && r.Values[i] >= 0 && !math.IsInf(r.Values[i], 0) {
			m.points[id][at.Unix()] = r.Values[i]
		}
	}
}

// minutes is how many of those wanted are known.
func (m *metricsPart) minutes() int {
	n := 0
	for at := range m.wanted {
		if _, known := m.points["cpu_mean"][at]; known {
			n++
		}
	}
	return n
}

// creditsKnown says whether they are known up to the end of the load.
func (m *metricsPart) creditsKnown() bool {
	return !m.creditsUntil().Before(m.target.Turns[len(m.target.Turns)-1].To)
}

func (m *metricsPart) creditsUntil() time.Time {
	var until time.Time
	for _, q := range creditQueries {
		for at := range m.points[q.id] {
			if end := time.Unix(at, 0).UTC().Add(creditPeriod); end.After(until) {
				until = end
			}
		}
	}
	return until
}

// conclude implements part.
func (m *metricsPart) conclude(to *result.CloudWatch, why string) {
	note := func(format string, args ...any) {
		to.Notes = append(to.Notes, m.target.Name+": "+fmt.Sprintf(format, args...))
	}
	found := &result.InstanceMetrics{Minutes: m.minutes(), WantedMinutes: len(m.wanted)}
	sum, highest := 0.0, 0.0
	for at := range m.wanted {
		sum += m.points["cpu_mean"][at]
		highest = max(highest, m.points["cpu_max"][at])
	}
	if found.Minutes > 0 {
		mean, most := min(1, sum/float64(found.Minutes)/100), min(1, highest/100)
		found.CPUMean, found.CPUMax = &mean, &most
	}
	if m.target.Burstable {
		found.Credits = m.credits()
	}
	switch {
	case found.Minutes == 0 && found.Credits == nil:
		note("the CPU of its instances is not known: %s.", why)
		return
	case found.Minutes < found.WantedMinutes:
		note("the CPU of its instances is known of %d of %s (%s); CloudWatch has it some minutes late.", found.Minutes,
			numeral.Plural(found.WantedMinutes, "minute"), why)
	}
	switch {
	case !m.target.Burstable || m.creditsKnown():
	case found.Credits == nil:
		note("the CPU credits of its instances are not known (%s); CloudWatch has them every five minutes, some minutes late.", why)
	default:
		note("the CPU credits of its instances are known up to %s UTC, before the load ended (%s); CloudWatch has them every five minutes, some minutes late.",
			found.Credits.Until.Format("15:04"), why)
	}
	to.Instances = found
}

// credits are nil where nothing is known of them.
func (m *metricsPart) credits() *result.CPUCredits {
	c := &result.CPUCredits{Until: m.creditsUntil()}
	if c.Until.IsZero() {
		return nil
	}
	fold := func(id string, with func(a, b float64) float64) *float64 {
		var out *float64
		for _, v := range m.points[id] {
			if out != nil {
				v = with(*out, v)
			}
			out = &v
		}
		return out
	}
	c.LowestBalance = fold("balance", func(a, b float64) float64 { return min(a, b) })
	c.Surplus = fold("surplus", func(a, b float64) float64 { return max(a, b) })
	c.Charged = fold("charged", func(a, b float64) float64 { return a + b })
	return c
}
