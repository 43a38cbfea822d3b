package process_test

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/crossover-bench/crossover/bench/internal/process"
)

// Tests start this test binary again, in one of these roles.
const (
	roleReap    = "role-reap"    // [PIDFILE]: the reaper
	roleParent  = "role-parent"  // PIDFILE CHILDROLE: starts a child and a folder in a group, then obeys its standard input
	roleSleeper = "role-sleeper" // prints a line and stays until SIGTERM, then exits with 7
	roleFamily  = "role-family"  // starts a sleeper of its own, prints its line, stays
	roleOrphan  = "role-orphan"  // starts a sleeper of its own, prints its line, exits with 3
	roleDeaf    = "role-deaf"    // ignores SIGTERM
	roleStray   = "role-stray"   // starts a sleeper in a session of its own, prints its line, exits with 3
	roleTwin    = "role-twin"    // on SIGTERM it tells its twin and exits with 0 when its twin has told it
)

// play is what the other processes do.
func play(role string, args []string) int {
	terminate := make(chan os.Signal, 1)
	// Nobody sends it, but a process that waits for no signal at all is ended by the runtime as a deadlock.
	signal.Notify(terminate, syscall.SIGUSR1)
	switch role {
	case roleReap:
		if len(args) > 0 {
			if err := writeWhole(args[0], strconv.Itoa(os.Getpid())); err != nil {
				return 1
			}
		}
		process.Reap(os.Stdin)
		return 0
	case roleParent:
		return playParent(args[0], args[1])
	case roleSleeper, roleTwin:
		signal.Notify(terminate, syscall.SIGTERM)
	case roleDeaf:
		signal.Ignore(syscall.SIGTERM)
	case roleFamily, roleOrphan, roleStray:
		sleeper := self(roleSleeper)
		sleeper.SysProcAttr = &syscall.SysProcAttr{Setsid: role == roleStray}
		sleeper.ExtraFiles = []*os.File{os.NewFile(3, "life")}
		out, err := sleeper.StdoutPipe()
		if err != nil || sleeper.Start() != nil {
			return 1
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			return 1
		}
		if role == roleStray {
			say("ready")
		}
		if role != roleFamily {
			return 3
		}
	default:
		return 2
	}
	say("ready")
	<-terminate
	if role == roleTwin {
		if _, err := os.NewFile(3, "to").Write([]byte{1}); err != nil {
			return 1
		}
		if _, err := os.NewFile(4, "from").Read(make([]byte, 1)); err != nil {
			return 1
		}
		return 0
	}
	return 7
}

// playParent owns a group with one child and one folder. It says "ready FOLDER", "interrupted" at SIGINT, and at a line on its
// standard input stops the child and says how that ended.
func playParent(pidFile, childRole string) int {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT)
	g, err := process.NewGroup(os.Args[0], roleReap, pidFile)
	if err != nil {
		return 1
	}
	dir, err := g.TempDir(`process-test-"quoted"-`)
	if err != nil {
		return 1
	}
	cmd := self(childRole)
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "life")}
	mark := "PROCESS_TEST=" + strconv.Itoa(os.Getpid())
	g.Mark(mark)
	cmd.Env = append(os.Environ(), mark)
	out, in, err := os.Pipe() // not the child's own, which ends with it
	if err != nil {
		return 1
	}
	cmd.Stdout = in
	child, err := g.Start(cmd)
	if err != nil {
		return 1
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return 1
	}
	say("ready " + dir)
	go func() {
		for range interrupted {
			say("interrupted")
		}
	}()
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return 1
	}
	_ = child.Stop(patience)
	say("child: " + child.State().String())
	if err := g.Close(0); err != nil {
		return 1
	}
	return 0
}

func say(line string) { _, _ = os.Stdout.WriteString(line + "\n") }

// self is a command that starts this binary in a role.
func self(args ...string) *exec.Cmd {
	return exec.Command(os.Args[0], args...) //nolint:noctx // the test says how it ends
}

// writeWhole writes a file that nobody sees half written.
func writeWhole(name, text string) error {
	if err := os.WriteFile(name+".part", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}
