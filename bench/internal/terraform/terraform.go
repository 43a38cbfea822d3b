// Package terraform reads what a Terraform configuration has put out, by the terraform on PATH. It changes nothing.
package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Patience is how long terraform may take; a remote state is a request or two away.
const Patience = time.Minute

// maxOutput is far above what any stack puts out.
const maxOutput = 16 << 20

// Outputs are those of one configuration, by name.
type Outputs struct {
	dir    string
	values map[string]json.RawMessage
}

// Read asks terraform for the outputs of the configuration in dir, which must have been applied. Its errors say what to do next.
func Read(ctx context.Context, dir string) (*Outputs, error) {
	found, err := filepath.Glob(filepath.Join(escape(dir), "*.tf*"))
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("%s has no Terraform configuration: name the folder that you ran 'terraform apply' in", dir)
	}
	program, err := exec.LookPath("terraform")
	if err != nil {
		return nil, fmt.Errorf("terraform is not on PATH: install it (https://developer.hashicorp.com/terraform/install), or have the "+
			"outputs written to a file where it is and name that: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	// All of them, not one by its name: only so is a state without outputs told from an output that does not exist.
	cmd := exec.CommandContext(ctx, program, "-chdir="+dir, "output", "-no-color", "-json")
	cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_CLI_ARGS=", "TF_CLI_ARGS_output=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it can release a lock
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr limited
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("'terraform output' in %s took longer than %s: is its backend reachable?", dir, Patience)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("'terraform output' in %s: %w:\n  %s", dir, err, complaint(stderr.String()))
	}
	return decode(dir, stdout.Bytes())
}

func decode(dir string, data []byte) (*Outputs, error) {
	var doc map[string]struct {
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("'terraform output' in %s printed no JSON object: %w", dir, err)
	}
	o := &Outputs{dir: dir, values: map[string]json.RawMessage{}}
	for name, output := range doc {
		o.values[name] = output.Value
	}
	return o, nil
}

// Get returns the value of one output as JSON. Terraform keeps no outputs that are null.
func (o *Outputs) Get(name string) (json.RawMessage, error) {
	value, ok := o.values[name]
	switch {
	case len(o.values) == 0:
		return nil, fmt.Errorf("%s has no outputs: nothing is applied there; run 'terraform -chdir=%s apply' first, or 'task up'", o.dir, o.dir)
	case !ok:
		return nil, fmt.Errorf("%s has no output %q, only %s: the stack was made without it, or before the configuration had it",
			o.dir, name, strings.Join(slices.Sorted(maps.Keys(o.values)), ", "))
	}
	return value, nil
}

// complaint is what terraform says is wrong: its first error, up to what it advises at length.
func complaint(text string) string {
	if at := strings.Index(text, "Error"); at >= 0 {
		text = text[at:]
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return "it says nothing"
	}
	const most = 12
	lines := strings.Split(text, "\n")
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	return strings.Join(lines, "\n  ")
}

// escape makes a folder's name a pattern for itself alone.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// limited keeps the first of what is written to it, so that a program that goes mad takes no memory.
type limited struct{ bytes.Buffer }

// Write implements io.Writer; it never fails.
func (l *limited) Write(p []byte) (int, error) {
	if room := maxOutput - l.Len(); room > 0 {
		_, _ = l.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
