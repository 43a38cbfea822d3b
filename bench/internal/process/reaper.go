package process

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Reap is the body of the reaper: it reads the list that a Group writes until the writer is gone, then kills each process group, and
// what has a variable, and removes each cgroup and folder that is still on it. It ignores the signals that a terminal or a service
// manager sends to everything at once, for its work begins when others end.
func Reap(list io.Reader) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	groups, marked, dirs, cgroups := map[int]bool{}, map[string]bool{}, []string{}, []string{}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		var pgid int
		verb, rest, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "+pgid":
			if _, err := fmt.Sscan(rest, &pgid); err == nil && pgid > 1 {
				groups[pgid] = true
			}
		case "-pgid":
			if _, err := fmt.Sscan(rest, &pgid); err == nil {
				delete(groups, pgid)
			}
		case "+mark", "-mark":
			if mark, err := strconv.Unquote(rest); err == nil {
				if verb == "+mark" {
					marked[mark] = true
				} else {
					delete(marked, mark)
				}
			}
		case "+dir":
			if dir, err := strconv.Unquote(rest); err == nil {
				dirs = append(dirs, dir)
			}
		case "+cgroup":
			if dir, err := strconv.Unquote(rest); err == nil {
				cgroups = append(cgroups, dir)
			}
		}
	}
	for pgid := range groups {
		_ = syscall.Kill(-pgid, syscall.SIGKILL)
	}
	if len(marked) > 0 {
		killMarked(slices.Collect(maps.Keys(marked)))
	}
	for _, dir := range cgroups {
		RemoveCgroup(dir)
	}
	for _, dir := range dirs {
		_ = os.RemoveAll(dir)
	}
}
