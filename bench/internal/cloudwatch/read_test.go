package cloudwatch_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cloudwatch"
	"github.com/crossover-bench/crossover/bench/internal/cloudwatch/cloudwatchtest"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

var began = time.Date(2026, 8, 1, 12, 0, 20, 0, time.UTC)

const (
	group  = "/aws/lambda/app"
	stream = "2026/08/01/[1]0123456789abcdef"
)

// account is one with a function and a group of two instances.
func account(events ...cloudwatchtest.Event) *cloudwatchtest.Server {
	return &cloudwatchtest.Server{LogGroup: group, Events: events, Groups: map[string][]string{"fleet": {"i-1", "i-2"}}}
}

// warm, cold and failed are lines as AWS writes them, the second and the third with an init, the last in JSON.
func warm(at time.Duration, ms float64) cloudwatchtest.Event {
	return event(at, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: 512 MB\tMax Memory Used: 40 MB\t\n", at, ms, math.Ceil(ms))
}

func cold(at time.Duration, ms, init float64) cloudwatchtest.Event {
	return event(at, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %.0f ms\tMemory Size: 512 MB\tMax Memory Used: 61 MB\tInit Duration: %.2f ms\t\n", at, ms, math.Ceil(ms+init), init)
}

func failed(at time.Duration, ms float64, status string) cloudwatchtest.Event {
	return event(at, `{"time":"","type":"platform.report","record":{"requestId":"%s","metrics":{"durationMs":%.3f,"billedDurationMs":%.0f,"memorySizeMB":512,"maxMemoryUsedMB":50},%s}}`,
		at, ms, math.Ceil(ms), status)
}

func event(at time.Duration, format string, args ...any) cloudwatchtest.Event {
	return cloudwatchtest.Event{At: began.Add(at), Stream: stream, Message: fmt.Sprintf(format, args...)}
}

func late(e cloudwatchtest.Event, listings int) cloudwatchtest.Event {
	e.Late = listings
	return e
}

// function had two rounds of ten seconds after a warm-up of five, with ten seconds in between in which another target had its turns.
func function(sent int64) cloudwatch.Target {
	return cloudwatch.Target{
		Name: "lambda", Region: "eu-west-1", LogGroup: group, FunctionName: "app", Sent: sent,
		Turns: []cloudwatch.Turn{
			{From: began, To: began.Add(5 * time.Second)},
			{From: began.Add(15 * time.Second), To: began.Add(25 * time.Second), Round: 1},
			{From: began.Add(35 * time.Second), To: began.Add(45 * time.Second), Round: 2},
		},
	}
}

// expiring is a context whose deadline passes when over is closed, whatever the clock says.
type expiring struct {
	context.Context
	over chan struct{}
}

// Done implements context.Context.
func (e expiring) Done() <-chan struct{} { return e.over }

// Err implements context.Context.
func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// read asks the account, and keeps what is told meanwhile.
//
//nolint:contextcheck // what expires is made of ctx
func read(ctx context.Context, t *testing.T, s *cloudwatchtest.Server, wait time.Duration, change func(*cloudwatch.Options), targets ...cloudwatch.Target) (out []*result.CloudWatch, told []string) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	say := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	o := cloudwatch.Options{
		Wait: wait, Every: time.Millisecond, Now: func() time.Time { return began }, Say: say,
		Config: func(_ context.Context, region string) (aws.Config, error) {
			return aws.Config{
				Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "a-secret-key", ""),
			}, nil
		},
	}
	if wait == short {
		e := expiring{ctx, make(chan struct{})}
		expire := sync.OnceFunc(func() { close(e.over) })
		ctx, o.Wait, o.Say = e, long, func(format string, args ...any) {
			say(format, args...)
			expire() // as it tells of its first look
		}
	}
	if change != nil {
		change(&o)
	}
	out = cloudwatch.Read(ctx, targets, o)
	if len(out) != len(targets) {
		t.Fatalf("%d results for %d targets", len(out), len(targets))
	}
	return out, told
}

