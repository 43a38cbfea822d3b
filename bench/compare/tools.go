package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// job is one run of a generator.
type job struct {
	url         string
	connections int
	// rate per second; 0 for as fast as it can.
	rate int
	// lasts is a whole number of seconds.
	lasts time.Duration
	// base is the path of files that the generator needs or leaves, to which an extension is added.
	base string
}

func (j job) seconds() string { return strconv.Itoa(int(j.lasts.Seconds())) + "s" }
func (j job) conns() string   { return strconv.Itoa(j.connections) }

// tool is a load generator that others have made.
type tool struct {
	name string
	// source is what go install takes, with the version; empty for what is not written in Go.
	source string
	// get says how else it is installed.
	get string
	// paced says that it can keep a rate; closed, that it can go as fast as it can.
	paced, closed bool
	// settle is how long it sends before it records.
	settle time.Duration
	// args of the command.
	args func(j job) []string
	// env of the command; nil for none.
	env func(j job) []string
	// after are the arguments of a second command whose output is read instead; nil for none.
	after func(j job) []string
	parse func(out string) (figures, error)

	path, version string // where it was found
}

// allTools in the order in which they take their turns.
func allTools() []*tool {
	return []*tool{
		{
			name: "wrk", get: "apt-get install wrk, brew install wrk", closed: true, parse: parseWrk,
			args: func(j job) []string { return []string{"-t1", "-c" + j.conns(), "-d" + j.seconds(), "--latency", j.url} },
		},
		{
			name: "wrk2", get: "build https://github.com/giltene/wrk2 and name the program wrk2", paced: true, parse: parseWrk,
			settle: 10 * time.Second,
			args: func(j job) []string {
				return []string{"-t1", "-c" + j.conns(), "-d" + j.seconds(), "-R" + strconv.Itoa(j.rate), "--latency", j.url}
			},
		},
		{
			name: "hey", source: "github.com/rakyll/hey@v0.1.5", closed: true, paced: true, parse: parseHey,
			args: func(j job) []string {
				args := []string{"-c", j.conns(), "-z", j.seconds()}
				if j.rate > 0 { // of each worker
					args = append(args, "-q", strconv.FormatFloat(float64(j.rate)/float64(j.connections), 'f', -1, 64))
				}
				return append(args, j.url)
			},
		},
		{
			name: "vegeta", source: "github.com/tsenart/vegeta/v12@v12.13.0", closed: true, paced: true, parse: parseVegeta,
			args: func(j job) []string {
				return []string{
					"attack", "-rate", strconv.Itoa(j.rate), "-duration", j.seconds(), "-workers", j.conns(), "-max-workers", j.conns(),
					"-connections", j.conns(), "-targets", j.base + ".targets", "-output", j.base + ".bin",
				}
			},
			after: func(j job) []string { return []string{"report", "-type", "json", j.base + ".bin"} },
		},
		{
			name: "k6", source: "go.k6.io/k6@v1.8.1", closed: true, paced: true, parse: parseK6,
			args: func(j job) []string {
				return []string{"run", "-q", "--no-usage-report", "--address", "", j.base + ".js"}
			},
			env: func(j job) []string {
				env := []string{"URL=" + j.url, "CONNECTIONS=" + j.conns(), "DURATION=" + j.seconds(), "K6_NO_USAGE_REPORT=true"}
				if j.rate > 0 {
					env = append(env, "RATE="+strconv.Itoa(j.rate))
				}
				return env
			},
		},
		{
			name: "fortio", source: "fortio.org/fortio@v1.75.3", closed: true, paced: true, parse: parseFortio,
			args: func(j job) []string {
				return []string{
					"load", "-quiet", "-c", j.conns(), "-qps", strconv.Itoa(j.rate), "-t", j.seconds(), "-p", "50,90,95,99", "-r", "0.0001",
					"-json", "-", j.url,
				}
			},
		},
		{
			name: "bombardier", source: "github.com/codesenberg/bombardier@v1.2.6", closed: true, paced: true, parse: parseBombardier,
			args: func(j job) []string {
				args := []string{"-c", j.conns(), "-d", j.seconds(), "-t", "30s", "-l", "-o", "json", "-p", "r"}
				if j.rate > 0 {
					args = append(args, "-r", strconv.Itoa(j.rate))
				}
				return append(args, j.url)
			},
		},
		{
			name: "oha", get: "cargo install oha, brew install oha", closed: true, paced: true, parse: parseOha,
			args: func(j job) []string {
				args := []string{"--no-tui", "--output-format", "json", "-c", j.conns(), "-z", j.seconds()}
				if j.rate > 0 {
					args = append(args, "-q", strconv.Itoa(j.rate), "--latency-correction")
				}
				return append(args, j.url)
			},
		},
	}
}

