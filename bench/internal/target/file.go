package target

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/result"
)

// Kinds of targets. EC2, Lambda and URL are reached by their URL; bench starts the other two.
const (
	KindEC2       = "ec2"
	KindLambda    = "lambda"
	KindURL       = "url"
	KindProcess   = "process"
	KindBootstrap = "bootstrap"
)

// Spec is one entry of a targets file.
type Spec struct {
	Name         string `json:"name"`
	Kind         string `json:"kind"`
	URL          string `json:"url,omitempty"`
	Region       string `json:"region,omitempty"`
	Arch         string `json:"arch,omitempty"`
	InstanceType string `json:"instance_type,omitempty"`
	Instances    int    `json:"instances,omitempty"`
	MemoryMB     int    `json:"memory_mb,omitempty"`
	FrontDoor    string `json:"front_door,omitempty"`
	Auth         string `json:"auth,omitempty"`
	// CreditMode is that of burstable instances, standard or unlimited.
	CreditMode string `json:"credit_mode,omitempty"`
	// TLS says whether requests are encrypted on their way; where it is not said, the URL does.
	TLS *bool `json:"tls,omitempty"`
	// Where AWS keeps what it knows of a target: a function's log group and name, instances' Auto Scaling group.
	LogGroup         string `json:"log_group,omitempty"`
	FunctionName     string `json:"function_name,omitempty"`
	AutoScalingGroup string `json:"autoscaling_group,omitempty"`
	// Of an EC2 target: what Auto Scaling may bring Instances to, 0 where nothing is said, and the instance where there is one alone.
	MaxInstances int    `json:"max_instances,omitempty"`
	InstanceID   string `json:"instance_id,omitempty"`
	// Of a Lambda target: the alias or version that the front door calls, how it was deployed (zip or image), how many environments are
	// kept warm, and how many there may be at once; 0 means none kept, and no limit but the account's.
	Qualifier              string `json:"qualifier,omitempty"`
	Package                string `json:"package,omitempty"`
	ProvisionedConcurrency int    `json:"provisioned_concurrency,omitempty"`
	ConcurrencyLimit       int    `json:"concurrency_limit,omitempty"`

	Command []string          `json:"command,omitempty"` // of a process
	Path    string            `json:"path,omitempty"`    // of a bootstrap
	Env     map[string]string `json:"env,omitempty"`     // of both

	// Of a bootstrap. TimeoutS is the time-out of an invocation in seconds; 0 means 30. ReservedConcurrency is how many environments
	// may exist at once; 0 means 1,000. Provisioned of them are started before the load and kept. Limits holds environments to Lambda's
	// share of CPU, memory, processes, open files and /tmp, as far as rights go, and Freeze stops them while they are idle. RequestQuota
	// throttles what is over ten times the concurrency in requests a second, as Lambda does.
	TimeoutS            int  `json:"timeout_s,omitempty"`
	ReservedConcurrency int  `json:"reserved_concurrency,omitempty"`
	Provisioned         int  `json:"provisioned,omitempty"`
	Limits              bool `json:"limits,omitempty"`
	Freeze              bool `json:"freeze,omitempty"`
	RequestQuota        bool `json:"request_quota,omitempty"`
}

// MaxTargets is how many targets a run can have.
const MaxTargets = 16

// Lambda's memory sizes in MiB, https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	minMemoryMB     = 128
	maxMemoryMB     = 10_240
	defaultMemoryMB = 512
)

