package resize_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/resize"
	"github.com/crossover-bench/crossover/bench/internal/resize/resizetest"
)

func configure(s *resizetest.Server) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "a-secret-key", ""),
	}
}

// impatient asks often, and gives up only when a test has gone wrong.
func impatient() resize.Options {
	return resize.Options{Every: time.Millisecond, Patience: time.Minute, ID: "test"}
}

// texts is a function whose alias live leads to its second version.
func texts() *resizetest.Function {
	v := resizetest.Version{MemoryMB: 512, Code: "abc", Variables: map[string]string{"A": "1"}}
	return &resizetest.Function{Latest: v, Versions: []resizetest.Version{{MemoryMB: 128, Code: "old"}, v}, Aliases: map[string]string{"live": "2"}}
}

func start(t *testing.T, looks int) *resizetest.Server {
	t.Helper()
	s := resizetest.Start(map[string]*resizetest.Function{"texts": texts()}, map[string]*resizetest.Group{"web": {Min: 1, Max: 4, Desired: 2}})
	s.Looks = looks
	t.Cleanup(s.Close)
	return s
}

// wantAsBefore demands that nothing is other than it was.
func wantAsBefore(t *testing.T, s *resizetest.Server) {
	t.Helper()
	got := fmt.Sprint(s.Memory("texts", ""), s.Memory("texts", "live"), s.Published("texts"), s.Sizes("web"))
	if want := "512 512 [1 2] [1 4 2]"; got != want {
		t.Errorf("afterwards it is %s, it was %s", got, want)
	}
}

func TestFunction(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		qualifier string
		want      []string
	}{
		"$LATEST": {"", []string{"memory 256", "memory 512", "memory 1024", "memory 256", "memory 512"}},
		// $LATEST is as before already when the load begins, and no version is published twice, nor that which is there.
		"alias": {"live", []string{
			"memory 256", "publish", "memory 1024", "publish", "memory 512", "alias 3", "alias 2", "alias 4", "alias 3", "alias 2", "delete 3", "delete 4",
		}},
	} {
		for _, looks := range []int{0, 3} {
			t.Run(fmt.Sprintf("%s, %d looks", name, looks), func(t *testing.T) {
				t.Parallel()
				ctx, s := t.Context(), start(t, looks)
				f, err := resize.OpenFunction(ctx, configure(s), "texts", tt.qualifier, impatient())
				if err != nil {
					t.Fatal(err)
				}
				if f.Size() != 512 || !strings.Contains(f.ByHand(), "--memory-size 512") {
					t.Errorf("its size is %d, by hand %q", f.Size(), f.ByHand())
				}
				if err := f.Prepare(ctx, []int{256, 512, 1024}); err != nil {
					t.Fatal(err)
				}
				for _, size := range []int{256, 512, 1024, 256} {
					if err := f.Resize(ctx, size); err != nil {
						t.Fatal(err)
					}
					if got := s.Memory("texts", tt.qualifier); got != size {
						t.Errorf("it has %d MB, expected %d", got, size)
					}
				}
				if err := errors.Join(f.Restore(ctx), f.Restore(ctx)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, s.Changes()); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
				wantAsBefore(t, s)
			})
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), start(t, 2)
	g, err := resize.OpenGroup(ctx, configure(s), "web", impatient())
	if err != nil {
		t.Fatal(err)
	}
	if g.Size() != 2 {
		t.Errorf("its size is %d", g.Size())
	}
	for _, n := range []int{4, 1, 6} {
		if err := g.Resize(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(g.Restore(ctx), g.Restore(ctx)); err != nil {
		t.Fatal(err)
	}
	// No policy can change the number in between: the bounds are the number.
	if diff := cmp.Diff([]string{"group 4 4 4", "group 1 1 1", "group 6 6 6", "group 1 4 2"}, s.Changes()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	wantAsBefore(t, s)
}

// TestRestoresAfterEveryFault lets each change fail in turn, and at each the work is cancelled instead: in the end all is as before.
func TestRestoresAfterEveryFault(t *testing.T) {
	t.Parallel()
	resources := map[string]func(ctx context.Context, c aws.Config) (resize.Resource, error){
		"$LATEST": func(ctx context.Context, c aws.Config) (resize.Resource, error) {
			return resize.OpenFunction(ctx, c, "texts", "", impatient())
		},
		"alias": func(ctx context.Context, c aws.Config) (resize.Resource, error) {
			return resize.OpenFunction(ctx, c, "texts", "live", impatient())
		},
		"group": func(ctx context.Context, c aws.Config) (resize.Resource, error) {
			return resize.OpenGroup(ctx, c, "web", impatient())
		},
	}
	for name, open := range resources {
		for _, cancelled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, cancelled %t", name, cancelled), func(t *testing.T) {
				t.Parallel()
				faults := 0
				for at := 1; at <= 12; at++ {
					if !faulty(t, open, at, cancelled) {
						break
					}
					faults++
				}
				if faults < 3 {
					t.Errorf("%d changes could fail, expected more", faults)
				}
			})
		}
	}
}

