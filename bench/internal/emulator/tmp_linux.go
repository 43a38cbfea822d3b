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
	root   string // the folder of the bootstrap, if it is below /tmp, so that it must be kept in sight
}

// open finds out whether this process may make mount namespaces, by making one.
func (m *mounts) open(cfg *Config, folder bool) {
	m.folder, m.sizeMB = folder, cfg.TmpMB
	if root := filepath.Dir(cfg.Bootstrap); root == functionTmp {
		m.why = "the bootstrap is in /tmp itself"
		return
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here, whatever has become of it
		result <- m.probe(filepath.Dir(cfg.Bootstrap))
	}()
	if err := <-result; err != nil {
		m.why = err.Error()
		return
	}
	m.usable = true
}

func (m *mounts) probe(root string) error {
	dir := ""
	if m.folder {
		var err error
		if dir, err = os.MkdirTemp("", "crossover-tmp-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a folder for temporary files
	}
	a := m.around(dir, root)
	if err := a.enter(); err != nil {
		return err
	}
	return a.leave()
}

func (m *mounts) around(dir, root string) *around { return &around{m: m, dir: dir, root: root} }

// around is the mount namespace of one environment, while it is started.
type around struct {
	m         *mounts
	dir, root string // what becomes /tmp, and the folder of the bootstrap
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

// mount puts the environment's /tmp on /tmp. If the bootstrap is below it, its folder is put back to where it was.
func (a *around) mount() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	root := -1
	if below(a.root, functionTmp) {
		var err error
		if root, err = unix.Open(a.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("opening %s: %w", a.root, err)
		}
		defer unix.Close(root) //nolint:errcheck // a reference
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
	if root < 0 {
		return nil
	}
	if err := os.MkdirAll(a.root, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", root), a.root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", a.root, err)
	}
	return nil
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
