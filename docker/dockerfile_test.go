// Package docker_test checks the images and the composition in this folder without a
// Docker daemon: with the libraries that Docker itself reads and lints them with, and
// by running their build commands and what these build.
package docker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// image is one that can be built: a target of a Dockerfile.
type image struct {
	file, target string
	health       bool // it has a health check
}

// images are all. Lambda looks after its functions itself.
var images = []image{
	{file: "ec2.Dockerfile", health: true},
	{file: "lambda.Dockerfile", target: "lambda"},
	{file: "lambda.Dockerfile", target: "local", health: true},
}

func (i image) String() string {
	return strings.TrimSuffix(strings.TrimSuffix(i.file, ".Dockerfile")+" "+i.target, " ")
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stages parses a Dockerfile.
func stages(t *testing.T, file string) []instructions.Stage {
	t.Helper()
	parsed, err := parser.Parse(bytes.NewReader(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stages
}

// final is the stage that an image is made of.
func (i image) final(t *testing.T) instructions.Stage {
	t.Helper()
	all := stages(t, i.file)
	if i.target == "" {
		return all[len(all)-1]
	}
	n, ok := instructions.HasStage(all, i.target)
	if !ok {
		t.Fatalf("%s has no target %s", i.file, i.target)
	}
	return all[n]
}

// offline answers for every image in a registry, with one that has nothing in it.
type offline struct{}

func (offline) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}})
	return ref, digest.FromBytes(config), config, err
}

// lint returns what docker build --check says.
func lint(t *testing.T, dockerfile []byte) []string {
	t.Helper()
	source := llb.NewSourceMap(nil, "Dockerfile", "dockerfile", dockerfile)
	source.Definition = &llb.Definition{} // of the state that the file came from, which there is none
	results, err := dockerfile2llb.DockerfileLint(t.Context(), dockerfile, dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildPlatforms:  []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}},
			TargetPlatforms: []ocispecs.Platform{{OS: "linux", Architecture: "arm64"}},
		},
		MetaResolver: offline{},
		SourceMap:    source,
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, w := range results.Warnings {
		out = append(out, w.RuleName+": "+w.Detail)
	}
	if results.Error != nil {
		out = append(out, results.Error.Message)
	}
	return out
}

func TestLint(t *testing.T) {
	for _, file := range []string{"ec2.Dockerfile", "lambda.Dockerfile"} {
		t.Run(file, func(t *testing.T) {
			for _, w := range lint(t, read(t, file)) {
				t.Error(w)
			}
		})
	}
	t.Run("finds faults", func(t *testing.T) {
		const bad = "FROM --platform=linux/amd64 golang:1.26 as build\nENV SECRET_KEY=abc\nWORKDIR src\nCOPY --from=buidl /a /b\nENTRYPOINT server $NOWHERE\n"
		var rules []string
		for _, w := range lint(t, []byte(bad)) {
			name, _, _ := strings.Cut(w, ":")
			rules = append(rules, name)
		}
		for _, want := range []string{"FromAsCasing", "SecretsUsedInArgOrEnv", "WorkdirRelativePath", "JSONArgsRecommended", "FromPlatformFlagConstDisallowed"} {
			if !slices.Contains(rules, want) {
				t.Errorf("no %s in %q", want, rules)
			}
		}
	})
}

// pinned is a reference with a version of at least two parts in its tag.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$`)

func TestBaseImages(t *testing.T) {
	for _, file := range []string{"ec2.Dockerfile", "lambda.Dockerfile"} {
		t.Run(file, func(t *testing.T) {
			all := stages(t, file)
			for _, s := range all {
				_, ours := instructions.HasStage(all, s.BaseName)
				if !ours && s.BaseName != "scratch" && !pinned.MatchString(s.BaseName) {
					t.Errorf("FROM %s is not pinned to a version", s.BaseName)
				}
				if !ours && s.BaseName != "scratch" && s.Platform != "$BUILDPLATFORM" {
					t.Errorf("FROM %s builds on the platform of the target, emulated: want --platform=$BUILDPLATFORM", s.BaseName)
				}
			}
		})
	}
}

func TestImages(t *testing.T) {
	for _, i := range images {
		t.Run(i.String(), func(t *testing.T) {
			s := i.final(t)
			if s.BaseName != "scratch" {
				t.Errorf("FROM %s; want scratch: no shell", s.BaseName)
			}
			var labels []string
			var user, entry string
			healthy := false
			for _, c := range s.Commands {
				switch c := c.(type) {
				case *instructions.LabelCommand:
					for _, l := range c.Labels {
						labels = append(labels, strings.Trim(l.Key, `"`))
					}
				case *instructions.UserCommand:
					user = c.User
				case *instructions.EntrypointCommand:
					if c.PrependShell {
						t.Errorf("%s needs a shell", c)
					}
					entry = c.CmdLine[0]
				case *instructions.HealthCheckCommand:
					healthy = c.Health.Test[0] == "CMD"
				case *instructions.AddCommand, *instructions.RunCommand:
					t.Errorf("%s in an image from scratch", c)
				}
			}
			var want []string
			for _, name := range []string{"title", "description", "source", "licenses", "version", "revision"} {
				want = append(want, "org.opencontainers.image."+name)
			}
			if diff := cmp.Diff(want, labels); diff != "" {
				t.Errorf("labels differ (-want +got):\n%s", diff)
			}
			if user != "65532:65532" {
				t.Errorf("USER %q; want 65532:65532", user)
			}
			if !strings.HasPrefix(entry, "/") {
				t.Errorf("ENTRYPOINT %q is no absolute path", entry)
			}
			if healthy != i.health {
				t.Errorf("health check: %v; want %v", healthy, i.health)
			}
		})
	}
}