// faulty says whether there was a change of that number.
func faulty(t *testing.T, open func(context.Context, aws.Config) (resize.Resource, error), at int, cancelled bool) bool {
	t.Helper()
	s := start(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var n atomic.Int64
	s.Refuse = func(string) string {
		switch {
		case int(n.Add(1)) != at:
			return ""
		case cancelled:
			cancel() // and the change is made all the same
			return ""
		}
		return "TooManyRequestsException"
	}
	r, err := open(ctx, configure(s))
	if err != nil {
		t.Fatal(err)
	}
	err = r.Prepare(ctx, []int{256, 1024})
	for _, size := range []int{3, 1, 2} {
		if _, function := r.(*resize.Function); function {
			size *= 256
		}
		if err == nil {
			err = r.Resize(ctx, size)
		}
	}
	if err == nil {
		err = ctx.Err() // the answer to the last change can be here before the cancellation is
	}
	met := int(n.Load()) >= at
	if met != (err != nil) {
		t.Errorf("change %d: error is %v", at, err)
	}
	n.Store(int64(at)) // what sets it back does not fail
	if err := r.Restore(t.Context()); err != nil {
		t.Errorf("change %d: %v", at, err)
	}
	wantAsBefore(t, s)
	return met
}

func TestRestoreThatFails(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), start(t, 0)
	f, err := resize.OpenFunction(ctx, configure(s), "texts", "live", impatient())
	if err != nil {
		t.Fatal(err)
	}
	g, err := resize.OpenGroup(ctx, configure(s), "web", impatient())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Resize(ctx, 256), g.Resize(ctx, 3)); err != nil {
		t.Fatal(err)
	}
	s.Refuse = func(string) string { return "AccessDeniedException" }
	for _, tt := range []struct {
		r    resize.Resource
		want string
	}{
		{f, "was NOT set back"},
		{f, "aws lambda update-alias --function-name texts --name live --function-version 2 && aws lambda update-function-configuration --function-name texts --memory-size 512"},
		{g, "aws autoscaling update-auto-scaling-group --auto-scaling-group-name web --min-size 1 --max-size 4 --desired-capacity 2"},
	} {
		if err := tt.r.Restore(ctx); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error is %v, expected %q in it", err, tt.want)
		}
	}
	// It is tried again, and what was done before is not.
	s.Refuse = nil
	if err := errors.Join(f.Restore(ctx), g.Restore(ctx)); err != nil {
		t.Fatal(err)
	}
	wantAsBefore(t, s)
}

func TestOpenFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		function, qualifier string
		change              func(*resizetest.Function)
		want                string
	}{
		"no such function": {"nope", "", nil, "reading the configuration of the function nope"},
		"no such alias":    {"texts", "nope", nil, "reading the alias nope of the function texts"},
		"a version":        {"texts", "2", nil, "calls its version 2, which never changes: let it call an alias"},
		"two versions":     {"texts", "live", func(f *resizetest.Function) { f.Weights = map[string]float64{"1": 0.1} }, "leads to several versions at once"},
		"other code":       {"texts", "live", func(f *resizetest.Function) { f.Latest.Code = "new" }, "in its code"},
		"other variables":  {"texts", "live", func(f *resizetest.Function) { f.Latest.Variables = nil }, "in its environment variables"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := texts()
			if tt.change != nil {
				tt.change(f)
			}
			s := resizetest.Start(map[string]*resizetest.Function{"texts": f}, nil)
			defer s.Close()
			if _, err := resize.OpenFunction(t.Context(), configure(s), tt.function, tt.qualifier, impatient()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, expected %q in it", err, tt.want)
			}
			if len(s.Changes()) > 0 {
				t.Errorf("it changed %q", s.Changes())
			}
		})
	}
	s := start(t, 0)
	if _, err := resize.OpenGroup(t.Context(), configure(s), "nope", impatient()); err == nil || !strings.Contains(err.Error(), "there is no Auto Scaling group nope") {
		t.Errorf("error is %v", err)
	}
}

// An alias that leads to $LATEST need not be moved.
func TestAliasOfLatest(t *testing.T) {
	t.Parallel()
	f := texts()
	f.Aliases["live"] = "$LATEST"
	s := resizetest.Start(map[string]*resizetest.Function{"texts": f}, nil)
	defer s.Close()
	r, err := resize.OpenFunction(t.Context(), configure(s), "texts", "live", impatient())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Prepare(t.Context(), []int{256}), r.Resize(t.Context(), 256), r.Restore(t.Context())); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Changes(), []string{"memory 256", "memory 512"}) {
		t.Errorf("changes: %q", s.Changes())
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	s := start(t, 1_000_000)
	o := impatient()
	o.Patience = 20 * time.Millisecond
	g, err := resize.OpenGroup(t.Context(), configure(s), "web", o)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Resize(t.Context(), 3); err == nil || !strings.Contains(err.Error(), "waiting for 3 instances of the Auto Scaling group web: not after 20ms; it is ") {
		t.Errorf("error is %v", err)
	}
}
