// Package terraform_test checks the configuration in this folder without network and
// account: its form, its own tests, and what it would create.
//
// It needs terraform 1.11 or newer on the PATH; without, the tests are skipped by name.
// They run on internal/schemaprovider; with CROSSOVER_TERRAFORM_PROVIDER=registry on the
// real provider from the registry, and then those that plan need AWS credentials.
package terraform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// minimum is the oldest Terraform that the configuration works with, 1.N.
const minimum = 11

// harness is what the tests of this package share; TestMain makes it.
var harness struct {
	missing  string // why no test that needs terraform can run, or empty
	registry bool   // on the real provider
	env      []string
	dir      string // all that the tests write is below
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "terraform-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	harness.dir = dir
	code := 1
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// prepare looks for terraform, and builds and installs the provider.
func prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	missing, err := lookTerraform(ctx)
	if err != nil || missing != "" {
		harness.missing = missing
		return err
	}
	// Nothing of the user's: no credentials, no variables, no CLI configuration.
	harness.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + harness.dir, "TMPDIR=" + os.TempDir(),
		"CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0",
	}
	switch v := os.Getenv("CROSSOVER_TERRAFORM_PROVIDER"); v {
	case "registry":
		harness.registry = true
		harness.env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0")
		return nil
	case "":
	default:
		return fmt.Errorf("CROSSOVER_TERRAFORM_PROVIDER=%q: allowed is registry, or nothing for the provider for tests", v)
	}
	binary := filepath.Join(harness.dir, "schemaprovider")
	if out, err := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", binary, "./internal/schemaprovider").CombinedOutput(); err != nil {
		return fmt.Errorf("building the provider for tests: %w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, binary, "-install", harness.dir).Output()
	if err != nil {
		return fmt.Errorf("installing the provider for tests: %w", err)
	}
	harness.env = append(harness.env, "TF_CLI_CONFIG_FILE="+strings.TrimSpace(string(out)))
	return nil
}

// lookTerraform says what is missing for the tests to run, nothing if all is there.
func lookTerraform(ctx context.Context) (missing string, err error) {
	if _, err := exec.LookPath("terraform"); err != nil {
		return "terraform is not on the PATH", nil //nolint:nilerr // that is the answer
	}
	cmd := exec.CommandContext(ctx, "terraform", "version", "-json")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+os.DevNull)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking terraform for its version: %w", err)
	}
	var v struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return "", fmt.Errorf("reading the version of terraform: %w", err)
	}
	if parts := strings.Split(v.Version, "."); len(parts) > 1 && parts[0] == "1" {
		if minor, err := strconv.Atoi(parts[1]); err == nil && minor >= minimum {
			return "", nil
		}
	}
	return fmt.Sprintf("terraform on the PATH is %s; 1.%d or newer is needed", v.Version, minimum), nil
}

func needTerraform(t *testing.T) {
	t.Helper()
	if harness.missing != "" {
		t.Skip(harness.missing)
	}
}

// needPlans skips where plans would need an account.
func needPlans(t *testing.T) {
	t.Helper()
	needTerraform(t)
	if harness.registry && os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" {
		t.Skip("plans on the real provider need AWS credentials")
	}
}

// terraform runs a command in dir and returns its standard output. The error has what it
// says on standard error.
func terraform(ctx context.Context, dir string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, harness.env, &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it ends its providers
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("terraform %s: %w\n%s", strings.Join(args, " "), err, unwrap(stderr.String()))
	}
	return stdout.Bytes(), err
}

// unwrap takes the frame off an error text and joins its lines, which are broken at the
// width of a terminal.
func unwrap(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(s)), " ")
}

// root is an initialised copy of the whole configuration, which any number of commands
// may read at the same time.
var root = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(harness.dir, "root")
	if err := copyConfiguration(".", dir); err != nil {
		return "", err
	}
	_, err := terraform(context.Background(), dir, "init", "-no-color", "-backend=false")
	return dir, err
})

// copyConfiguration copies the files that terraform reads, without what a user's own
// terraform init left there.
func copyConfiguration(from, to string) error {
	files := os.DirFS(from)
	return fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := e.Name(); {
		case e.IsDir() && (name == ".terraform" || name == "internal"):
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o750)
		case name == ".terraform.lock.hcl", strings.HasSuffix(name, ".go"), strings.Contains(name, ".tfstate"), strings.Contains(name, ".tfvars"):
			return nil
		}
		b, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), b, 0o600)
	})
}

// configurations are the root and all modules, by path from here.
func configurations(t *testing.T) []string {
	t.Helper()
	modules, err := filepath.Glob("modules/*")
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"."}, modules...)
}
