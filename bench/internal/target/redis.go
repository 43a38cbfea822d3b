package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// store is the Redis of a local run.
type store struct {
	url  string // with the password, if there is one
	info result.Redis
}

// redisPatience is how long a Redis may take to answer its first PING.
const redisPatience = 10 * time.Second

// openRedis finds the Redis that local targets share: REDIS_URL if set; else a redis-server or valkey-server on PATH, started
// without persistence; else miniredis in a process of its own.
func (s *Set) openRedis(ctx context.Context) (*store, error) {
	if address := s.host.Getenv("REDIS_URL"); address != "" {
		return externalRedis(ctx, address)
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return s.startRedis(ctx, name, path)
		}
	}
	return s.startMiniredis(ctx)
}

// errRedisURL does not repeat the URL, which may hold a password.
var errRedisURL = InputError{errors.New("REDIS_URL: expected redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://…")}

func externalRedis(ctx context.Context, address string) (*store, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errRedisURL
	}
	if _, err := redis.ParseURL(address); err != nil || u.Hostname() == "" {
		return nil, errRedisURL
	}
	st := &store{url: address, info: result.Redis{Kind: "external", URL: withoutUser(u)}}
	st.info.Version, err = ping(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL %s does not answer: %w", st.info.URL, err)
	}
	return st, nil
}

func withoutUser(u *url.URL) string {
	public := *u
	public.User, public.RawQuery, public.Fragment = nil, "", ""
	return public.String()
}

// ping asks the server once for its version.
func ping(ctx context.Context, address string) (version string, err error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		return "", err
	}
	options.MaxRetries, options.DialerRetries, options.DialTimeout = -1, 1, 2*time.Second
	c := redis.NewClient(options)
	defer func() { _ = c.Close() }()
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(info) {
		for _, key := range []string{"valkey_version:", "redis_version:"} {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
				return v, nil
			}
		}
	}
	return "unknown", nil
}

// startRedis starts a server on a free port. Another process may take the port first, so it tries again.
func (s *Set) startRedis(ctx context.Context, kind, path string) (*store, error) {
	dir, err := s.host.Group.TempDir("crossover-redis-")
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		st, err := s.tryRedis(ctx, kind, path, dir)
		if err == nil || attempt == 3 || ctx.Err() != nil {
			return st, err
		}
	}
}

func (s *Set) tryRedis(ctx context.Context, kind, path, dir string) (*store, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	out := newOutput(nil)
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", //nolint:noctx // the group ends it
		"--daemonize", "no", "--dir", dir)
	cmd.Stdout, cmd.Stderr = out, out
	child, err := s.host.Group.Start(cmd)
	if err != nil {
		return nil, err
	}
	st := &store{url: "redis://" + net.JoinHostPort("127.0.0.1", port) + "/0"}
	st.info = result.Redis{Kind: kind, URL: st.url}
	err = poll(ctx, child.Done(), redisPatience, func() error {
		st.info.Version, err = ping(ctx, st.url)
		return err
	})
	select {
	case <-child.Done():
		return nil, ended(kind, child, out)
	default:
	}
	if err != nil {
		_ = child.Stop(0)
		return nil, fmt.Errorf("%s on port %s does not answer: %w", kind, port, err)
	}
	s.watch(kind, child, out)
	return st, nil
}

func (s *Set) startMiniredis(ctx context.Context) (*store, error) {
	var hello struct{ URL, Version string }
	out := newOutput(func(line []byte) bool { return json.Unmarshal(line, &hello) == nil && hello.URL != "" })
	cmd := s.host.self("internal-miniredis")
	cmd.Stdout, cmd.Stderr = out, out
	// It ends with its input, which is open as long as this process lives.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.start(ctx, "miniredis", cmd, out, redisPatience); err != nil {
		return nil, err
	}
	return &store{url: hello.URL, info: result.Redis{Kind: result.Miniredis, Version: hello.Version, URL: hello.URL}}, nil
}

// freePort finds a loopback port that nothing listens on at this moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// poll asks again and again until ask succeeds, what is waited for has ended, or patience has. It returns ask's last error.
func poll(ctx context.Context, ended <-chan struct{}, patience time.Duration, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return err
		case <-ctx.Done():
			return err
		}
	}
}
