package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var kept [][]byte

// use uses what is limited.
func use(e event, n int) (any, error) {
	switch e.RawPath {
	case "/files": // as many as there can be
		var files []*os.File
		var err error
		for err == nil && len(files) < 5000 {
			var f *os.File
			if f, err = os.Open("/dev/null"); err == nil {
				files = append(files, f)
			}
		}
		for _, f := range files {
			_ = f.Close()
		}
		return text(fmt.Sprintf("%d %v", len(files), err)), nil
	case "/processes": // as many as there can be, up to n
		var children []*exec.Cmd
		var err error
		for err == nil && len(children) < n {
			c := exec.Command("/bin/sleep", "60")
			if err = c.Start(); err == nil {
				children = append(children, c)
			}
		}
		for _, c := range children {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
		return text(strconv.FormatBool(err != nil)), nil
	case "/burn": // n ms of CPU
		for used() < time.Duration(n)*time.Millisecond {
			strings.Count(strings.Repeat("ab", 1000), "a")
		}
		return text(used().String()), nil
	case "/allocate": // n MB
		allocate(n)
		return text("allocated"), nil
	case "/child": // has a child that allocates n MB, until the test lets go
		c := exec.Command(os.Args[0], "allocate", strconv.Itoa(n))
		in, err := c.StdinPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			return nil, err
		}
		resp, err := http.Get(e.Query["url"])
		if err == nil {
			_ = resp.Body.Close()
		}
		_ = in.Close()
		return text("gone"), errors.Join(err, c.Wait())
	case "/write": // n MB to a file in a folder
		f, err := os.Create(e.Query["dir"] + "/written")
		if err != nil {
			return nil, err
		}
		for range n {
			if _, err = f.Write(make([]byte, 1<<20)); err != nil {
				break
			}
		}
		return text(fmt.Sprint(err)), f.Close()
	case "/list":
		entries, err := os.ReadDir(e.Query["dir"])
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		return text(strings.Join(names, " ")), err
	case "/say": // as it is
		_, err := os.Stderr.WriteString(e.Query["text"])
		return text("said"), err
	case "/flood": // n MB of lines
		line := strings.Repeat("x", 99) + "\n"
		block := []byte(strings.Repeat(line, (1<<20)/100))
		for range n {
			if _, err := os.Stdout.Write(block); err != nil {
				return nil, err
			}
		}
		return text("flooded"), nil
	}
	return text("echo"), nil
}

// allocate takes n MB for good.
func allocate(n int) {
	for range n {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		kept = append(kept, b)
	}
}

// used is the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
