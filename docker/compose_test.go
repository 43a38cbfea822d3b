package docker_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// project loads compose.yaml the way that docker compose does, schema and all, with no
// variable from outside.
func project(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"compose.yaml"}, cli.WithoutEnvironmentResolution)
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestServicesAreHardened(t *testing.T) {
	p := project(t)
	if diff := cmp.Diff([]string{"ec2", "lambda", "redis"}, p.ServiceNames()); diff != "" {
		t.Fatalf("services differ (-want +got):\n%s", diff)
	}
	for name, s := range p.Services {
		t.Run(name, func(t *testing.T) {
			if !s.ReadOnly {
				t.Error("its file system can be written")
			}
			if !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || s.Privileged {
				t.Errorf("capabilities: drops %v, adds %v, privileged %v", s.CapDrop, s.CapAdd, s.Privileged)
			}
			if !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) {
				t.Errorf("security_opt = %v", s.SecurityOpt)
			}
			if s.NetworkMode != "" || s.Pid != "" || s.Ipc != "" || len(s.Volumes) > 0 || len(s.Devices) > 0 {
				t.Error("it shares something with the host")
			}
			if s.MemLimit == 0 || s.PidsLimit == 0 {
				t.Error("its memory or its processes have no limit")
			}
			for _, port := range s.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("port %s is published on %q; want 127.0.0.1", port.Published, port.HostIP)
				}
			}
			if s.Image != "" && !pinned.MatchString(s.Image) {
				t.Errorf("image %s is not pinned to a version", s.Image)
			}
			if s.Build == nil && (s.User == "" || s.User == "0" || s.User == "root") {
				t.Error("it runs as root")
			}
			if !healthChecked(t, s) {
				t.Error("it has no health check, nor has its image")
			}
		})
	}
	if p.Services["redis"].Ports != nil {
		t.Error("redis, which asks for no password, has a port on the host")
	}
	if !p.Networks["store"].Internal {
		t.Error("redis reaches beyond its network")
	}
}

// healthChecked looks at the service and at the Dockerfile that it is built with.
func healthChecked(t *testing.T, s types.ServiceConfig) bool {
	t.Helper()
	if s.HealthCheck != nil {
		return !s.HealthCheck.Disable
	}
	if s.Build == nil {
		return false
	}
	i := image{file: filepath.Base(s.Build.Dockerfile), target: s.Build.Target}
	for _, c := range i.final(t).Commands {
		if _, ok := c.(*instructions.HealthCheckCommand); ok {
			return true
		}
	}
	return false
}

func TestServicesFindEachOther(t *testing.T) {
	p := project(t)
	for _, name := range []string{"ec2", "lambda"} {
		s := p.Services[name]
		if url := s.Environment["REDIS_URL"]; url == nil || *url != "redis://redis:6379" {
			t.Errorf("%s: REDIS_URL = %v", name, url)
		}
		if s.DependsOn["redis"].Condition != types.ServiceConditionHealthy {
			t.Errorf("%s does not wait for redis", name)
		}
		if _, ok := s.Networks["store"]; !ok {
			t.Errorf("%s is not on the network of redis", name)
		}
		context, err := filepath.Abs("..")
		if err != nil {
			t.Fatal(err)
		}
		if s.Build == nil || s.Build.Context != context {
			t.Errorf("%s is not built from the top folder", name)
		}
		// What is published must be what the image listens on.
		i := image{file: filepath.Base(s.Build.Dockerfile), target: s.Build.Target}
		var exposed, published []string
		for _, c := range i.final(t).Commands {
			if e, ok := c.(*instructions.ExposeCommand); ok {
				exposed = append(exposed, e.Ports...)
			}
		}
		for _, port := range s.Ports {
			published = append(published, port.Published)
		}
		if diff := cmp.Diff(exposed, published); diff != "" {
			t.Errorf("%s: ports differ (-image +compose):\n%s", name, diff)
		}
	}
}
