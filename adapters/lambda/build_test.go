package main_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The same source gives the same bytes, wherever it lies and whatever is around it: what Terraform compares, and what
// readers of a report may build again. Both commands are those of Taskfile.yml.
func TestBuildIsReproducible(t *testing.T) {
	tasks, err := os.ReadFile("../../Taskfile.yml")
	if err != nil {
		t.Fatal(err)
	}
	build := regexp.MustCompile(`(?m)^ *- go (build .*-o )dist/lambda/bootstrap (\./adapters/lambda)$`).FindSubmatch(tasks)
	pack := regexp.MustCompile(`(?m)^ *- GOOS= GOARCH= (go run .*) -o dist/lambda/bootstrap\.zip dist/lambda/bootstrap$`).FindSubmatch(tasks)
	if build == nil || pack == nil {
		t.Fatal("Taskfile.yml does not say how the function is built and packed")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "another place", "src")
	for _, name := range []string{"app", "adapters"} {
		if err := os.CopyFS(filepath.Join(other, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root, name)) //nolint:gosec // ours
		if err == nil {
			err = os.WriteFile(filepath.Join(other, name), data, 0o600) //nolint:gosec // ours
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var sums [2][2][sha256.Size]byte
	var packed string
	for i, source := range []string{root, other} {
		out := t.TempDir()
		script := "set -e\nCGO_ENABLED=0 go " + string(build[1]) + `"$OUT/bootstrap" ` + string(build[2]) + "\n" +
			string(pack[1]) + ` -o "$OUT/bootstrap.zip" "$OUT/bootstrap"`
		cmd := exec.CommandContext(t.Context(), "sh", "-c", script) //nolint:gosec // what Taskfile.yml says
		cmd.Dir, cmd.Env = source, append(os.Environ(), "OUT="+out)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, text)
		}
		for j, name := range []string{"bootstrap", "bootstrap.zip"} {
			data, err := os.ReadFile(filepath.Join(out, name)) //nolint:gosec // ours
			if err != nil {
				t.Fatal(err)
			}
			sums[i][j] = sha256.Sum256(data)
			if bytes.Contains(data, []byte(source)) {
				t.Errorf("%s has the path of its source in it", name)
			}
		}
		packed = filepath.Join(out, "bootstrap.zip")
	}
	for j, name := range []string{"bootstrap", "bootstrap.zip"} {
		if sums[0][j] != sums[1][j] {
			t.Errorf("%s differs: %x here, %x elsewhere", name, sums[0][j], sums[1][j])
		}
	}
	z, err := zip.OpenReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm()&0o555 != 0o555 {
		t.Errorf("the zip has %d files, first %q with mode %s; want one bootstrap that all may run", len(z.File), z.File[0].Name, z.File[0].Mode())
	}
	if strings.TrimSpace(z.Comment) != "" || z.File[0].ModifiedDate|z.File[0].ModifiedTime != 0 {
		t.Errorf("the zip tells when it was made: %v", z.File[0].Modified)
	}
}
