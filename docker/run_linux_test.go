package docker_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// container starts a program in a root folder like Docker does with what compose.yaml says:
// a read-only file system, /proc, /dev, a /tmp that runs nothing, a user without rights that can get
// none. The network is this machine's.
const container = `
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for f in null zero random urandom; do touch "$root/dev/$f"; mount --bind "/dev/$f" "$root/dev/$f"; done
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec=65532:65532 "$root" "$@"
`

// inside is a command in the image.
func inside(ctx context.Context, root string, env []string, line ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"--mount", "sh", "-ec", container, "sh", root}, line...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	return cmd
}

// needContainer skips where inside cannot work, and prepares root for it.
func needContainer(t *testing.T, root string) {
	t.Helper()
	for _, tool := range []string{"unshare", "mount", "setpriv", "chroot"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "mount", "--make-rprivate", "/").CombinedOutput(); err != nil {
		t.Skipf("no right to mount: %v %s", err, out)
	}
	for _, dir := range []string{"proc", "dev", "tmp"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil { //nolint:gosec // as in an image: another user runs it
			t.Fatal(err)
		}
	}
	// Another user reaches root, whose parents belong to the test's.
	for dir := root; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// runImage starts an image's program and waits until its own health check is content.
func runImage(t *testing.T, i image, root string) {
	t.Helper()
	needContainer(t, root)
	redis := miniredis.RunT(t)
	env := []string{"REDIS_URL=redis://" + redis.Addr(), "HOST=127.0.0.1", "PORT=" + freePort(t)}
	line, check := i.entrypoint(t), i.healthcheck(t)
	url := "http://127.0.0.1:" + strings.TrimPrefix(env[2], "PORT=")
	if i.target == "local" {
		door, invoke := freePort(t), freePort(t)
		line = replace(line, "--listen=0.0.0.0", "--listen=127.0.0.1")
		line = replace(line, "--port=function_url=8081,invoke=9001", "--port=function_url="+door+",invoke="+invoke)
		check = append(check, invoke)
		url = "http://127.0.0.1:" + door
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := inside(ctx, root, env, check...).CombinedOutput(); err == nil {
		t.Errorf("the health check is content with nothing running: %s", out)
	}
	var log strings.Builder // complete once exited has spoken
	cmd := inside(ctx, root, env, line...)
	cmd.Stderr = &log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	if err := awaitHealthy(ctx, exited, func() error { return inside(ctx, root, env, check...).Run() }); err != nil {
		cancel()
		ended := <-exited
		t.Fatalf("%v (in the end %v)\n%s", err, ended, &log)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/", strings.NewReader("123"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	if resp, err := http.DefaultClient.Do(req); err != nil {
		t.Error(err)
	} else {
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || string(body) != "3" {
			t.Errorf("POST / = %s %q (%v); want 3", resp.Status, body, err)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := <-exited; err != nil {
		t.Errorf("it ends with %v\n%s", err, &log)
	}
}

// awaitHealthy repeats a check until it is content. Each try takes a process, so that
// there is no need to pause.
func awaitHealthy(ctx context.Context, exited chan error, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case ended := <-exited:
			exited <- ended
			return fmt.Errorf("it ended before it was healthy: %w", ended)
		case <-ctx.Done():
			return fmt.Errorf("it does not become healthy: %w", err)
		default:
		}
	}
}

// healthcheck is the image's own check.
func (i image) healthcheck(t *testing.T) []string {
	t.Helper()
	for _, c := range i.final(t).Commands {
		if h, ok := c.(*instructions.HealthCheckCommand); ok {
			return slices.Clone(h.Health.Test[1:])
		}
	}
	t.Fatal("no health check")
	return nil
}

func replace(line []string, old, with string) []string {
	out := slices.Clone(line)
	for i, s := range out {
		if s == old {
			out[i] = with
		}
	}
	return out
}