const (
	long  = time.Minute // what is there ends it sooner
	short = 0           // long, but that its time is up when everything has been asked for once
)

func TestReadLog(t *testing.T) {
	t.Parallel()
	s := account(
		warm(-time.Millisecond, 1), // of the check before the load
		cold(1*time.Second, 12.25, 80.5),
		event(2*time.Second, `{"level":"INFO","msg":"REPORT RequestId of the app"}`),
		event(2*time.Second, "START RequestId: 1 Version: 3\n"),
		cold(16*time.Second, 10.5, 70.25),
		warm(17*time.Second, 2.5),
		event(17*time.Second, "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout"),
		event(17*time.Second, `{"type":"platform.initReport","record":{"phase":"init","status":"success","metrics":{"durationMs":70.25}}}`),
		warm(36*time.Second, 3.5),
		failed(37*time.Second, 3000, `"status":"timeout"`),
		failed(38*time.Second, 100.5, `"status":"error","errorType":"Runtime.OutOfMemory"`),
		warm(60*time.Second, 7), // an invocation whose client had gone
		warm(76*time.Second, 5), // long after the load
	)
	for name, pageSize := range map[string]int{"one page": 0, "many pages": 2, "a line a page": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := account(s.Events...)
			s.PageSize = pageSize
			out, _ := read(t.Context(), t, s, long, nil, function(7))
			f := out[0].Function
			if f == nil || len(out[0].Notes) > 0 {
				t.Fatalf("%+v", out[0])
			}
			// 93 + 81 ms with an init of which 80 and 70 are billed above the duration, 3 + 4 + 3,000 + 101 + 7 without.
			used := 61
			want := result.FunctionLog{
				Sent: 7, Invocations: 7, Cold: 2, Errors: map[string]int64{"timeout": 1, "Runtime.OutOfMemory": 1}, FailedInits: 1,
				BilledMS: 3289, InitBilledMS: (93 - 13) + (81 - 11), BilledGBSeconds: 3.289 / 2, MemoryMB: 512, MaxMemoryUsedMB: &used,
				Rounds: []result.BilledRound{{Round: 1, Invocations: 2, BilledMS: 84}, {Round: 2, Invocations: 4, BilledMS: 3112}},
			}
			got := *f
			got.Warm, got.ColdDuration, got.Init = result.Summary{}, result.Summary{}, result.Summary{}
			if math.Abs(got.BilledGBSeconds-want.BilledGBSeconds) < 1e-12 {
				got.BilledGBSeconds = want.BilledGBSeconds
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if f.Warm.Count != 5 || *f.Warm.Max != 3e6 || *f.Warm.Min != 2500 || f.ColdDuration.Count != 2 || *f.ColdDuration.Mean != 11375 || *f.Init.Mean != 75375 {
				t.Errorf("warm %+v, cold %+v, init %+v", f.Warm, f.ColdDuration, f.Init)
			}
			if !out[0].From.Equal(began) || !out[0].To.Equal(began.Add(45*time.Second)) {
				t.Errorf("from %s to %s", out[0].From, out[0].To)
			}
		})
	}
}

