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
	root := filepath.Join(dir, "root")
	if err := mountAll(dir, root); err != nil {
		return err
	}
	if err := makeDevices(filepath.Join(root, "dev")); err != nil {
		return err
	}
	if err := copyOver(filepath.Join(dir, "files"), root); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	for _, right := range []uintptr{unix.CAP_SYS_MODULE, unix.CAP_SYS_RAWIO, unix.CAP_SYS_TIME} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := errors.Join(unix.Chroot(root), unix.Chdir("/")); err != nil {
		return err
	}
	return unix.Exec(systemd, []string{systemd, "--system", "--unit=machine.target", "--log-target=null", "--show-status=no"}, []string{"container=other", machinePath})
}

// mountAll makes the machine's view of this system: its files with a layer of the machine's own over them, and of the kernel only what
// the machine's namespaces have for themselves.
func mountAll(dir, root string) error {
	top, kernel := filepath.Join(dir, "top"), filepath.Join(dir, "kernel")
	at := func(path string) string { return filepath.Join(root, path) }
	if err := errors.Join(os.Mkdir(top, 0o750), os.Mkdir(root, 0o750), os.Mkdir(kernel, 0o750)); err != nil {
		return err
	}
	const readOnly = unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE}, // nothing of what follows is seen outside
		{"tmpfs", top, "tmpfs", 0},
		{"overlay", root, "overlay", 0},
		{"proc", kernel, "proc", 0},
		{"proc", at("proc"), "proc", 0},
		{at("proc/sys"), at("proc/sys"), "", unix.MS_BIND},
		{"", at("proc/sys"), "", readOnly},
		{kernel + "/sys/net", at("proc/sys/net"), "", unix.MS_BIND}, // there is one for each network
		{top + "/nr_open", at("proc/sys/fs/nr_open"), "", unix.MS_BIND},
		{"sysfs", at("sys"), "sysfs", unix.MS_RDONLY},
		{"tmpfs", at("sys/fs/cgroup"), "tmpfs", 0},
		{"tmpfs", at("dev"), "tmpfs", 0},
		{"tmpfs", at("run"), "tmpfs", 0},
		{"tmpfs", at("tmp"), "tmpfs", 0},
		{"tmpfs", at("etc/systemd/system"), "tmpfs", 0},                      // no unit of this system,
		{"tmpfs", at("lib/systemd/system/sysinit.target.wants"), "tmpfs", 0}, // and none that sets a kernel up
	} {
		data := ""
		if m.kind == "overlay" {
			upper, work := filepath.Join(top, "upper"), filepath.Join(top, "work")
			err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o700), os.WriteFile(top+"/nr_open", nil, 0o600)) //nolint:gosec // the root of all users
			if err != nil {
				return err
			}
			data = "lowerdir=/,upperdir=" + upper + ",workdir=" + work
		}
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, data); err != nil {
			if m.kind == "overlay" && errors.Is(err, syscall.EINVAL) {
				err = fmt.Errorf("%w: %w", fs.ErrPermission, err) // too many layers on each other
			}
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	return errors.Join(
		os.WriteFile(at("etc/fstab"), nil, 0o600),
		os.WriteFile(at("etc/systemd/system/machine.target"), []byte("[Unit]\nDescription=Nothing but what is started\n"), 0o600),
	)
}

// makeDevices makes those that programs expect.
func makeDevices(dev string) error {
	for name, number := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		path := filepath.Join(dev, name)
		if err := errors.Join(unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, number))), os.Chmod(path, 0o666)); err != nil {
			return fmt.Errorf("making %s: %w", path, err)
		}
	}
	pts := filepath.Join(dev, "pts")
	return errors.Join(
		unix.Mknod(filepath.Join(dev, "tty"), unix.S_IFCHR|0o666, int(unix.Mkdev(5, 0))),
		os.Mkdir(filepath.Join(dev, "shm"), 0o750), os.Mkdir(pts, 0o750), os.Symlink("pts/ptmx", filepath.Join(dev, "ptmx")),
		unix.Mount("devpts", pts, "devpts", 0, "newinstance,ptmxmode=0666"),
	)
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
		if err := os.Mkdir(dir, 0o750); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", fs.ErrPermission, err) // of a container, which does not see the group it is in
		} else if err != nil {
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
