package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// Functions need nothing but HTTP ("Building a custom runtime for AWS Lambda",
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html): the same one in three languages besides Go.
func TestOtherLanguages(t *testing.T) {
	for folder, needs := range map[string][]string{"shell": {"sh", "curl", "sed", "base64"}, "python": {"python3"}, "node": {"node"}} {
		t.Run(folder, func(t *testing.T) {
			for _, name := range needs {
				if !onLambdaPath(name) {
					t.Skipf("there is no %s on the PATH of functions", name)
				}
			}
			s := start(t, func(c *emulator.Config) {
				c.Bootstrap = filepath.Join("testdata", folder, "bootstrap")
				c.FrontDoors = []emulator.FrontDoor{emulator.DoorFunctionURL, emulator.DoorInvoke}
			})
			for range 5 {
				echoes(t, s)
			}
			// An event of the Invoke API is whatever the caller sends.
			r := invoked(t, s, invokePath, "{}", nil)
			if want := base64.StdEncoding.EncodeToString([]byte("{}")); r.status != http.StatusOK || !strings.Contains(r.body, want) {
				t.Errorf("answer to an empty event is %d %.300q, expected %s in it", r.status, r.body, want)
			}
			const n = 4
			done := make(chan struct{}, n)
			for range n {
				go func() {
					echoes(t, s)
					done <- struct{}{}
				}()
			}
			for range n {
				<-done
			}
			eventually(t, "environments do not come to rest", func() bool { m := s.Meter(); return m.Idle == m.Environments })
			alive := s.Meter().Environments
			get(t, s, "/error").expect(t, http.StatusBadGateway, "Internal Server Error")
			settled(t, s, alive)
			get(t, s, "/exit").expect(t, http.StatusBadGateway, "Internal Server Error")
			settled(t, s, alive-1)
			echoes(t, s)
			if m := s.Meter(); m.FunctionErrors != 1 || m.Exits != 1 || m.Errors != 2 {
				t.Errorf("meter: %+v", m)
			}
		})
	}
}

// echoes sends a text and expects to find it in the event that the function has got.
func echoes(t *testing.T, s *emulator.Service) {
	t.Helper()
	const body = "Grüße, \"quoted\" \\ and so on"
	r, err := try(t.Context(), s, http.MethodPost, "/echo?a=1", body, http.Header{"Content-Type": {"text/plain; charset=utf-8"}})
	var e struct {
		RawPath, RawQueryString, Body string
	}
	if err == nil {
		err = json.Unmarshal([]byte(r.body), &e)
	}
	if err != nil || r.status != http.StatusOK || e.RawPath != "/echo" || e.RawQueryString != "a=1" || e.Body != body {
		t.Errorf("answer is %d %.300q (%v)", r.status, r.body, err)
	}
}

// onLambdaPath tells whether functions find a program.
func onLambdaPath(name string) bool {
	for _, dir := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}
