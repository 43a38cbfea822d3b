package emulator

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// checkBootstrap reports what would keep the file from being run, in words that say what to do about it.
func checkBootstrap(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("bootstrap %s: no such file: build it first, or give the path of the program", path)
	case err != nil:
		return fmt.Errorf("bootstrap: %w", err)
	case info.IsDir():
		return fmt.Errorf("bootstrap %s is a folder: give the path of the program in it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("bootstrap %s is not a regular file", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("bootstrap %s is not executable: chmod +x %s", path, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return checkHead("bootstrap", path, f)
}

// checkHead reports what in the first bytes of f, the file at path, would keep the system from running it. What it is begins the error.
func checkHead(what, path string, f io.Reader) error {
	head := make([]byte, 256) // as far as Linux looks for an interpreter
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", what, err)
	}
	if fault := formatFaultHere(head[:n]); fault != "" {
		return fmt.Errorf("%s %s %s", what, path, fault)
	}
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	if strings.HasPrefix(line, "#!") && strings.HasSuffix(line, "\r") {
		return fmt.Errorf("%s %s: its first line ends with a carriage return, which the system takes for a part of it: save the file with Unix line ends (LF, not CRLF)", what, path)
	}
	if name := interpreter(line); name != "" {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s %s: its interpreter %s does not exist: install it, or name another in the first line", what, path, name)
		}
	}
	return nil
}

// interpreter is the program that the first line of a script names, "" if it names none by its full path.
func interpreter(line string) string {
	rest, script := strings.CutPrefix(line, "#!")
	words := strings.Fields(rest)
	if !script || len(words) == 0 || !filepath.IsAbs(words[0]) {
		return ""
	}
	return words[0]
}

// formatFaultHere is formatFault for this machine.
func formatFaultHere(head []byte) string { return formatFault(head, runtime.GOOS, runtime.GOARCH) }

// formatFault says why a file that begins with head cannot be run on the given platform, "" if it probably can.
func formatFault(head []byte, goos, goarch string) string {
	begins := func(magic string) bool { return strings.HasPrefix(string(head), magic) }
	const rebuild = ", this machine is %s/%s: build it for this machine (GOOS=%s GOARCH=%s)"
	switch {
	case begins("#!"):
		return ""
	case begins("PK\x03\x04"):
		return "is a zip archive: unpack it and give the path of the program in it"
	case begins("MZ"):
		return fmt.Sprintf("is a Windows program"+rebuild, goos, goarch, goos, goarch)
	case begins("\xcf\xfa\xed\xfe"), begins("\xca\xfe\xba\xbe"):
		if goos != "darwin" {
			return fmt.Sprintf("is a macOS program"+rebuild, goos, goarch, goos, goarch)
		}
		return ""
	case begins("\x7fELF"):
		if goos == "darwin" {
			return fmt.Sprintf("is a Linux program"+rebuild, goos, goarch, goos, goarch)
		}
		// e_machine of the ELF header, little-endian on both platforms of Lambda.
		if len(head) < 20 {
			return "is cut off"
		}
		machines := map[string]uint16{"amd64": 62, "arm64": 183}
		got := binary.LittleEndian.Uint16(head[18:])
		if want, known := machines[goarch]; known && got != want {
			for arch, machine := range machines {
				if got == machine {
					return fmt.Sprintf("is a program for %s/%s"+rebuild, goos, arch, goos, goarch, goos, goarch)
				}
			}
			return fmt.Sprintf("is a program for another processor"+rebuild, goos, goarch, goos, goarch)
		}
		return ""
	}
	return "is neither a program nor a script that begins with #!"
}

// credentials are variables that Lambda reserves too, and fills in with those of the function's role. Here there is no role, so whoever runs
// a function that calls AWS gives them.
var credentials = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// checkEnv reports the names that Lambda reserves, and those that no environment can hold.
func checkEnv(env map[string]string) error {
	reserved := []string{
		"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
		"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_DEFAULT_REGION",
		"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
	}
	var bad []string
	size := 0
	for name, value := range env {
		if !slices.Contains(credentials, name) { // on AWS they are not among those that are configured
			size += len(name) + len(value)
		}
		switch {
		case slices.Contains(reserved, name):
			bad = append(bad, name+" is reserved by Lambda")
		case name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0):
			bad = append(bad, fmt.Sprintf("%q cannot be a variable", name))
		}
	}
	if size > 4096 {
		bad = append(bad, fmt.Sprintf("variables of %d bytes in total are over Lambda's limit of 4096", size))
	}
	if bad == nil {
		return nil
	}
	slices.Sort(bad)
	return fmt.Errorf("environment: %s", strings.Join(bad, "; "))
}

// environ is the environment of the process of e, with more in it. LD_LIBRARY_PATH is left out, because its folders mean something else on
// this machine, and so are credentials that are not given.
func environ(c *Config, e *environment, more map[string]string) []string {
	runtimeAPI, logStream, initType := e.listener.Addr().String(), e.logStream, e.initType
	root := filepath.Dir(c.Bootstrap)
	vars := map[string]string{
		"AWS_DEFAULT_REGION":              c.Region,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(c.MemoryMB),
		"AWS_LAMBDA_FUNCTION_NAME":        c.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  initType,
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + c.FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME":      logStream,
		"AWS_LAMBDA_RUNTIME_API":          runtimeAPI,
		"AWS_REGION":                      c.Region,
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "127.0.0.1:2000",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                root,
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"TZ":                              ":UTC",
		"_AWS_XRAY_DAEMON_ADDRESS":        "127.0.0.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",
		"_HANDLER":                        "bootstrap",
	}
	if c.EnvironmentConcurrency > 1 { // Lambda sets it on Managed Instances alone (aws-lambda-go, pull request 600)
		vars["AWS_LAMBDA_MAX_CONCURRENCY"] = strconv.Itoa(c.EnvironmentConcurrency)
	}
	maps.Copy(vars, more)
	maps.Copy(vars, c.Env)
	env := make([]string, 0, len(vars))
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}
