package terraform_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeAWS stands in for the AWS CLI, as there is no S3 to be asked: it copies from a folder, from the second time on. The first time it
// is refused, as with a role that is too new.
const fakeAWS = `#!/bin/bash
[ "$1 $2 $3 $4 $5" = "s3 cp --no-progress --region eu-west-1" ] || exit 64
if [ ! -e /run/asked ]; then
  touch /run/asked
  echo "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden" >&2
  exit 1
fi
cp "/srv/${6#s3://}" "$7"
`

// What EC2 does with the user data of the module, but for EC2: the script runs, systemd reads the unit and starts the server in its sandbox.
func TestUserDataOfTheServer(t *testing.T) {
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		if redis, err = exec.LookPath("valkey-server"); err != nil {
			t.Skip("neither redis-server nor valkey-server is on the PATH")
		}
	}
	environment := map[string]string{
		"AWS_REGION": "eu-west-1", "PORT": "8080", "REDIS_URL": "redis://127.0.0.1:6379",
		"ODD": "100 % of $HOME \\ \"quoted\" it's <b> & `x` \t\u00e9\U0001f600 #;=",
	}
	server := build(t, "../adapters/ec2")
	good, bad := hash(server), hash([]byte("another"))
	unit := string(rendered(t, "modules/ec2/crossover.service.tftpl", map[string]any{"environment": environment}))
	script := func(sum string) []byte {
		return rendered(t, "modules/ec2/user_data.sh.tftpl", map[string]any{
			"bucket": "bucket", "key": "server/" + sum, "region": "eu-west-1", "sha256": sum, "unit": unit,
		})
	}
	m := boot(t, map[string][]byte{
		"usr/local/bin/aws": []byte(fakeAWS), "srv/bucket/server/" + good: server, "srv/bucket/server/" + bad: server,
		"srv/good": script(good), "srv/bad": script(bad),
	})
	m.start(redis, "--bind", "127.0.0.1", "--port", "6379", "--save", "", "--appendonly", "no", "--dir", "/")

	if out, err := m.try(m.within(time.Minute), "bash", "/srv/bad"); err == nil || !bytes.Contains(out, []byte("FAILED")) {
		t.Errorf("a binary of another checksum: %v\n%s", err, out)
	}
	if out, err := m.try(m.within(time.Minute), "ls", "/usr/local/bin/crossover-server", "/etc/systemd/system/crossover.service"); err == nil || bytes.Contains(out, []byte("\n/")) {
		t.Errorf("it was installed nevertheless: %s", out)
	}
	m.run("bash", "/srv/good")
	if got := m.run("systemctl", "is-enabled", "crossover.service"); got != "enabled\n" {
		t.Errorf("it is %q after the next start of the instance", got)
	}
	first := m.answering()
	checkSandbox(t, m, first, environment)

	m.run("systemctl", "kill", "--signal=KILL", "crossover.service")
	if second := m.answering(); second == first {
		t.Errorf("process %s serves on after it was killed", first)
	}
	m.run("systemctl", "stop", "crossover.service")
	if got := m.run("systemctl", "show", "--property=Result,ExecMainStatus", "crossover.service"); got != "Result=success\nExecMainStatus=0\n" {
		t.Errorf("stopped with %q", got)
	}
}

// checkSandbox looks at what the server's process may do.
func checkSandbox(t *testing.T, m *machine, pid string, environment map[string]string) {
	t.Helper()
	status := m.run("cat", "/proc/"+pid+"/status")
	for _, want := range []string{"CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("the server is not as %q says:\n%s", want, status)
		}
	}
	if strings.Contains(status, "\nUid:\t0\t") {
		t.Error("the server runs as root")
	}
	got := map[string]string{}
	for name := range environment {
		got[name] = ""
	}
	for variable := range strings.SplitSeq(m.run("cat", "/proc/"+pid+"/environ"), "\x00") {
		if name, value, _ := strings.Cut(variable, "="); environment[name] != "" {
			got[name] = value
		}
	}
	if diff := cmp.Diff(environment, got); diff != "" {
		t.Errorf("the server's environment (-want +got):\n%s", diff)
	}
	mounts := m.run("cat", "/proc/"+pid+"/mounts")
	if line, _, _ := strings.Cut(mounts, "\n"); !strings.Contains(line, " / ") || !strings.Contains(line, " ro,") {
		t.Errorf("the server can write: %s", line)
	}
	if exposure := m.run("systemd-analyze", "security", "--no-pager", "--threshold=20", "crossover.service"); !strings.Contains(exposure, "OK") {
		t.Errorf("systemd thinks it exposed:\n%s", exposure)
	}
}

func TestUserDataOfTheLoadGenerator(t *testing.T) {
	bench := []byte("#!/bin/sh\necho bench\n")
	m := boot(t, map[string][]byte{
		"usr/local/bin/aws": []byte(fakeAWS), "srv/bucket/bench": bench,
		"srv/script": rendered(t, "modules/load_generator/user_data.sh.tftpl", map[string]any{
			"bucket": "bucket", "key": "bench", "region": "eu-west-1", "sha256": hash(bench),
		}),
	})
	m.run("bash", "/srv/script")
	if got := m.run("bench"); got != "bench\n" {
		t.Errorf("bench says %q", got)
	}
	for file, want := range map[string]string{
		"/proc/sys/net/ipv4/ip_local_port_range": "1024\t65535\n", "/proc/sys/net/ipv4/tcp_tw_reuse": "1\n", "/proc/sys/fs/nr_open": "1048576\n",
		"/var/lib/bench-ready": "",
	} {
		if got := m.run("cat", file); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
}

// start starts a program of this system in the network of the machine; it ends with it.
func (m *machine) start(args ...string) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "nsenter", append([]string{"-t", fmt.Sprint(m.first.Process.Pid), "-n", "-p", "--"}, args...)...)
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = cmd.Wait() })
}

// answering waits until the server stores a text and returns its process, as the machine numbers it.
func (m *machine) answering() (pid string) {
	m.t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: m.dial, DisableKeepAlives: true}}
	last := ""
	for ctx := m.within(time.Minute); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:8080/", strings.NewReader("hello"))
		if err != nil {
			m.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/plain")
		resp, err := client.Do(req)
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if last = fmt.Sprintf("%s %s %v", resp.Status, body, err); last == "200 OK 5 <nil>" {
			return strings.TrimSpace(m.run("systemctl", "show", "--property=MainPID", "--value", "crossover.service"))
		}
	}
	m.t.Fatalf("the server does not answer: %s\n%s", last, m.run("systemctl", "status", "--no-pager", "--lines=0", "crossover.service"))
	return ""
}

// rendered is a template of a module with these values, as terraform renders it.
func rendered(t *testing.T, path string, values map[string]any) []byte {
	t.Helper()
	needTerraform(t)
	dir := t.TempDir()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	vars, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"template": text, "values.json": vars} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "terraform", "console")
	cmd.Dir, cmd.Env = dir, harness.env
	cmd.Stdin = strings.NewReader(`base64encode(templatefile("template", jsondecode(file("values.json"))))` + "\n")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, &said)
	}
	var plain []byte
	if err := json.Unmarshal(out.Bytes(), &plain); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	return plain
}

// build builds a static program.
func build(t *testing.T, path string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "program")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", out, path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func hash(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
