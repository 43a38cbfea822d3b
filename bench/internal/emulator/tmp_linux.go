package emulator

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// mounts gives processes a /tmp of their own. The thread that starts them enters a new mount namespace before, and leaves it
// after; they inherit it, and it ends with the last of them.
type mounts struct {
	usable bool
	why    string // it is not
	folder bool   // /tmp is a folder rather than a file system
	sizeMB int
	keep   string // what must be kept in sight: the folder of the bootstrap if it is below /tmp, the bootstrap alone if it is in /tmp
}

// open finds out whether this process may make mount namespaces, by making one.
func (m *mounts) open(cfg *Config, folder bool) {
	m.folder, m.sizeMB = folder, cfg.TmpMB
	if root := filepath.Dir(cfg.Bootstrap); below(root, functionTmp) {
		m.keep = root
	} else if root == functionTmp {
		m.keep = cfg.Bootstrap
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here, whatever has become of it
		result <- m.probe()
	}()
	if err := <-result; err != nil {
		m.why = err.Error()
		return
	}
	m.usable = true
}

func (m *mounts) probe() error {
	dir := ""
	if m.folder {
		var err error
		if dir, err = os.MkdirTemp("", "crossover-tmp-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	}
	a := m.around(dir)
	if err := a.enter(); err != nil {
		return err
	}
	return a.leave()
}

func (m *mounts) around(dir string) *around { return &around{m: m, dir: dir} }

// around is the mount namespace of one environment, while it is started.
type around struct {
	m         *mounts
	dir       string // what becomes /tmp, if that is a folder
	home, cwd int    // where the thread came from
}

// enter makes a mount namespace for the calling thread, in which /tmp is the environment's.
func (a *around) enter() (err error) {
	if a.home, err = unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("opening the mount namespace: %w", err)
	}
	if a.cwd, err = unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		_ = unix.Close(a.home)
		return fmt.Errorf("opening the working directory: %w", err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		_, _ = unix.Close(a.home), unix.Close(a.cwd)
		return fmt.Errorf("no right to make a mount namespace: %w", err)
	}
	if err := a.mount(); err != nil {
		return errors.Join(err, a.leave())
	}
	return nil
}

// mount puts the environment's /tmp on /tmp, and what must be kept in sight back to where it was.
func (a *around) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	keep := -1
	if a.m.keep != "" {
		var err error
		if keep, err = unix.Open(a.m.keep, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("opening %s: %w", a.m.keep, err)
		}
		defer unix.Close(keep) //nolint:errcheck // a reference
	}
	var err error
	if a.m.folder {
		err = unix.Mount(a.dir, functionTmp, "", unix.MS_BIND, "")
	} else {
		err = unix.Mount("tmpfs", functionTmp, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%dm,mode=1777", a.m.sizeMB))
	}
	if err != nil {
		return fmt.Errorf("mounting /tmp: %w", err)
	}
	if keep < 0 {
		return nil
	}
	if filepath.Dir(a.m.keep) == functionTmp && !isDir(keep) {
		err = os.WriteFile(a.m.keep, nil, 0o600)
	} else {
		err = os.MkdirAll(a.m.keep, 0o755)
	}
	if err != nil {
		return fmt.Errorf("keeping the bootstrap: %w", err)
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", keep), a.m.keep, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", a.m.keep, err)
	}
	return nil
}

func isDir(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// leave takes the thread back to where it came from.
func (a *around) leave() error {
	defer unix.Close(a.home) //nolint:errcheck // only read
	defer unix.Close(a.cwd)  //nolint:errcheck // a reference
	if err := unix.Setns(a.home, unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("leaving a mount namespace: %w", err)
	}
	return unix.Fchdir(a.cwd)
}

// below tells whether path is in the folder dir or further down.
func below(path, dir string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && rest != "." && rest != ".." && !strings.HasPrefix(rest, "../")
}
