package terraform_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/terraform"
)

// apply copies a configuration of testdata and applies it with the real terraform, which needs neither provider nor network.
func apply(t *testing.T, name string, args ...string) string {
	t.Helper()
	requireTerraform(t)
	dir := filepath.Join(t.TempDir(), "with [odd] name")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	if args == nil {
		return dir
	}
	cmd := exec.CommandContext(t.Context(), "terraform", append([]string{"-chdir=" + dir, "apply", "-auto-approve", "-input=false", "-no-color"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("terraform apply: %v\n%s", err, out)
	}
	return dir
}

func requireTerraform(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("terraform is not on PATH")
	}
}

func TestRead(t *testing.T) {
	dir := apply(t, "applied", "-var=url=http://127.0.0.1:1")
	o, err := terraform.Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	value, err := o.Get("targets")
	var doc struct{ Targets []struct{ Name, URL string } }
	if err != nil || json.Unmarshal(value, &doc) != nil || len(doc.Targets) != 2 || doc.Targets[0].URL != "http://127.0.0.1:1" {
		t.Errorf("targets is %s, %v", value, err)
	}
	for name, want := range map[string]string{
		"load_generator": dir + ` has no output "load_generator", only password, targets: the stack was made without it`, // null
		"nothing":        `has no output "nothing", only password, targets`,
	} {
		if value, err := o.Get(name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Get(%s) = %s, %v; want %q", name, value, err, want)
		}
	}
}

func TestReadFaults(t *testing.T) {
	requireTerraform(t)
	empty := apply(t, "applied")
	o, err := terraform.Read(t.Context(), empty)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Get("targets"); err == nil || !strings.Contains(err.Error(), "nothing is applied there; run 'terraform -chdir="+empty+" apply' first") {
		t.Errorf("before apply: %v", err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "main.tf"), []byte("output \"x\" {"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ dir, want string }{
		"no folder":       {filepath.Join(empty, "nothere"), "has no Terraform configuration"},
		"no files":        {t.TempDir(), "has no Terraform configuration: name the folder that you ran 'terraform apply' in"},
		"not initialised": {apply(t, "backend"), `Backend initialization required, please run "terraform init"`},
		"faulty":          {broken, "main.tf line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := terraform.Read(t.Context(), tt.dir); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, expected it to have %q", err, tt.want)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := terraform.Read(ctx, empty); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("no terraform", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := terraform.Read(t.Context(), empty); !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "terraform is not on PATH: install it") {
			t.Errorf("error is %v", err)
		}
	})
}