// commandLine is how the tool is run, as one would type it.
func (t *tool) commandLine(j job) string {
	j.url, j.base = "URL", "FILE"
	words := []string{t.name}
	if t.env != nil {
		words = append(t.env(j), t.name)
	}
	for _, arg := range t.args(j) {
		if arg == "" {
			arg = "''"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// howTo says how the tool is installed.
func (t *tool) howTo() string {
	if t.source != "" {
		return "go install " + t.source
	}
	return t.get
}

// find looks for the tools in the folders and then on the PATH, and leaves those that are missing without a path.
func find(ctx context.Context, tools []*tool, folders ...string) {
	for _, t := range tools {
		for _, folder := range folders {
			if path, err := exec.LookPath(filepath.Join(folder, t.name)); folder != "" && err == nil {
				t.path = path
				break
			}
		}
		if path, err := exec.LookPath(t.name); t.path == "" && err == nil {
			t.path = path
		}
		if t.path != "" {
			t.version = versionOf(ctx, t.path, "--version")
		}
	}
}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+(\.[0-9]+)?[-+.0-9A-Za-z]*`)

// versionOf is the version that a program was built from, or that it prints when it is given the flag.
func versionOf(ctx context.Context, path, flag string) string {
	if info, err := buildinfo.ReadFile(path); err == nil {
		return info.Main.Version
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// wrk prints its version and then fails.
	out, _ := exec.CommandContext(ctx, path, flag).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	if v := versionNumber.FindString(line); v != "" {
		return v
	}
	return "unknown"
}

// installAll installs the missing tools that are Go programs into a folder.
func installAll(ctx context.Context, tools []*tool, folder string, say func(format string, args ...any)) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, t := range tools {
		if t.path != "" || t.source == "" {
			continue
		}
		say("Installing %s into %s", t.source, folder)
		cmd := exec.CommandContext(ctx, "go", "install", t.source)
		cmd.Env = append(os.Environ(), "GOBIN="+folder, "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("installing %s: %w: %s", t.source, err, last(string(out))))
		}
	}
	return errors.Join(errs...)
}

// measure runs the tool once.
func (t *tool) measure(ctx context.Context, m *machine, j job) (figures, error) {
	if err := j.prepare(); err != nil {
		return figures{}, err
	}
	var env []string
	if t.env != nil {
		env = t.env(j)
	}
	atMost := 3*j.lasts + time.Minute
	c, err := m.run(ctx, atMost, append([]string{t.path}, t.args(j)...), env...)
	cpu := c.cpu
	if err == nil && t.after != nil {
		c, err = m.run(ctx, atMost, append([]string{t.path}, t.after(j)...))
	}
	err = errors.Join(err, os.WriteFile(j.base+".out", []byte(c.stdout), 0o644), os.Remove(j.base+".js"), os.Remove(j.base+".targets"))
	if err := os.Remove(j.base + ".bin"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return figures{}, err
	}
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w", t.name, err)
	}
	f, err := t.figures(c.stdout)
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w (see %s.out)", t.name, err, j.base)
	}
	f.CPUSeconds = cpu.Seconds()
	return f, nil
}

// prepare writes the files that some generators read.
func (j job) prepare() error {
	return errors.Join(
		os.WriteFile(j.base+".js", []byte(k6Script), 0o644),
		os.WriteFile(j.base+".targets", []byte("GET "+j.url+"\n"), 0o644),
	)
}
