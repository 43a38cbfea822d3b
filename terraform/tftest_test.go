package terraform_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// event is a line of terraform test -json,
// https://developer.hashicorp.com/terraform/internals/machine-readable-ui.
type event struct {
	Message string `json:"@message"`
	Run     string `json:"@testrun"`
	Type    string `json:"type"`

	Abstract   map[string][]string                    `json:"test_abstract"`
	TestRun    struct{ Run, Progress, Status string } `json:"test_run"`
	Diagnostic struct {
		Severity, Summary, Detail string
		Range                     *struct {
			Filename string
			Start    struct{ Line int }
		}
	} `json:"diagnostic"`
	// State is what a run block that applies leaves; terraform tells it with -verbose.
	State struct {
		Outputs map[string]stateOutput `json:"outputs"`
	} `json:"test_state"`
}

// stateOutput is an output as state files have it.
type stateOutput struct {
	Value json.RawMessage `json:"value"`
	Type  json.RawMessage `json:"type"`
}

// run is what is known of one run block at the end.
type run struct {
	status  string // pass, fail, error, skip, or empty if it was never reached
	faults  []string
	outputs map[string]stateOutput
}

// outcome is what came of a file of run blocks.
type outcome struct {
	names []string // of the run blocks, in order
	runs  map[string]*run
	loose []string // errors that belong to none
	out   []byte
	err   error
}

// outcomes are those of the files of run blocks, each run once.
var outcomes sync.Map // of the path: func() *outcome

func outcomeOf(t *testing.T, file string) *outcome {
	t.Helper()
	once, _ := outcomes.LoadOrStore(file, sync.OnceValue(func() *outcome {
		o := &outcome{}
		dir, err := root()
		if err != nil {
			o.err = err
			return o
		}
		args := []string{"test", "-json", "-filter=" + file}
		if file == targetsFile {
			args = append(args, "-verbose") // with the outputs, and half a megabyte a run
		}
		o.out, o.err = terraform(t.Context(), dir, args...)
		o.names, o.runs, o.loose = readEvents(o.out)
		return o
	}))
	return once.(func() *outcome)()
}

// TestRuns runs every *.tftest.hcl below tests; each run block is a subtest.
func TestRuns(t *testing.T) {
	needTerraform(t)
	files, err := filepath.Glob("tests/*.tftest.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no tests/*.tftest.hcl")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".tftest.hcl"), func(t *testing.T) {
			t.Parallel()
			o := outcomeOf(t, file)
			for _, fault := range o.loose {
				t.Error(fault)
			}
			if o.err != nil && len(o.loose) == 0 && !anyFailed(o.runs) {
				t.Error(o.err)
			}
			if len(o.names) == 0 {
				t.Errorf("no run blocks; terraform says %v\n%s", o.err, o.out)
			}
			for _, name := range o.names {
				t.Run(name, func(t *testing.T) { o.runs[name].report(t) })
			}
		})
	}
}

func (r *run) report(t *testing.T) {
	t.Helper()
	for _, fault := range r.faults {
		t.Log(fault)
	}
	switch r.status {
	case "pass":
	case "skip":
		t.Skip("terraform skipped it, because one before it failed")
	case "":
		t.Error("terraform did not get to it")
	default:
		t.Errorf("status %s", r.status)
	}
}

func anyFailed(runs map[string]*run) bool {
	for _, r := range runs {
		if r.status != "pass" && r.status != "skip" {
			return true
		}
	}
	return false
}

// readEvents returns the names of the run blocks in order, how each ended, and errors
// that belong to none.
func readEvents(out []byte) (names []string, runs map[string]*run, loose []string) {
	runs = map[string]*run{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			loose = append(loose, lines.Text())
			continue
		}
		switch e.Type {
		case "test_abstract":
			for _, all := range e.Abstract {
				names = append(names, all...)
			}
			for _, name := range names {
				runs[name] = &run{}
			}
		case "test_run":
			if r := runs[e.TestRun.Run]; r != nil && e.TestRun.Progress == "complete" {
				r.status = e.TestRun.Status
			}
		case "test_state":
			if r := runs[e.Run]; r != nil {
				r.outputs = e.State.Outputs
			}
		case "diagnostic":
			d := e.Diagnostic
			fault := fmt.Sprintf("%s: %s: %s", d.Severity, d.Summary, d.Detail)
			if d.Range != nil {
				fault = fmt.Sprintf("%s:%d: %s", d.Range.Filename, d.Range.Start.Line, fault)
			}
			if r := runs[e.Run]; r != nil {
				r.faults = append(r.faults, fault)
			} else if d.Severity == "error" {
				loose = append(loose, fault)
			}
		}
	}
	return names, runs, loose
}

// What is reported as green must be able to be red.
func TestReadEvents(t *testing.T) {
	const out = `{"type":"test_abstract","test_abstract":{"tests/a.tftest.hcl":["first","second","third"]}}
{"type":"test_run","@testrun":"first","test_run":{"run":"first","progress":"complete","status":"fail"}}
{"type":"diagnostic","@testrun":"first","diagnostic":{"severity":"error","summary":"Test assertion failed","detail":"no","range":{"filename":"a","start":{"line":5}}}}
{"type":"test_run","@testrun":"second","test_run":{"run":"second","progress":"complete","status":"pass"}}
{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Broken","detail":"file"}}
`
	names, runs, loose := readEvents([]byte(out))
	if len(names) != 3 || runs["first"].status != "fail" || runs["second"].status != "pass" || runs["third"].status != "" {
		t.Errorf("runs = %v %+v", names, runs)
	}
	if got := runs["first"].faults; len(got) != 1 || got[0] != "a:5: error: Test assertion failed: no" {
		t.Errorf("faults of first = %q", got)
	}
	if len(loose) != 1 || loose[0] != "error: Broken: file" {
		t.Errorf("other errors = %q", loose)
	}
}
