package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

const (
	// address is the provider that this one stands in for.
	address = "registry.terraform.io/hashicorp/aws"
	// version is that of the schema, which version constraints are checked against.
	version = "6.66.0"
)

// install copies the running program into a filesystem mirror below dir, writes a CLI
// configuration that knows this mirror and nothing else, and returns its path.
func install(dir string) (path string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolving %s: %w", dir, err)
	}
	mirror := filepath.Join(dir, "mirror")
	platform := filepath.Join(mirror, filepath.FromSlash(address), version, runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(platform, 0o750); err != nil {
		return "", fmt.Errorf("making the mirror: %w", err)
	}
	if err := copySelf(filepath.Join(platform, "terraform-provider-aws_v"+version)); err != nil {
		return "", fmt.Errorf("installing the provider: %w", err)
	}
	path = filepath.Join(dir, "terraform.tfrc")
	// No "direct" block: what is not in the mirror is an error, never a download.
	config := fmt.Sprintf("disable_checkpoint = true\n\nprovider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return "", fmt.Errorf("writing the CLI configuration: %w", err)
	}
	return path, nil
}

// copySelf replaces to, which terraform may be running, rather than writing into it.
func copySelf(to string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	in, err := os.Open(self)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(filepath.Dir(to), ".provider-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }() // gone already if all went well
	_, err = io.Copy(out, in)
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(out.Name(), 0o700); err != nil {
		return err
	}
	return os.Rename(out.Name(), to)
}
