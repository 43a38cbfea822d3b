package terraform_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// systemd is what boots a machine, from Debian's package of that name. Amazon Linux 2023 has the same, version 252.
const systemd = "/lib/systemd/systemd"

// machinePath is where programs are on a machine.
const machinePath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// machine is a real systemd with all that it starts, in namespaces of its own: it sees this system's files and writes to none of them, has a
// network with nothing but loopback, devices of its own, and changes nothing of the kernel's. What it cannot show is Amazon Linux itself.
type machine struct {
	t     *testing.T
	dir   string
	first *exec.Cmd // of its processes
}

// boot starts a machine with these files, path to content; those in a folder bin are executable.
func boot(t *testing.T, files map[string][]byte) *machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can boot systemd")
	}
	for _, program := range []string{systemd, "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	m := &machine{t: t, dir: t.TempDir()}
	for path, content := range files {
		path = filepath.Join(m.dir, "files", path)
		mode := os.FileMode(0o600)
		if filepath.Base(filepath.Dir(path)) == "bin" {
			mode = 0o700
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, content, mode)); err != nil {
			t.Fatal(err)
		}
	}
	m.first = exec.Command("/proc/self/exe") //nolint:noctx // it is killed below
	m.first.Env = []string{machineEnv + "=" + m.dir}
	var said bytes.Buffer
	m.first.Stdout, m.first.Stderr = &said, &said
	m.first.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // whose end would be the parent's death
	t.Cleanup(runtime.UnlockOSThread)
	if err := m.first.Start(); errors.Is(err, syscall.EPERM) {
		t.Skip("no right to make namespaces")
	} else if err != nil {
		t.Fatal(err)
	}
	var end error
	ended := make(chan struct{})
	go func() {
		end = m.first.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = m.first.Process.Kill() // and all others in its namespace with it
		<-ended
		if err := removeControlGroups(groupOf(m.dir)); err != nil {
			t.Error(err)
		}
	})
	for ctx := m.within(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if out, _ := m.try(ctx, "systemctl", "is-active", "machine.target"); string(out) == "active\n" {
			return m
		}
		select {
		case <-ended:
			if m.first.ProcessState.ExitCode() == exitRefused {
				t.Skipf("no right to make a machine: %s", &said)
			}
			t.Fatalf("the machine did not boot: %v\n%s", end, &said)
		case <-ctx.Done():
			t.Fatal("the machine did not boot in a minute")
		default:
		}
	}
}

func (m *machine) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(m.t.Context(), d)
	m.t.Cleanup(cancel)
	return ctx
}

// try runs a program on the machine.
func (m *machine) try(ctx context.Context, args ...string) ([]byte, error) {
	enter := []string{"-t", strconv.Itoa(m.first.Process.Pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.Env, cmd.WaitDelay = []string{machinePath}, time.Second // what it started may hold its output
	return cmd.CombinedOutput()
}

// run runs a program on the machine that has to succeed.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(m.within(2*time.Minute), args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// dial connects to an address on the machine.
func (m *machine) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and ends with the thread, which is in the wrong network now
		var ns *os.File
		if ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", m.first.Process.Pid)); err != nil {
			return
		}
		defer ns.Close() //nolint:errcheck // only read
		if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
			conn, err = new(net.Dialer).DialContext(ctx, network, address)
		}
	}()
	<-done
	return conn, err
}
