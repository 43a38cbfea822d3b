package docker_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// buildLine is how Taskfile and Dockerfiles build one of the programs: its flags, and its package.
var buildLine = regexp.MustCompile(`(?m)\bgo build (.+) -o \S+ (\./(?:adapters/ec2|adapters/lambda|bench))$`)

// An image has the same bytes in it as what "task build" makes, so both say the same.
func TestImagesAreBuiltAsTheTasksDo(t *testing.T) {
	flags := func(file string) map[string]string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, m := range buildLine.FindAllStringSubmatch(string(text), -1) {
			found[m[2]] = m[1]
		}
		return found
	}
	want := flags("../Taskfile.yml")
	if len(want) != 3 {
		t.Fatalf("Taskfile.yml builds %v; want three programs", want)
	}
	for file, programs := range map[string]int{"ec2.Dockerfile": 1, "lambda.Dockerfile": 2} {
		got := flags(file)
		if len(got) != programs {
			t.Errorf("%s builds %v; want %d programs", file, got, programs)
		}
		for program, f := range got {
			if f != want[program] {
				t.Errorf("%s builds %s with %s; Taskfile.yml with %s", file, program, f, want[program])
			}
		}
	}
}

// Whoever asks for the list of tasks is told what each does.
func TestTasksAreDescribed(t *testing.T) {
	text, err := os.ReadFile("../Taskfile.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tasks map[string]struct {
			Desc     string
			Internal bool
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"build", "up", "bench", "report", "down", "local"} {
		if _, ok := file.Tasks[name]; !ok {
			t.Errorf("there is no task %s", name)
		}
	}
	for name, task := range file.Tasks {
		if task.Desc == "" && !task.Internal && name != "default" {
			t.Errorf("task %s does not say what it does", name)
		}
	}
}

// tasks is a copy of the Taskfile with stubs of all programs that it calls: they write down how they were called.
type tasks struct {
	dir, bin, log string
}

// newTasks has stubs of these programs, and what a shell needs.
func newTasks(t *testing.T, programs ...string) *tasks {
	t.Helper()
	dir := t.TempDir()
	s := &tasks{dir: filepath.Join(dir, "a checkout"), bin: filepath.Join(dir, "bin"), log: filepath.Join(dir, "log")}
	text, err := os.ReadFile("../Taskfile.yml")
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "Taskfile.yml", string(text), 0o600)
	s.write(t, "terraform/main.tf", "", 0o600)
	s.write(t, "dist/lambda/bootstrap", "", 0o600)
	// go build -o FILE makes FILE, which is bench where that is what tasks call.
	const stub = `#!/bin/sh
echo "${0##*/}${GOOS:+ for $GOOS/$GOARCH}: $*" >>"$LOG"
case "${0##*/} $1 $2" in
"go env GOOS") echo plan9 ;;
"go env GOARCH") echo mips ;;
"go build -o") mkdir -p "${3%/*}" && cp "$0" "$3" ;;
esac
`
	for _, name := range programs {
		s.write(t, "../bin/"+name, stub, 0o700)
	}
	for _, name := range []string{"sh", "cp", "mkdir", "rm", "ls", "head", "grep"} {
		path, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(path, filepath.Join(s.bin, name))
		}
		if err != nil {
			t.Skipf("no %s: %v", name, err)
		}
	}
	return s
}

func (s *tasks) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// run runs a task and returns what it says.
func (s *tasks) run(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("task")
	if err != nil {
		t.Skip("task is not on the PATH")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = s.dir, append([]string{"PATH=" + s.bin, "HOME=" + s.dir, "LOG=" + s.log}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// called are the calls of the stubs, but those that ask the Go command for something.
func (s *tasks) called(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(s.log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), s.dir, "DIR")), "\n")
	return slices.DeleteFunc(calls, func(c string) bool {
		return c == "" || strings.Contains(c, ": env GO") || strings.Contains(c, ": version -m")
	})
}

var credentials = []string{"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x"}

