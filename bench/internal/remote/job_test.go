package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A shell must see each part as one word, whatever is in it.
func TestScriptIsSafe(t *testing.T) {
	for _, bench := range []string{"/usr/local/bin/bench", "/a b/$(touch x)/`id`/'; exit 7; '\"\\/bench", "/-x/*/~"} {
		g := &LoadGenerator{InstanceID: "i-0123456789abcdef0", Bucket: "b-c", Region: "us-east-1", Bench: bench}
		script := strings.Replace(strings.Join(g.script("runs/1-a"), "\n"), "exec ", `printf '%s\n' `, 1)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join([]string{bench, WorkName, "--region", "us-east-1", "s3://b-c/runs/1-a", ""}, "\n"), string(out)); diff != "" {
			t.Errorf("the shell's words differ (-want +got):\n%s", diff)
		}
		if left, err := filepath.Glob(filepath.Join(cmd.Dir, "*")); err != nil || len(left) > 0 {
			t.Errorf("%q ran: %v", bench, left)
		}
	}
}

func TestParseLoadGenerator(t *testing.T) {
	g, err := ParseLoadGenerator([]byte(`{"instance_id":"i-01234567","bucket":"a.b-c","region":"us-gov-west-1","subnet":"s"}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&LoadGenerator{InstanceID: "i-01234567", Bucket: "a.b-c", Region: "us-gov-west-1", Bench: defaultBench}, g); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, want := range map[string][]string{
		`[]`: {"load_generator: expected {"},
		`{"instance_id":"i-1;id","bucket":"../x","region":"Virginia","bench":"bench"}`:     {"instance_id is", "bucket is", "region is", "bench is"},
		`{"instance_id":"i-01234567","bucket":"abc","region":"us-east-1","bench":"/a\nb"}`: {"bench is"},
	} {
		_, err := ParseLoadGenerator([]byte(text))
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v; want %q in it", text, err, part)
			}
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, s := range []string{"s3://bucket/runs/20260102T030405Z-abcdef01", "s3://b/../x", "https://bucket/runs/x", "s3://bucket/runs/../x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := parsePlace(s); err == nil && (p.String() != s || strings.Contains(s, "..")) && !strings.Contains(p.bucket, "..") {
			t.Errorf("%q is read as %q", s, p)
		}
	})
}

// FuzzJob: a job writes into its folder and nowhere else.
func FuzzJob(f *testing.F) {
	f.Add([]byte(`{"args":["--rounds=2"],"files":{"targets.json":"e30=","data/x":""}}`))
	f.Add([]byte(`{"files":{"../x":"","/etc/passwd":"","a/../../b":"", ".":""}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := decodeJob(data)
		if err != nil {
			return
		}
		outer := t.TempDir()
		inner := filepath.Join(outer, "in")
		if err := os.Mkdir(inner, 0o700); err != nil {
			t.Fatal(err)
		}
		_ = j.unpack(inner)
		if found, err := filepath.Glob(filepath.Join(outer, "*")); err != nil || len(found) != 1 {
			t.Errorf("files beside its folder: %v", found)
		}
		for name := range j.Files {
			if !filepath.IsLocal(name) {
				t.Errorf("%q is taken", name)
			}
		}
	})
}
