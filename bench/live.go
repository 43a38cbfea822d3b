package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/loadgen"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// live is what tells other programs of a run while it goes on: --stream and --metrics. Both are nil where they are not asked for.
type live struct {
	stream  *stream
	metrics *metrics
	linger  time.Duration
	show    *display
}

// openLive listens and begins to write.
func openLive(ctx context.Context, std streams, o *runOptions, show *display) (*live, error) {
	l := &live{linger: o.linger, show: show}
	if o.metrics != "" {
		var err error
		if l.metrics, err = serveMetrics(ctx, o.metrics); err != nil {
			return nil, err
		}
		show.tell("Metrics: " + l.metrics.url())
	}
	if o.stream {
		if _, ok := terminal(std.out); ok {
			show.plain()
		}
		l.stream = newStream(std.out, show.tell)
	}
	return l, nil
}

// observers of the load, which is about to begin.
func (l *live) observers(targets []loadgen.Target, phases []scenario.Phase) []loadgen.Observer {
	var list []loadgen.Observer
	names := make([]string, len(targets))
	for i, t := range targets {
		names[i] = t.Name
	}
	if l.stream != nil {
		l.stream.begin(names, phases)
		list = append(list, l.stream)
	}
	if l.metrics != nil {
		l.metrics.begin(names, phases)
		list = append(list, l.metrics)
	}
	return list
}

// lastScrape gives a scraper the chance to read the final values. stop ends the wait.
func (l *live) lastScrape(ctx context.Context, stop <-chan struct{}) {
	if l.metrics == nil || l.linger == 0 {
		return
	}
	l.metrics.finalize() // before it is said: whoever reads that may scrape at once
	l.show.say("Metrics: waiting up to %s for a scrape of the final values; Ctrl-C ends the wait (--metrics-linger)", l.linger)
	l.metrics.finish(ctx, stop, l.linger)
}

// lastLine ends the stream, with the result as its last line if that is wanted.
func (l *live) lastLine(ctx context.Context, data []byte, wanted bool) error {
	if !wanted {
		data = nil
	}
	s := l.stream
	l.stream = nil
	return s.finish(ctx, data)
}

// close ends both. A stream that is still there is one of a run without a result.
func (l *live) close(ctx context.Context) {
	if l.stream != nil {
		_ = l.lastLine(ctx, nil, false)
	}
	if l.metrics != nil {
		l.metrics.close(ctx)
	}
}

// defaultLinger is a little more than the interval of most scrapers.
const defaultLinger = 20 * time.Second

func (o *runOptions) addLiveFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.stream, "stream", false, "print a JSON line an interval and target while it runs, and no tables; with --json, the result is the last line")
	f.StringVar(&o.metrics, "metrics", "", "serve Prometheus metrics at a loopback address (127.0.0.1:9464, or :0 for any free port) while it runs")
	f.DurationVar(&o.linger, "metrics-linger", defaultLinger, "how long to wait at the end for a scrape of the final metrics")
}

// checkLiveFlags completes the address of --metrics.
func (o *runOptions) checkLiveFlags(f *pflag.FlagSet) (err error) {
	switch {
	case o.metrics == "" && f.Changed("metrics"):
		return errors.New("--metrics: expected HOST:PORT such as 127.0.0.1:9464, got an empty address")
	case o.metrics == "" && f.Changed("metrics-linger"):
		return fmt.Errorf("--metrics-linger %s: it is for --metrics", o.linger)
	case o.linger < 0:
		return fmt.Errorf("--metrics-linger %s: expected 0s or more", o.linger)
	case o.metrics != "":
		o.metrics, err = loopback(o.metrics)
	}
	return err
}
