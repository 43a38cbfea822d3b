package cloudwatch

import (
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

const (
	// filterPattern finds the lines of both log formats.
	filterPattern = `?"REPORT RequestId" ?"INIT_REPORT" ?"platform.report" ?"platform.initReport"`
	// straggling is how long after the load lines may be written that belong to it: an invocation whose client has gone goes on until
	// its time-out.
	straggling = 30 * time.Second
	// noticeable is how far clocks are apart before that is taken account of. AWS tells its own to the second.
	noticeable = 2 * time.Second
	// mostKinds bounds the kinds of errors.
	mostKinds = 50
)

// logPart reads the REPORT lines of a function.
type logPart struct {
	client *cloudwatchlogs.Client
	target *Target
	region string

	skew      time.Duration // AWS's clock over this one
	seed      maphash.Seed
	seen      map[uint64]struct{} // ids of events
	lines     result.FunctionLog
	newest    int64 // the time of the line that the memory size is of
	histogram struct{ warm, cold, init *result.Histogram }
	rounds    map[int]*result.BilledRound
}

func newLog(c aws.Config, t *Target) *logPart {
	l := &logPart{
		client: cloudwatchlogs.NewFromConfig(c), target: t, region: c.Region, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{},
		lines: result.FunctionLog{Sent: t.Sent, Errors: map[string]int64{}}, rounds: map[int]*result.BilledRound{},
	}
	l.histogram.warm, l.histogram.cold, l.histogram.init = result.NewHistogram(), result.NewHistogram(), result.NewHistogram()
	return l
}

func (l *logPart) needs() string {
	return fmt.Sprintf("logs:FilterLogEvents on the log group %s in %s", l.target.LogGroup, l.region)
}

func (l *logPart) progress() string {
	return fmt.Sprintf("%s %s of %s", l.target.Name, numeral.Whole(l.lines.Invocations), numeral.Plural(l.target.Sent, "invocation"))
}

// poll reads the whole time again: lines of several environments do not come in order.
func (l *logPart) poll(ctx context.Context) (whole bool, err error) {
	turns := l.target.Turns
	in := &cloudwatchlogs.FilterLogEventsInput{
		FilterPattern: aws.String(filterPattern),
		StartTime:     aws.Int64(turns[0].From.Add(l.skew).UnixMilli()),
		EndTime:       aws.Int64(turns[len(turns)-1].To.Add(l.skew + straggling).UnixMilli()),
	}
	if strings.HasPrefix(l.target.LogGroup, "arn:") {
		in.LogGroupIdentifier = aws.String(strings.TrimSuffix(l.target.LogGroup, ":*"))
	} else {
		in.LogGroupName = &l.target.LogGroup
	}
	for {
		page, err := l.client.FilterLogEvents(ctx, in)
		if err != nil {
			return false, err
		}
		if l.askAgain(page) {
			return l.poll(ctx)
		}
		for i := range page.Events {
			l.add(&page.Events[i])
		}
		if next := aws.ToString(page.NextToken); next == "" || next == aws.ToString(in.NextToken) {
			return l.lines.Invocations >= l.target.Sent, nil
		}
		in.NextToken = page.NextToken
	}
}

// askAgain notices once, by the first answer, that the clocks of this machine and of AWS are apart.
func (l *logPart) askAgain(page *cloudwatchlogs.FilterLogEventsOutput) bool {
	skew, known := middleware.GetAttemptSkew(page.ResultMetadata)
	if !known || l.skew != 0 || len(l.seen) > 0 {
		return false
	}
	skew += time.Second / 2 // as the seconds are cut off
	if skew.Abs() < noticeable {
		return false
	}
	l.skew = skew.Round(time.Second)
	return true
}

// add counts an event once.
func (l *logPart) add(e *types.FilteredLogEvent) {
	if !l.ours(aws.ToString(e.LogStreamName)) {
		return
	}
	report, ok := parseLine(aws.ToString(e.Message))
	if !ok {
		return
	}
	id := maphash.String(l.seed, aws.ToString(e.EventId))
	if e.EventId == nil {
		id = maphash.String(l.seed, fmt.Sprint(aws.ToInt64(e.Timestamp), aws.ToString(e.LogStreamName), aws.ToString(e.Message)))
	}
	if _, again := l.seen[id]; again {
		return
	}
	l.seen[id] = struct{}{}
	if report.kind == initLine {
		if report.failure != "" {
			l.lines.FailedInits++
		}
		return
	}
	l.invocation(&report, aws.ToInt64(e.Timestamp))
}

// ours is false for streams of other functions of a shared group, DATE/FUNCTION[VERSION]ID. Those of a function's own group are called
// DATE/[VERSION]ID.
func (l *logPart) ours(stream string) bool {
	last := stream[strings.LastIndex(stream, "/")+1:]
	function, _, found := strings.Cut(last, "[")
	return !found || function == "" || l.target.FunctionName == "" || function == l.target.FunctionName
}

func (l *logPart) invocation(report *line, at int64) {
	f := &l.lines
	f.Invocations++
	f.BilledMS += report.billed
	f.BilledGBSeconds += result.GBSeconds(report.billed, int(report.memorySize))
	if report.memorySize > 0 && at >= l.newest {
		l.newest, f.MemoryMB = at, int(report.memorySize)
	}
	if used := int(report.maxMemoryUsed); used > 0 && (f.MaxMemoryUsedMB == nil || used > *f.MaxMemoryUsedMB) {
		f.MaxMemoryUsedMB = &used
	}
	if report.failure != "" {
		kind := report.failure
		if _, known := f.Errors[kind]; !known && len(f.Errors) >= mostKinds {
			kind = "error"
		}
		f.Errors[kind]++
	}
	if report.hasInit {
		f.Cold++
		f.InitBilledMS += max(0, report.billed-int64(math.Ceil(report.duration)))
		l.histogram.cold.Record(milliseconds(report.duration))
		l.histogram.init.Record(milliseconds(report.init))
	} else {
		l.histogram.warm.Record(milliseconds(report.duration))
	}
	if round := l.round(at); round > 0 {
		r := l.rounds[round]
		if r == nil {
			r = &result.BilledRound{Round: round}
			l.rounds[round] = r
		}
		r.Invocations++
		r.BilledMS += report.billed
	}
}

func milliseconds(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// round is that of the last turn that had begun at a time.
func (l *logPart) round(at int64) int {
	i, exact := slices.BinarySearchFunc(l.target.Turns, at, func(t Turn, at int64) int {
		return int(min(1, max(-1, t.From.Add(l.skew).UnixMilli()-at)))
	})
	switch {
	case exact:
		return l.target.Turns[i].Round
	case i == 0:
		return 0
	}
	return l.target.Turns[i-1].Round
}

// conclude implements part.
func (l *logPart) conclude(to *result.CloudWatch, why string) {
	f, name := &l.lines, l.target.Name
	to.From, to.To = to.From.Add(l.skew), to.To.Add(l.skew)
	note := func(format string, args ...any) { to.Notes = append(to.Notes, fmt.Sprintf(format, args...)) }
	if l.skew != 0 {
		side := "behind"
		if l.skew < 0 {
			side = "ahead of"
		}
		note("%s: the clock of this machine is about %s %s AWS's; its log was read for the time by AWS's.", name, l.skew.Abs(), side)
	}
	if f.Invocations == 0 {
		if why == "" || strings.HasPrefix(why, "not within") || why == stopped {
			why = fmt.Sprintf("the log group %s had no REPORT line of the run (%s; a JSON log has none where its system log level is above INFO)", l.target.LogGroup, why)
		}
		note("%s: what it was billed is not known: %s.", name, why)
		return
	}
	switch {
	case why != "":
		note("%s: CloudWatch had the REPORT lines of %s for %s (%s): what it was billed is of these alone.", name, numeral.Plural(f.Invocations, "invocation"),
			numeral.Plural(f.Sent, "request"), why)
	case f.Invocations > f.Sent:
		note("%s: CloudWatch has REPORT lines of %s for %s: those of other callers, of retries and of the check before the load cannot be told apart, and are in the figures.",
			name, numeral.Plural(f.Invocations, "invocation"), numeral.Plural(f.Sent, "request"))
	}
	f.Warm, f.ColdDuration, f.Init = l.histogram.warm.Summary(), l.histogram.cold.Summary(), l.histogram.init.Summary()
	for _, r := range l.rounds {
		f.Rounds = append(f.Rounds, *r)
	}
	slices.SortFunc(f.Rounds, func(a, b result.BilledRound) int { return a.Round - b.Round })
	to.Function = f
}