func TestTasksFailEarly(t *testing.T) {
	for name, tt := range map[string]struct {
		programs []string
		env      []string
		args     []string
		says     string
	}{
		"up without terraform":      {[]string{"go"}, credentials, []string{"up"}, "terraform is not on PATH: install 1.11 or newer"},
		"bench without terraform":   {[]string{"go"}, credentials, []string{"bench"}, "terraform is not on PATH"},
		"down without terraform":    {[]string{"go"}, credentials, []string{"down"}, "terraform is not on PATH"},
		"up without credentials":    {[]string{"go", "terraform"}, nil, []string{"up"}, "there are no AWS credentials: set AWS_PROFILE"},
		"bench without credentials": {[]string{"go", "terraform"}, nil, []string{"bench"}, "there are no AWS credentials"},
		"down without credentials":  {[]string{"go", "terraform"}, nil, []string{"down"}, "there are no AWS credentials"},
		"up for no architecture":    {[]string{"go", "terraform"}, credentials, []string{"up", "ARCH=mips"}, "ARCH=mips: expected arm64 or x86_64"},
		"up without Go":             {[]string{"terraform"}, credentials, []string{"up"}, "Go is not on PATH: install the version that go.mod names"},
		"build without Go":          {nil, nil, []string{"build"}, "Go is not on PATH"},
		"local without Go":          {nil, nil, []string{"local"}, "Go is not on PATH"},
		"report of nothing":         {[]string{"go"}, nil, []string{"report"}, `no result.json in "": run task bench or task bench:local first`},
		"report of another folder":  {[]string{"go"}, nil, []string{"report", "DIR=nowhere"}, `no result.json in "nowhere"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTasks(t, tt.programs...)
			out, err := s.run(t, tt.env, tt.args...)
			if err == nil || !strings.Contains(out, tt.says) {
				t.Errorf("error %v; it says\n%s\nwant %q in it", err, out, tt.says)
			}
			if calls := s.called(t); len(calls) > 0 {
				t.Errorf("it has begun all the same: %q", calls)
			}
		})
	}
}

// What is deployed is built for where it is deployed, and bench for here.
func TestTaskUp(t *testing.T) {
	t.Parallel()
	s := newTasks(t, "go", "terraform")
	out, err := s.run(t, credentials, "up", "ARCH=x86_64", "--yes", "--", "-var", `caller_cidrs=["203.0.113.7/32", "198.51.100.0/24"]`)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const flags = `-trimpath -buildvcs=false -ldflags=-s -w`
	want := []string{
		"go for linux/amd64: build " + flags + " -o dist/ec2/server ./adapters/ec2",
		"go for linux/amd64: build " + flags + " -tags lambda.norpc -o dist/lambda/bootstrap ./adapters/lambda",
		"go: run github.com/aws/aws-lambda-go/cmd/build-lambda-zip -o dist/lambda/bootstrap.zip dist/lambda/bootstrap",
		"go for linux/amd64: build " + flags + " -o dist/bench ./bench",
		"terraform: -chdir=terraform init -input=false",
		"terraform: -chdir=terraform plan -input=false -out=DIR/.task/stack.tfplan -var arch=x86_64 -var caller_cidrs=[\"203.0.113.7/32\", \"198.51.100.0/24\"]",
		"terraform: -chdir=terraform show -json DIR/.task/stack.tfplan",
		"go: build -o DIR/.task/bin/bench ./bench",
		"bench: cost --plan .task/stack.json --scenario four-phase-20",
		"terraform: -chdir=terraform apply -input=false DIR/.task/stack.tfplan",
	}
	if diff := cmp.Diff(want, s.called(t)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(s.dir, ".task", "stack.json")); !os.IsNotExist(err) {
		t.Errorf("the plan is left behind: %v", err)
	}
}

// A dry run shows what would be done, also where nothing is built yet; packing alone then says what is missing.
func TestTasksWithoutBootstrap(t *testing.T) {
	t.Parallel()
	s := newTasks(t, "go", "terraform")
	if err := os.Remove(filepath.Join(s.dir, "dist", "lambda", "bootstrap")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"build", "up"} {
		if out, err := s.run(t, credentials, "--dry", "--yes", name); err != nil || !strings.Contains(out, "build-lambda-zip") {
			t.Errorf("dry run of %s: %v\n%s", name, err, out)
		}
	}
	out, err := s.run(t, nil, "build:zip")
	if err == nil || !strings.Contains(out, "there is no dist/lambda/bootstrap, run task build:lambda") {
		t.Errorf("build:zip alone: %v\n%s", err, out)
	}
	if calls := s.called(t); len(calls) > 0 {
		t.Errorf("something was called: %q", calls)
	}
}

func TestTaskBenchAndDown(t *testing.T) {
	t.Parallel()
	s := newTasks(t, "go", "terraform", "aws")
	for _, args := range [][]string{{"bench", "--", "--from", "aws"}, {"down", "--", "-var", "region=eu-west-1"}} {
		// The AWS CLI knows credentials where the environment has none.
		if out, err := s.run(t, nil, args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	want := []string{
		"aws: sts get-caller-identity --output text --query Account",
		"go: build -o DIR/.task/bin/bench ./bench",
		"bench: run --targets terraform --from aws",
		"aws: sts get-caller-identity --output text --query Account",
		"terraform: -chdir=terraform destroy -var region=eu-west-1",
	}
	if diff := cmp.Diff(want, s.called(t)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
