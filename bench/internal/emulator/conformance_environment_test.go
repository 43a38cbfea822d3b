package emulator_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

func environmentRules() []rule {
	return []rule{
		{
			says: "the function has Lambda's variables, and AWS_EXECUTION_ENV is not one of them", source: sourceLocalStack,
			official: func(t *testing.T, s *emulator.Service) {
				body := get(t, s, "/env").body
				for _, name := range []string{
					"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
					"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "LAMBDA_TASK_ROOT", "_HANDLER", "TZ",
				} {
					if !strings.Contains(body, `"`+name+"=") {
						t.Errorf("no %s in %s", name, body)
					}
				}
				if strings.Contains(body, "AWS_EXECUTION_ENV") {
					t.Error("AWS_EXECUTION_ENV is set")
				}
			},
		},
		{
			says: "one environment takes one event at a time", source: docConcurrency,
			official: func(t *testing.T, s *emulator.Service) {
				g := newGate(t, 3)
				replies := g.hold(t, s, 3)
				if m := s.Meter(); m.Environments != 3 {
					t.Errorf("%d environments have 3 events", m.Environments)
				}
				close(g.open)
				for range 3 {
					<-replies
				}
			},
		},
		{
			says: "an invocation that is over its time-out ends its environment, and the next one is a cold start", source: docEnvironment,
			config: func(c *emulator.Config) { c.Timeout = brief },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/forever").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 0)
				if r := get(t, s, "/pid"); r.status != http.StatusOK || s.Meter().ColdStarts != 2 {
					t.Errorf("answer is %d after %d cold starts", r.status, s.Meter().ColdStarts)
				}
			},
		},
		{
			says: "an init that fails is tried again in the invocation", source: docEnvironment,
			config: func(c *emulator.Config) { c.Env = map[string]string{"INIT": "exit"} },
			official: func(t *testing.T, s *emulator.Service) {
				get(t, s, "/pid").expect(t, http.StatusBadGateway, "Internal Server Error")
				if m := s.Meter(); m.InitFailures != 2 || m.InitRetries != 1 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "the variables of the host are not the function's", source: docVariables,
			official: func(t *testing.T, s *emulator.Service) {
				body := get(t, s, "/env").body
				for _, name := range []string{"HOME", "USER", "GOPATH", "GOCACHE", "HOSTNAME", "PWD", "SHELL"} {
					if strings.Contains(body, `"`+name+"=") {
						t.Errorf("%s is set: %s", name, body)
					}
				}
			},
		},
		{
			says: "variables of more than 4 KB are refused", source: docQuotas,
			official: func(t *testing.T, _ *emulator.Service) {
				cfg := emulator.Config{Bootstrap: programs.fn, Group: group, Env: map[string]string{"A": strings.Repeat("x", 4096)}}
				if s, err := emulator.Start(t.Context(), cfg); err == nil {
					_ = s.Close(0)
					t.Error("4,097 bytes can be set")
				}
			},
		},
		{
			says: "a process that ends takes its environment with it, and the next request is a cold start", source: docEnvironment,
			official: func(t *testing.T, s *emulator.Service) {
				pid := get(t, s, "/pid").body
				get(t, s, "/exit").expect(t, http.StatusBadGateway, "Internal Server Error")
				settled(t, s, 0)
				if r := get(t, s, "/pid"); r.body == pid || s.Meter().ColdStarts != 2 {
					t.Errorf("answer is %q after %d cold starts", r.body, s.Meter().ColdStarts)
				}
			},
		},
		{
			says: "an invocation goes on when its client has gone", source: docInvoke, unverified: "for HTTP front doors no page says so",
			official: func(t *testing.T, s *emulator.Service) {
				g := newGate(t, 1)
				ctx, cancel := context.WithCancel(t.Context())
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					_, _ = try(ctx, s, http.MethodGet, g.url, "", nil)
				}()
				<-g.waiting
				cancel()
				<-gone
				close(g.open)
				settled(t, s, 1)
				if m := s.Meter(); m.Errors != 0 || m.Invocations != 1 {
					t.Errorf("meter: %+v", m)
				}
			},
		},
		{
			says: "reserved variables cannot be set", source: docVariables,
			official: func(t *testing.T, _ *emulator.Service) {
				cfg := emulator.Config{Bootstrap: programs.fn, Group: group, Env: map[string]string{"AWS_REGION": "x"}}
				if s, err := emulator.Start(t.Context(), cfg); err == nil {
					_ = s.Close(0)
					t.Error("AWS_REGION can be set")
				}
			},
		},
	}
}