// TestReadLogThatLacks has what can be wrong with a log, and what is then said of it.
func TestReadLogThatLacks(t *testing.T) {
	t.Parallel()
	lines := []cloudwatchtest.Event{warm(time.Second, 1), warm(2*time.Second, 2), warm(16*time.Second, 3)}
	failing := func(code string, calls int) func(*cloudwatchtest.Server) {
		return func(s *cloudwatchtest.Server) {
			s.Fail = func(_ string, call int) string {
				if call <= calls {
					return code
				}
				return ""
			}
		}
	}
	forever := math.MaxInt
	tests := []struct {
		name    string
		account func(*cloudwatchtest.Server)
		options func(*cloudwatch.Options)
		target  func(*cloudwatch.Target)
		wait    time.Duration
		found   int64 // invocations, of three
		note    string
	}{
		{name: "late lines", account: func(s *cloudwatchtest.Server) {
			s.Events = []cloudwatchtest.Event{late(lines[0], 4), lines[1], late(lines[2], 2)}
		}, wait: long, found: 3},
		{name: "throttled at first", account: failing("ThrottlingException", 5), wait: long, found: 3},
		{name: "throttled all the time", account: failing("ThrottlingException", forever), wait: short, note: "no REPORT line of the run (not within 1m0s, --cloudwatch-wait; AWS answered last: operation error CloudWatch Logs: FilterLogEvents"},
		{name: "fewer lines than requests", target: func(t *cloudwatch.Target) { t.Sent = 9 }, wait: short, found: 3, note: "lambda: CloudWatch had the REPORT lines of 3 invocations for 9 requests (not within 1m0s, --cloudwatch-wait): what it was billed is of these alone."},
		{name: "more lines than requests", target: func(t *cloudwatch.Target) { t.Sent = 2 }, wait: long, found: 3, note: "lambda: CloudWatch has REPORT lines of 3 invocations for 2 requests: those of other callers"},
		{name: "no line", account: func(s *cloudwatchtest.Server) { s.Events = nil }, wait: short, note: "lambda: what it was billed is not known: the log group /aws/lambda/app had no REPORT line of the run (not within 1m0s"},
		{name: "no permission", account: failing("AccessDeniedException", forever), wait: long, note: "lambda: what it was billed is not known: the credentials lack the permission logs:FilterLogEvents on the log group /aws/lambda/app in eu-west-1."},
		{name: "no such group", target: func(t *cloudwatch.Target) { t.LogGroup = "/elsewhere" }, wait: long, note: "ResourceNotFoundException"},
		{name: "expired credentials", account: failing("ExpiredTokenException", forever), wait: long, note: "AWS does not accept the credentials (ExpiredTokenException): log in again."},
		{name: "no credentials", options: func(o *cloudwatch.Options) {
			o.Config = func(context.Context, string) (aws.Config, error) {
				return aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{}, errors.New("nobody\nhere")
				})}, nil
			}
		}, wait: long, note: "there are no AWS credentials (set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in): nobody."},
		{name: "credentials that take long", options: func(o *cloudwatch.Options) {
			o.Config = func(context.Context, string) (aws.Config, error) {
				return aws.Config{Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
					<-ctx.Done()
					return aws.Credentials{}, ctx.Err()
				})}, nil
			}
		}, wait: time.Millisecond, note: "lambda: what it was billed is not known: the log group /aws/lambda/app had no REPORT line of the run (not within 1ms"},
		{name: "no region", options: func(o *cloudwatch.Options) {
			o.Config = func(context.Context, string) (aws.Config, error) { return aws.Config{}, nil }
		}, wait: long, note: "no region is given: set AWS_REGION"},
		{name: "no configuration", options: func(o *cloudwatch.Options) {
			o.Config = func(context.Context, string) (aws.Config, error) { return aws.Config{}, errors.New("a broken file") }
		}, wait: long, note: "looking for AWS credentials: a broken file."},
		{name: "nobody answers", options: func(o *cloudwatch.Options) {
			o.Config = func(context.Context, string) (aws.Config, error) {
				return aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}, nil
			}
		}, wait: long, note: "connection refused"},
		{name: "a shared group", account: func(s *cloudwatchtest.Server) {
			s.Events = append([]cloudwatchtest.Event{}, s.Events...)
			for i, stream := range []string{"2026/08/01/app[1]00", "2026/08/01/other[1]00", "odd"} {
				s.Events[i].Stream = stream
			}
		}, target: func(t *cloudwatch.Target) { t.Sent = 2 }, wait: long, found: 2},
		{
			name: "a group by ARN", account: func(s *cloudwatchtest.Server) { s.LogGroup = "arn:aws:logs:eu-west-1:1:log-group:x" },
			target: func(t *cloudwatch.Target) { t.LogGroup = "arn:aws:logs:eu-west-1:1:log-group:x:*" }, wait: long, found: 3,
		},
		{name: "a clock that is behind", account: func(s *cloudwatchtest.Server) {
			s.Ahead = time.Hour
			s.Events = append([]cloudwatchtest.Event{}, s.Events...)
			for i := range s.Events {
				s.Events[i].At = s.Events[i].At.Add(s.Ahead)
			}
		}, wait: long, found: 3, note: "the clock of this machine is about 1h0m0s behind AWS's"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, target := account(lines...), function(3)
			if test.account != nil {
				test.account(s)
			}
			if test.target != nil {
				test.target(&target)
			}
			out, _ := read(t.Context(), t, s, test.wait, test.options, target)
			found := int64(0)
			if f := out[0].Function; f != nil {
				found = f.Invocations
			}
			notes := strings.Join(out[0].Notes, "\n")
			if found != test.found || !strings.Contains(notes, test.note) || (test.note == "") != (notes == "") {
				t.Errorf("%d invocations, notes:\n%s", found, notes)
			}
		})
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	t.Run("while it waits", func(t *testing.T) {
		t.Parallel()
		stop := make(chan struct{})
		s := account(warm(time.Second, 1))
		var told []string
		out, _ := read(t.Context(), t, s, long, func(o *cloudwatch.Options) {
			o.Stop, o.Every, o.Wait = stop, long, 15*time.Minute
			now := began
			o.Now = func() time.Time {
				defer func() { now = began.Add(12*time.Minute + 34*time.Second + 400*time.Millisecond) }()
				return now
			}
			o.Say = func(format string, args ...any) {
				told = append(told, fmt.Sprintf(format, args...))
				close(stop) // as it tells of its first look
			}
		}, function(2))
		if f := out[0].Function; f == nil || f.Invocations != 1 || !strings.Contains(out[0].Notes[0], "(it was stopped)") {
			t.Errorf("%+v", out[0])
		}
		if len(told) != 1 || told[0] != "CloudWatch: lambda 1 of 2 invocations (12m34s of 15m0s; Ctrl-C goes on without the rest)" {
			t.Errorf("told: %q", told)
		}
	})
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		stop := make(chan struct{})
		close(stop)
		s := account(warm(time.Second, 1))
		out, told := read(t.Context(), t, s, long, func(o *cloudwatch.Options) { o.Stop = stop }, function(2), instances())
		if f := out[0].Function; f == nil || f.Invocations != 1 || len(told) > 0 || s.Calls[cloudwatchtest.FilterLogEvents] != 1 || s.Calls[cloudwatchtest.GetMetricData] != 1 {
			t.Errorf("%+v after %v, told %q", out[0], s.Calls, told)
		}
	})
	t.Run("by the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		s := account(warm(time.Second, 1))
		out, _ := read(ctx, t, s, long, func(o *cloudwatch.Options) {
			o.Every = long
			o.Say = func(string, ...any) { cancel() }
		}, function(2))
		if f := out[0].Function; f == nil || f.Invocations != 1 || !strings.Contains(out[0].Notes[0], "(it was stopped)") {
			t.Errorf("%+v", out[0])
		}
	})
}

func TestNothingToAsk(t *testing.T) {
	t.Parallel()
	none, nobody, idle := function(1), function(0), instances()
	none.LogGroup, idle.Turns = "", nil
	s := account()
	out, _ := read(t.Context(), t, s, long, nil, none, nobody, idle)
	for i, c := range out {
		if c != nil {
			t.Errorf("target %d: %+v", i, c)
		}
	}
	if len(s.Calls) > 0 {
		t.Errorf("asked all the same: %v", s.Calls)
	}
}
