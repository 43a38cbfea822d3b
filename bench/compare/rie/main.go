// Command rie measures the local Lambda service beside AWS's Runtime Interface Emulator, in turns in one run on one machine.
//
//	go build -o /tmp/bench ./bench && go build -tags lambda.norpc -o /tmp/bootstrap ./adapters/lambda
//	go run ./bench/compare/rie --rie PATH --bench /tmp/bench --bootstrap /tmp/bootstrap
//
// Both run the same bootstrap with the same Redis, which must be running (REDIS_URL), and get the same event, POST / with a text, by the
// same path of the Invoke API, one after the other on one connection. The emulator freezes nothing and limits nothing, so neither does the
// service; both write log lines. Without a Runtime Interface Emulator it says so and ends well.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/http1"
	"github.com/crossover-bench/crossover/bench/internal/process"
)

const (
	reapName = "internal-reap"
	path     = "/2015-03-31/functions/function/invocations"
	event    = `{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"","headers":{"content-type":"text/plain","host":"localhost"},` +
		`"requestContext":{"accountId":"anonymous","apiId":"local","domainName":"localhost","domainPrefix":"local","http":{"method":"POST","path":"/",` +
		`"protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"rie"},"requestId":"8c0a4d8e-0000-4000-8000-000000000000","routeKey":"$default",` +
		`"stage":"$default","time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1583348638390},"body":"123","isBase64Encoded":false}`
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == reapName {
		process.Reap(os.Stdin)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintf(os.Stderr, "rie: %v\n", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

type options struct {
	rie, bench, bootstrap string
	rounds, requests      int
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	var o options
	f := flag.NewFlagSet("rie", flag.ContinueOnError)
	f.StringVar(&o.rie, "rie", "aws-lambda-rie", "the Runtime Interface Emulator")
	f.StringVar(&o.bench, "bench", "", "the bench `binary`")
	f.StringVar(&o.bootstrap, "bootstrap", "", "the function")
	f.IntVar(&o.rounds, "rounds", 10, "how often each takes its turn")
	f.IntVar(&o.requests, "n", 1000, "invocations in each turn")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.rie, err = exec.LookPath(o.rie); err != nil {
		_, err = fmt.Fprintln(out, "There is no aws-lambda-rie: nothing is compared. Give its path with --rie.")
		return err
	}
	if o.bench == "" || o.bootstrap == "" || o.rounds < 1 || o.requests < 1 || os.Getenv("REDIS_URL") == "" {
		return errors.New("expected --bench, --bootstrap, REDIS_URL, and --rounds and -n of 1 or more")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	group, err := process.NewGroup(self, reapName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(time.Second)) }()
	theirs, err := startRIE(ctx, group, &o)
	if err != nil {
		return fmt.Errorf("starting the Runtime Interface Emulator: %w", err)
	}
	ours, err := startBench(group, &o)
	if err != nil {
		return fmt.Errorf("starting bench emulate: %w", err)
	}
	return compare(ctx, &o, ours, theirs, out)
}

// startRIE starts the emulator, which is ready when it answers.
func startRIE(ctx context.Context, group *process.Group, o *options) (address string, err error) {
	addresses := make([]string, 2)
	for i := range addresses { // it cannot choose a free port, so another may take it meanwhile
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		defer l.Close() //nolint:errcheck // nothing has come
		addresses[i] = l.Addr().String()
		_ = l.Close()
	}
	cmd := exec.Command(o.rie, "--runtime-interface-emulator-address", addresses[0], "--runtime-api-address", addresses[1], o.bootstrap) //nolint:noctx // the group ends it
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512")
	if _, err := group.Start(cmd); err != nil {
		return "", err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 200 {
		if err = try(ctx, addresses[0]); err == nil {
			return addresses[0], nil
		}
		<-tick.C
	}
	return "", err
}

// startBench starts the service, which prints its addresses when it is ready.
func startBench(group *process.Group, o *options) (address string, err error) {
	cmd := exec.Command(o.bench, "emulate", "--front-door", "invoke", "--freeze=false", "--limits=false", "--env", "REDIS_URL", "--", o.bootstrap) //nolint:noctx // the group ends it
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if _, err := group.Start(cmd); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(pipe).ReadBytes('\n')
	if err != nil {
		return "", err
	}
	var doors map[string]string
	if err := json.Unmarshal(line, &doors); err != nil {
		return "", fmt.Errorf("%w in %s", err, line)
	}
	return strings.TrimPrefix(doors["invoke"], "http://"), nil
}

// client sends the event again and again on one connection.
type client struct {
	*http1.Client
	request []byte
}

func dial(ctx context.Context, address string) (*client, error) {
	c, err := http1.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, address, len(event), event)
	return &client{c, request}, nil
}

// invoke sends the event and expects the app's answer.
func (c *client) invoke() error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil { //nolint:forbidigo // it measures
		return err
	}
	status, body, err := c.Do(c.request)
	if err == nil && (status != http.StatusOK || !bytes.Contains(body, []byte(`"statusCode":200`))) {
		err = fmt.Errorf("answer is %d %.300q", status, body)
	}
	return err
}

// try invokes once, on a connection of its own.
func try(ctx context.Context, address string) error {
	c, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it has been read
	return c.invoke()
}

// compare lets both take their turns. Only the ratio of two turns of one round counts.
func compare(ctx context.Context, o *options, ours, theirs string, out io.Writer) error {
	turn := func(address string) (float64, error) {
		c, err := dial(ctx, address)
		if err != nil {
			return 0, err
		}
		defer c.Close()     //nolint:errcheck // all has been read
		began := time.Now() //nolint:forbidigo // it measures
		for range o.requests {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			if err := c.invoke(); err != nil {
				return 0, err
			}
		}
		return float64(o.requests) / time.Since(began).Seconds(), nil //nolint:forbidigo // it measures
	}
	var ratios, mine, other []float64
	for round := range o.rounds + 1 {
		addresses := []string{ours, theirs}
		rates := map[string]float64{}
		if round%2 == 1 {
			slices.Reverse(addresses)
		}
		for _, address := range addresses {
			rate, err := turn(address)
			if err != nil {
				return err
			}
			rates[address] = rate
		}
		if round > 0 { // the first is to warm up
			ratios, mine, other = append(ratios, rates[ours]/rates[theirs]), append(mine, rates[ours]), append(other, rates[theirs])
		}
	}
	_, err := fmt.Fprintf(out, "One environment, one after the other, POST / with Redis, %d rounds of %d invocations:\nbench emulate %.0f/s, "+
		"Runtime Interface Emulator %.0f/s (medians), ratio %.2f (median of the rounds; %.2f to %.2f)\n",
		o.rounds, o.requests, median(mine), median(other), median(ratios), slices.Min(ratios), slices.Max(ratios))
	return err
}

// median of a list that is not empty.
func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
