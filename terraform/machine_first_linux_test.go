package terraform_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// machineEnv hands the folder of a machine over to the process that becomes its first.
const machineEnv = "CROSSOVER_TEST_MACHINE"

// exitRefused says that this system does not let a machine be made.
const exitRefused = 77

func init() {
	dir := os.Getenv(machineEnv)
	if dir == "" {
		return
	}
	err := becomeMachine(dir)
	fmt.Fprintln(os.Stderr, err)
	for _, refused := range []error{fs.ErrPermission, syscall.EROFS, syscall.ENODEV} {
		if errors.Is(err, refused) {
			os.Exit(exitRefused)
		}
	}
	os.Exit(1)
}

// becomeMachine makes this process, which has new namespaces, the first of the machine in dir. It returns with an error only.
func becomeMachine(dir string) error {
	runtime.LockOSThread()
	if err := enterControlGroups(groupOf(dir)); err != nil {
		return err
	}
	top, root := filepath.Join(dir, "top"), filepath.Join(dir, "root")
	at := func(path string) string { return filepath.Join(root, path) }
	for _, path := range []string{top, root} {
		if err := os.MkdirAll(path, 0o750); err != nil {
			return err
		}
	}
	type mount struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}
	for _, m := range []mount{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""}, // nothing of what follows is seen outside
		{"tmpfs", top, "tmpfs", 0, ""},
		{"overlay", root, "overlay", 0, "lowerdir=/,upperdir=" + top + "/upper,workdir=" + top + "/work"},
		{"proc", at("proc"), "proc", 0, ""},
		{"sysfs", at("sys"), "sysfs", 0, ""},
		{"/dev", at("dev"), "", unix.MS_BIND | unix.MS_REC, ""},
		{"tmpfs", at("run"), "tmpfs", 0, ""},
		{"tmpfs", at("tmp"), "tmpfs", 0, ""},
		{"tmpfs", at("etc/systemd/system"), "tmpfs", 0, ""}, // no unit of this system
		{"tmpfs", at("sys/fs/cgroup"), "tmpfs", 0, ""},
	} {
		if m.kind == "overlay" {
			err := errors.Join(os.Mkdir(top+"/upper", 0o755), os.Mkdir(top+"/work", 0o700)) //nolint:gosec // the first is the root of all users
			if err != nil {
				return err
			}
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	if err := copyOver(filepath.Join(dir, "files"), root); err != nil {
		return err
	}
	if err := os.WriteFile(at("etc/systemd/system/machine.target"), []byte("[Unit]\nDescription=Nothing but what is started\n"), 0o600); err != nil {
		return err
	}
	// The limit of open files is one for all machines of a kernel.
	if err := unix.Mount(at("etc/systemd/system/machine.target"), at("proc/sys/fs/nr_open"), "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	if err := errors.Join(unix.Chroot(root), unix.Chdir("/")); err != nil {
		return err
	}
	return unix.Exec(systemd, []string{systemd, "--system", "--unit=machine.target", "--log-target=null", "--show-status=no"}, []string{"container=other", machinePath})
}

// copyOver is os.CopyFS onto files that may be there already, and into folders that links lead to.
func copyOver(from, to string) error {
	return fs.WalkDir(os.DirFS(from), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(from, path))
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		path = filepath.Join(to, path)
		_ = os.Remove(path)
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, content, info.Mode()))
	})
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s) //nolint:errcheck // nothing was written
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// groupOf names the control groups of the machine in dir, which is the first folder of one with a name of its own.
func groupOf(dir string) string { return "crossover-" + filepath.Base(filepath.Dir(dir)) }

// enterControlGroups puts this process below its control groups into new ones of that name, which it sees as the topmost from now on.
// Otherwise systemd would arrange itself among this system's.
func enterControlGroups(name string) error {
	groups, err := controlGroups(name)
	if err != nil {
		return err
	}
	for _, dir := range groups {
		if err := os.Mkdir(dir, 0o750); err != nil {
			return err
		}
		if strings.Contains(dir, "cpuset") {
			for _, file := range []string{"cpuset.cpus", "cpuset.mems"} { // of version 1, which does not inherit them
				if all, err := os.ReadFile(filepath.Join(dir, "..", file)); err == nil {
					_ = os.WriteFile(filepath.Join(dir, file), all, 0o600)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0o600); err != nil {
			return err
		}
	}
	return unix.Unshare(unix.CLONE_NEWCGROUP)
}

// removeControlGroups removes them again, with all that systemd has made in them.
func removeControlGroups(name string) error {
	groups, err := controlGroups(name)
	for _, top := range groups {
		var below []string
		_ = filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				below = append(below, path)
			}
			return nil
		})
		slices.Reverse(below)
		for _, dir := range below {
			// For a moment it may be in use by processes that are dead.
			for attempt := 0; ; attempt++ {
				e := os.Remove(dir)
				if e == nil || attempt == 500 {
					err = errors.Join(err, e)
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
	return err
}

// controlGroups are the folders of the groups of that name below this process's own, one for each hierarchy that is mounted.
func controlGroups(name string) ([]string, error) {
	own, err := os.ReadFile("/proc/self/cgroup") // ID:controllers:path
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	for line := range strings.Lines(string(own)) {
		if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 {
			paths[f[1]] = f[2]
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line) // device, folder, kind, options
		if len(f) < 4 || f[2] != "cgroup" && f[2] != "cgroup2" {
			continue
		}
		for controllers, path := range paths {
			if f[2] == "cgroup2" && controllers == "" || f[2] == "cgroup" && controllers != "" && strings.HasSuffix(","+f[3], ","+controllers) {
				dirs = append(dirs, filepath.Join(f[1], path, name))
			}
		}
	}
	return dirs, nil
}