// ParseFile reads the text of a targets file. file is its path, for errors and because programs in it are relative to its folder;
// all faults of its entries are reported at once.
func ParseFile(file string, data []byte) ([]Spec, error) {
	var doc struct {
		Targets []Spec `json:"targets"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s:%d: expected {\"targets\": [{\"name\": …, \"kind\": …, \"url\": …}]}: %w",
			file, lineOf(data, err, d.InputOffset()), err)
	}
	if d.More() {
		return nil, fmt.Errorf("%s:%d: expected nothing after the JSON object", file, lineAt(data, d.InputOffset()))
	}
	if err := Validate(doc.Targets); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range doc.Targets {
		doc.Targets[i].resolve(filepath.Dir(file))
	}
	return doc.Targets, nil
}

// ParseOutput reads the output "targets" of the Terraform configuration in dir: what a targets file has, or the list in it. Fields
// that are not known here are no faults: the configuration may be newer than this program.
func ParseOutput(dir string, data []byte) ([]Spec, error) {
	var doc struct {
		Targets []Spec `json:"targets"`
	}
	var into any = &doc
	if list := bytes.TrimSpace(data); bytes.HasPrefix(list, []byte("[")) {
		into = &doc.Targets
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, fmt.Errorf("output targets of %s: expected {\"targets\": [{\"name\": …, \"kind\": …, \"url\": …}]}: %w", dir, err)
	}
	if err := Validate(doc.Targets); err != nil {
		return nil, fmt.Errorf("output targets of %s: %w", dir, err)
	}
	for i := range doc.Targets {
		doc.Targets[i].resolve(dir)
	}
	return doc.Targets, nil
}

// resolve takes paths as relative to the folder of the targets file. A program without a slash is looked for on PATH.
func (s *Spec) resolve(dir string) {
	if s.Path != "" && !filepath.IsAbs(s.Path) {
		s.Path = filepath.Join(dir, s.Path)
	}
	if len(s.Command) > 0 && strings.Contains(s.Command[0], "/") && !filepath.IsAbs(s.Command[0]) {
		s.Command[0] = filepath.Join(dir, s.Command[0])
		if !strings.Contains(s.Command[0], "/") { // it would be looked for on PATH
			s.Command[0] = "./" + s.Command[0]
		}
	}
}

// lineOf finds the line of a JSON error.
func lineOf(data []byte, err error, offset int64) int {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typed):
		offset = typed.Offset
	case unknown: // the decoder has read past it
		if at := regexp.MustCompile(regexp.QuoteMeta(field) + `\s*:`).FindIndex(data); at != nil {
			offset = int64(at[0])
		}
	}
	return lineAt(data, offset)
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// Validate checks specs and reports all faults at once.
func Validate(specs []Spec) error {
	var errs []error
	if len(specs) == 0 || len(specs) > MaxTargets {
		errs = append(errs, fmt.Errorf("expected 1 to %d targets, got %d", MaxTargets, len(specs)))
	}
	seen := map[string]bool{}
	for i, s := range specs {
		fault := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("targets[%d] %q: %s", i, s.Name, fmt.Sprintf(format, args...)))
		}
		if !nameForm.MatchString(s.Name) {
			fault("name: expected up to 32 letters, digits, dots, underscores and dashes")
		}
		if seen[s.Name] {
			fault("name: used twice")
		}
		seen[s.Name] = true
		s.validateKind(fault)
		s.validateEnv(fault)
	}
	return errors.Join(errs...)
}

var envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (s *Spec) validateEnv(fault func(format string, args ...any)) {
	for _, name := range sortedKeys(s.Env) {
		switch {
		case !envForm.MatchString(name):
			fault("env: %q is no name of a variable", name)
		case s.Kind == KindProcess && (name == "HOST" || name == "PORT"):
			fault("env: %s is set by bench: the program must listen where it says", name)
		}
	}
}

// validPort says whether a URL's port, if it has one, is one.
func validPort(u *url.URL) bool {
	n, err := strconv.Atoi(u.Port())
	return u.Port() == "" || err == nil && n >= 1 && n <= 65535
}

func (s *Spec) validateKind(fault func(format string, args ...any)) {
	switch s.Kind {
	case KindEC2, KindLambda, KindURL:
		if u, err := url.Parse(s.URL); err != nil || u.Hostname() == "" || !validPort(u) || u.Scheme != "http" && u.Scheme != "https" {
			fault("url: expected http://HOST… or https://HOST…, got %q", s.URL)
		} else if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			fault("url: expected neither user, query nor fragment")
		}
		if len(s.Command) > 0 || s.Path != "" || len(s.Env) > 0 {
			fault("command, path and env belong to the kinds %s and %s", KindProcess, KindBootstrap)
		}
	case KindProcess:
		if len(s.Command) == 0 || s.Command[0] == "" {
			fault("command: expected the program and its arguments, such as [\"./server\"]")
		}
	case KindBootstrap:
		if s.Path == "" {
			fault("path: expected the bootstrap binary, such as ./bootstrap")
		}
		if s.MemoryMB != 0 && (s.MemoryMB < minMemoryMB || s.MemoryMB > maxMemoryMB) {
			fault("memory_mb: expected %d to %d, got %d", minMemoryMB, maxMemoryMB, s.MemoryMB)
		}
		if s.FrontDoor != "" && !slices.Contains(emulator.FrontDoors(), emulator.FrontDoor(s.FrontDoor)) {
			fault("front_door: expected one of %v, got %q", emulator.FrontDoors(), s.FrontDoor)
		}
		s.validateLife(fault)
	default:
		fault("kind: expected one of %s, got %q",
			strings.Join([]string{KindEC2, KindLambda, KindURL, KindProcess, KindBootstrap}, ", "), s.Kind)
	}
	if s.CreditMode != "" && s.CreditMode != "standard" && s.CreditMode != "unlimited" {
		fault("credit_mode: expected standard or unlimited, got %q", s.CreditMode)
	}
	if s.Kind != KindBootstrap && (s.TimeoutS != 0 || s.ReservedConcurrency != 0 || s.Provisioned != 0 || s.Limits || s.Freeze || s.RequestQuota) {
		fault("timeout_s, reserved_concurrency, provisioned, limits, freeze and request_quota belong to the kind %s", KindBootstrap)
	}
	s.validateHosting(fault)
	s.validateAuth(fault)
}

// Of Lambda: the longest time-out, and the concurrency of an account unless AWS has raised it,
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxTimeoutS    = 900
	maxConcurrency = 1000
)

// validateLife checks what only a bootstrap may have.
func (s *Spec) validateLife(fault func(format string, args ...any)) {
	if s.TimeoutS < 0 || s.TimeoutS > maxTimeoutS {
		fault("timeout_s: expected 1 to %d, got %d", maxTimeoutS, s.TimeoutS)
	}
	limit := maxConcurrency
	if s.ReservedConcurrency < 0 || s.ReservedConcurrency > limit {
		fault("reserved_concurrency: expected 1 to %d, got %d", limit, s.ReservedConcurrency)
	} else if s.ReservedConcurrency > 0 {
		limit = s.ReservedConcurrency
	}
	if s.Provisioned < 0 || s.Provisioned > limit {
		fault("provisioned: expected up to the function's concurrency, which is %d, got %d", limit, s.Provisioned)
	}
}

// ParseFlags reads --target NAME=URL flags.
func ParseFlags(flags []string) ([]Spec, error) {
	var specs []Spec
	for _, f := range flags {
		name, address, ok := strings.Cut(f, "=")
		if !ok {
			return nil, fmt.Errorf("--target %q: expected NAME=URL, such as mine=http://127.0.0.1:8080", f)
		}
		specs = append(specs, Spec{Name: name, Kind: KindURL, URL: address})
	}
	if err := Validate(specs); err != nil {
		return nil, fmt.Errorf("--target: %w", err)
	}
	return specs, nil
}

// resultSpec is what result files say of a target. Commands and environments stay out: they may hold secrets.
func (s *Spec) resultSpec() result.Spec {
	return result.Spec{
		Region: s.Region, Arch: s.Arch, InstanceType: s.InstanceType, Instances: s.Instances, MemoryMB: s.MemoryMB,
		FrontDoor: s.FrontDoor, Auth: s.Auth, CreditMode: s.CreditMode, TLS: s.TLS, ProvisionedConcurrency: s.ProvisionedConcurrency,
	}
}
