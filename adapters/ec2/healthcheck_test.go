package main_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// check runs a health check and returns its exit code and what it says.
func check(t *testing.T, env ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, ec2Binary, "-healthcheck")
	cmd.Env = append([]string{"REDIS_URL=redis://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1"}, env...)
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestHealthcheck(t *testing.T) {
	// Redis is not there: the process is well all the same, which readiness would not say.
	_, addr := serveOn(t, "127.0.0.1:1")
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Redirect(w, &http.Request{}, "http://"+addr+"/healthz", http.StatusFound)
	}))
	t.Cleanup(ill.Close)
	_, illPort, err := net.SplitHostPort(ill.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, host, port string
		want             int
		says             string
	}{
		{name: "well", host: "127.0.0.1", port: port},
		{name: "all interfaces", port: port},
		{name: "all IPv4 interfaces", host: "0.0.0.0", port: port},
		{name: "nobody listens", host: "127.0.0.1", port: "1", want: 1, says: "http://127.0.0.1:1/healthz"},
		{name: "nobody listens on IPv6", host: "::", port: "1", want: 1, says: "http://[::1]:1/healthz"},
		{name: "ill", host: "127.0.0.1", port: illPort, want: 1, says: "answers 302 Found; want 200"},
		{name: "any port", port: "0", want: 1, says: "PORT=0: a health check needs the port"},
		{name: "no port", port: "http", want: 2, says: "PORT"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out := check(t, "HOST="+tc.host, "PORT="+tc.port)
			if code != tc.want || !strings.Contains(out, tc.says) {
				t.Errorf("exit code %d: %q; want %d, %q", code, out, tc.want, tc.says)
			}
		})
	}
}
