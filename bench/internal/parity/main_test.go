package parity_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	// The fixture app imports it, and module tools do not look into testdata.
	_ "github.com/labstack/echo/v4/middleware"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

// limit ends what hangs; nothing depends on how long things take.
const limit = 60 * time.Second

// programs are what is compared, built once as they are deployed; group starts their processes.
var (
	programs struct{ ec2, bootstrap, mirror string }
	group    *process.Group
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "reap" {
		process.Reap(os.Stdin)
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if group, err = process.NewGroup(os.Args[0], "reap"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, group.Close(5*time.Second)) }()
	dir, err := group.TempDir("parity-test-")
	if err != nil {
		return 1, err
	}
	const module = "github.com/crossover-bench/crossover/adapters/"
	for pkg, path := range map[string]*string{"ec2": &programs.ec2, "lambda": &programs.bootstrap, "testdata/mirror": &programs.mirror} {
		*path = filepath.Join(dir, filepath.Base(pkg))
		build := exec.CommandContext(context.Background(), "go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", *path, module+pkg)
		if out, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	return m.Run(), nil
}

// listen starts a server on a free port and returns its URL. It logs the address as addr of the record "listening".
func listen(tb testing.TB, program string, env ...string) string {
	tb.Helper()
	cmd := exec.Command(program) //nolint:noctx // the group ends it
	cmd.Env = append([]string{"HOST=127.0.0.1", "PORT=0"}, env...)
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stderr = w
	child, err := group.Start(cmd)
	_ = w.Close()
	if err != nil {
		tb.Fatal(err)
	}
	drained := make(chan struct{})
	tb.Cleanup(func() {
		_ = child.Stop(5 * time.Second)
		<-drained
		_ = r.Close()
	})
	addr := make(chan string, 1)
	go func() {
		defer close(drained)
		defer close(addr)
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			var record struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &record) == nil && record.Msg == "listening" {
				addr <- record.Addr
				break
			}
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	select {
	case a, ok := <-addr:
		if !ok {
			tb.Fatalf("%s has ended", program)
		}
		return "http://" + a
	case <-time.After(limit):
		tb.Fatalf("%s does not listen", program)
		return ""
	}
}

// serveLambda starts a function behind front doors, with as many environment variables as NAME=value.
func serveLambda(tb testing.TB, bootstrap string, doors []emulator.FrontDoor, env ...string) *emulator.Service {
	tb.Helper()
	vars := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	s, err := emulator.Start(tb.Context(), emulator.Config{
		Bootstrap: bootstrap, Env: vars, Group: group, FrontDoors: doors, Timeout: limit, InitTimeout: limit, MemoryMB: 512,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(2 * time.Second); err != nil {
			tb.Error(err)
		}
	})
	return s
}
