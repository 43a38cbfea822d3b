package docker_test

import (
	"context"
	"debug/buildinfo"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// buildContext copies what docker would send to the builder.
func buildContext(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = filepath.WalkDir("..", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("..", p)
		if err != nil || rel == "." {
			return err
		}
		if e.IsDir() {
			if rel == ".git" || rel == "dist" || rel == "results" {
				return fs.SkipDir // large, and checked by name below
			}
			return nil
		}
		if skip, err := ignored.MatchesOrParentMatches(filepath.ToSlash(rel)); err != nil || skip {
			return err
		}
		return copyFile(p, filepath.Join(dir, rel))
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".git/config", "dist/ec2/server", "results/x/result.json", "terraform/terraform.tfstate", ".env", "app/app_test.go"} {
		if skip, err := ignored.MatchesOrParentMatches(name); err != nil || !skip {
			t.Errorf("%s is sent to the builder (%v)", name, err)
		}
	}
	return dir
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // as in an image: another user runs it
		return err
	}
	return os.WriteFile(to, b, info.Mode().Perm())
}

// builder carries a Dockerfile out for one architecture, each stage in a folder of
// its own. It knows the instructions that ours have; any other fails the test.
type builder struct {
	context, arch string
	stages        []instructions.Stage
	roots         map[string]string // of the stages by name
}

// build returns the folder with the image's files.
func (b *builder) build(t *testing.T, s instructions.Stage) string {
	t.Helper()
	root, workdir := t.TempDir(), "/"
	if n, ok := instructions.HasStage(b.stages, s.BaseName); ok {
		root, workdir = b.stage(t, b.stages[n].Name), "/src"
	}
	for _, c := range s.Commands {
		switch c := c.(type) {
		case *instructions.WorkdirCommand:
			workdir = c.Path
		case *instructions.CopyCommand:
			from := b.context
			if c.From != "" {
				from = b.stage(t, c.From)
			}
			b.copy(t, c, from, root, workdir)
		case *instructions.RunCommand:
			b.run(t, c, root, workdir)
		case *instructions.ArgCommand, *instructions.LabelCommand, *instructions.UserCommand, *instructions.ExposeCommand,
			*instructions.HealthCheckCommand, *instructions.EntrypointCommand, *instructions.CmdCommand:
		default:
			t.Fatalf("the builder for tests does not know %s", c)
		}
	}
	return root
}

func (b *builder) stage(t *testing.T, name string) string {
	t.Helper()
	if root, ok := b.roots[name]; ok {
		return root
	}
	n, ok := instructions.HasStage(b.stages, name)
	if !ok {
		t.Fatalf("no stage %s", name)
	}
	b.roots[name] = b.build(t, b.stages[n])
	return b.roots[name]
}

func (b *builder) copy(t *testing.T, c *instructions.CopyCommand, from, root, workdir string) {
	t.Helper()
	for _, source := range c.SourcePaths {
		dest := c.DestPath
		if strings.HasSuffix(dest, "/") {
			dest += path.Base(source)
		}
		if !path.IsAbs(dest) {
			dest = path.Join(workdir, dest)
		}
		to, at := filepath.Join(root, dest), filepath.Join(from, source)
		if source == "/etc/ssl/certs/ca-certificates.crt" {
			// Of the base image, which is not here.
			at = filepath.Join(t.TempDir(), "ca-certificates.crt")
			if err := os.WriteFile(at, []byte("certificates\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(at)
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(at))
		} else {
			err = copyFile(at, to)
		}
		if err != nil {
			t.Fatalf("%s: %v", c, err)
		}
	}
}

// run runs a command on this machine. All of ours write below /out.
func (b *builder) run(t *testing.T, c *instructions.RunCommand, root, workdir string) {
	t.Helper()
	line := strings.Join(c.CmdLine, " ")
	if !strings.Contains(line, "go build ") || !c.PrependShell {
		t.Fatalf("the builder for tests does not run %s", line)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", strings.ReplaceAll(line, "/out/", root+"/out/"))
	cmd.Dir = filepath.Join(root, workdir)
	// As in the base image: no workspace, no flags.
	cmd.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+b.arch, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("RUN %s: %v\n%s", line, err, out)
	}
}

// newBuilder prepares one Dockerfile.
func newBuilder(t *testing.T, file, arch, context string) *builder {
	t.Helper()
	return &builder{context: context, arch: arch, stages: stages(t, file), roots: map[string]string{}}
}

// Each image is built for both architectures, but the local service for this one only.
func TestBuild(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh on the PATH")
	}
	sent := buildContext(t)
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for _, i := range images {
		for arch, machine := range machines {
			if i.target == "local" && arch != runtime.GOARCH {
				continue
			}
			t.Run(i.String()+" "+arch, func(t *testing.T) {
				root := newBuilder(t, i.file, arch, sent).build(t, i.final(t))
				entry := i.entrypoint(t)
				checkBinary(t, filepath.Join(root, entry[0]), machine)
				if _, err := os.Stat(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil {
					t.Error(err)
				}
				if arch == runtime.GOARCH && i.health {
					t.Run("runs", func(t *testing.T) { runImage(t, i, root) })
				}
			})
		}
	}
}

// entrypoint is what the image starts, with its default arguments.
func (i image) entrypoint(t *testing.T) []string {
	t.Helper()
	var line []string
	for _, c := range i.final(t).Commands {
		switch c := c.(type) {
		case *instructions.EntrypointCommand:
			line = append(line, c.CmdLine...)
		case *instructions.CmdCommand:
			line = append(line, c.CmdLine...)
		}
	}
	return line
}

// checkBinary checks that a program runs alone, on that machine, and says what it is
// made of.
func checkBinary(t *testing.T, path string, machine elf.Machine) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if f.Machine != machine {
		t.Errorf("%s is for %s; want %s", path, f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is not static", path)
		}
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) == 0 {
		t.Errorf("%s does not say what it is made of", path)
	}
}
