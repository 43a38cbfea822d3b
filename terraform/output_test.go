package terraform_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens from what terraform prints")

// targetsFile has the matrix of inputs; its run blocks apply, with mocks.
const targetsFile = "tests/targets.tftest.hcl"

// printedTargets is where bench's tests read what terraform prints: nothing else than that file passes between the two.
const printedTargets = "../bench/internal/target/testdata/terraform.json"

// What `terraform output -json targets` prints, for each run block of targetsFile, is what bench's tests read.
func TestPrintedTargets(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	o := outcomeOf(t, targetsFile)
	printed := map[string]json.RawMessage{}
	for _, name := range o.names {
		targets, ok := o.runs[name].outputs["targets"]
		if !ok {
			t.Errorf("%s leaves no output targets", name)
			continue
		}
		printed[name] = printOutput(t, "targets", targets)
	}
	if len(printed) < 10 {
		t.Fatalf("only %d outputs; terraform says %v", len(printed), o.err)
	}
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetIndent("", " ")
	if err := e.Encode(printed); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(printedTargets, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(printedTargets)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s is not what terraform prints; task golden writes it anew (-file +terraform):\n%s", printedTargets, diff)
	}
}

// printOutput has terraform print an output of a state that has nothing else.
func printOutput(t *testing.T, name string, o stateOutput) []byte {
	t.Helper()
	state, err := json.Marshal(map[string]any{
		"version": 4, "terraform_version": "1.11.0", "serial": 1, "lineage": "tests",
		"outputs": map[string]stateOutput{name: o}, "resources": []any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "terraform.tfstate"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := terraform(t.Context(), dir, "output", "-json", name)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
