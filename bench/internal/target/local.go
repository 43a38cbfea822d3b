package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Names of the two local targets.
const (
	LocalEC2    = "ec2"
	LocalLambda = "lambda"
)

// ErrNoCheckout is wrapped by Local outside a checkout of this project, ErrNoToolchain on a machine without Go.
var (
	ErrNoCheckout  = errors.New("no checkout of crossover here")
	ErrNoToolchain = errors.New("no Go toolchain")
)

// LocalOptions say how the Lambda target of Local is run.
type LocalOptions struct {
	// Doors are its front doors, each with a target of its own whose name ends in the door's; none means a Function URL alone.
	Doors []emulator.FrontDoor
	// RequestQuota is as in Spec.
	RequestQuota bool
	// MemoryMB are memory sizes, each with a target of its own whose name ends in it and whose environments are held to Lambda's limits; none
	// means one target of 512 MB without limits. It goes with the default door alone.
	MemoryMB []int
	// NoEC2 leaves the EC2 target out.
	NoEC2 bool
}

// Local builds both adapters from the checkout that dir is in, and starts them on one Redis: the EC2 binary as a process, the
// Lambda bootstrap on the local Lambda service. When it fails, the caller closes host.Group.
func Local(ctx context.Context, host *Host, dir string, o LocalOptions) (*Set, error) {
	s := newSet(host)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		wg       sync.WaitGroup
		bin      string
		st       *store
		buildErr error
		redisErr error
	)
	wg.Go(func() {
		if bin, buildErr = s.build(ctx, dir); buildErr != nil {
			cancel()
		}
	})
	wg.Go(func() {
		if st, redisErr = s.openRedis(ctx); redisErr != nil {
			cancel()
		}
	})
	wg.Wait()
	// The one that failed first has cancelled the other, whose error then says nothing.
	for _, err := range []error{buildErr, redisErr} {
		if err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	if err := errors.Join(buildErr, redisErr); err != nil {
		return nil, err
	}
	s.Redis, s.redisURL = &st.info, st.url
	host.Say("Redis: %s %s at %s", st.info.Kind, st.info.Version, st.info.URL)

	env := map[string]string{"REDIS_URL": st.url}
	if !o.NoEC2 {
		ec2 := &Target{Name: LocalEC2, Kind: KindProcess, Provenance: result.Measured}
		if err := s.openListener(ctx, ec2, filepath.Join(bin, "ec2"), env); err != nil {
			return nil, fmt.Errorf("target %s: %w", LocalEC2, err)
		}
		spec := Spec{Kind: KindProcess, Arch: runtime.GOARCH, Instances: 1}
		ec2.Spec = spec.resultSpec()
		s.Targets = []*Target{ec2}
	}
	for _, spec := range lambdaSpecs(filepath.Join(bin, "bootstrap"), env, o) {
		lambda, err := s.open(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", spec.Name, err)
		}
		s.Targets = append(s.Targets, lambda)
	}
	return s, nil
}

// lambdaSpecs are the local Lambda targets. One that streams must be told so: the event does not tell.
func lambdaSpecs(path string, env map[string]string, o LocalOptions) []Spec {
	spec := Spec{Name: LocalLambda, Kind: KindBootstrap, Path: path, Env: env, Arch: runtime.GOARCH, RequestQuota: o.RequestQuota}
	var specs []Spec
	for _, mb := range o.MemoryMB {
		specs = append(specs, spec.Sized(mb))
	}
	if len(o.Doors) == 0 && len(specs) == 0 {
		return []Spec{spec}
	}
	for _, door := range o.Doors {
		spec := spec
		spec.Name, spec.FrontDoor = LocalLambda+"-"+string(door), string(door)
		if door == emulator.DoorFunctionURLStream {
			spec.Env = maps.Clone(env)
			spec.Env["LAMBDA_RESPONSE_MODE"] = "stream"
		}
		specs = append(specs, spec)
	}
	return specs
}

// Sized is a function of another memory size, with a name that says so; of a bootstrap also with Lambda's limits, without which sizes are
// all the same.
func (s Spec) Sized(memoryMB int) Spec {
	s.Name, s.MemoryMB = fmt.Sprintf("%s-%d", s.Name, memoryMB), memoryMB
	s.Limits = s.Limits || s.Kind == KindBootstrap
	return s
}

// RedisURL is where the local targets keep their data, with its password if it has one.
func (s *Set) RedisURL() string { return s.redisURL }

// build makes both binaries and returns their folder. The flags are those of a plain `go build` but for the linker's, so that
// everything compiled for bench itself is used again.
func (s *Set) build(ctx context.Context, dir string) (string, error) {
	root, err := Checkout(dir)
	if err != nil {
		return "", err
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("%w on PATH: local targets are built from source; install Go (https://go.dev/dl), or name running"+
			" targets with --target NAME=URL or --targets FILE.json", ErrNoToolchain)
	}
	bin, err := s.host.Group.TempDir("crossover-bin-")
	if err != nil {
		return "", err
	}
	// What is killed in the middle of its work leaves temporary files, the compilers as well as go itself.
	tmp := filepath.Join(bin, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return "", fmt.Errorf("building the targets: %w", err)
	}
	s.host.Say("Building both targets …")
	out := newOutput(nil)
	// The tag leaves net/rpc out of the Lambda library; the EC2 binary does not have it anyway, so one command builds both.
	cmd := exec.Command(tool, "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", bin+string(filepath.Separator), //nolint:noctx // stopped below
		"./adapters/ec2", "./adapters/lambda")
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, out, out
	cmd.Env = append(os.Environ(), "GOTMPDIR="+tmp, "TMPDIR="+tmp)
	child, err := s.host.Group.Start(cmd)
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = child.Stop(0) })
	defer stop()
	<-child.Done()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err := child.Err(); err != nil {
		return "", fmt.Errorf("building the targets in %s: %w:\n  %s", root, err, out.last())
	}
	if err := errors.Join(os.RemoveAll(tmp), os.Rename(filepath.Join(bin, "lambda"), filepath.Join(bin, "bootstrap"))); err != nil {
		return "", fmt.Errorf("building the targets: %w", err)
	}
	return bin, nil
}

var moduleLine = regexp.MustCompile(`(?m)^module github\.com/crossover-bench/crossover\s*$`)

// Checkout finds the checkout that dir is in.
func Checkout(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if mod, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil && moduleLine.Match(mod) {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("%w: local targets are built from source, and %s is in none; go there, or name running targets"+
				" with --target NAME=URL or --targets FILE.json", ErrNoCheckout, dir)
		}
	}
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func appendEnv(env []string, more map[string]string) []string {
	for _, key := range sortedKeys(more) {
		env = append(env, key+"="+more[key])
	}
	return env
}
