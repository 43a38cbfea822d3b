package result

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Interval is what ended within a part of a turn, as the journal has it, without histograms: a point of the time series of a run.
type Interval struct {
	Target string
	Phase  string
	// Round counts from 1.
	Round  int
	Warmup bool
	// From and To are by the clock on the wall.
	From, To time.Time
	// Requests that ended, and how many of them were right.
	Requests, Successes int64
	// Times are the figures of the response times of the successes; its histogram is empty.
	Times Summary
	// Cold is how many of the successes were the first of their environment.
	Cold int64
	// InFlight and Queued are how many requests were sent and unanswered, and due and not sent, at the interval's end.
	InFlight, Queued int64
}

// leanInterval is the part of a JournalInterval that makes an Interval: what is not named here costs no memory.
type leanInterval struct {
	Type     string    `json:"type"`
	Target   string    `json:"target"`
	At       time.Time `json:"at"`
	FromS    float64   `json:"from_s"`
	ToS      float64   `json:"to_s"`
	InFlight int64     `json:"in_flight"`
	Queued   int64     `json:"queued"`
	Phase    struct {
		Name         string      `json:"name"`
		Warmup       bool        `json:"warmup"`
		Round        int         `json:"round"`
		Requests     int64       `json:"requests"`
		Successes    int64       `json:"successes"`
		ResponseTime leanSummary `json:"response_time_us"`
	} `json:"phase"`
	Cold *leanSummary `json:"cold_us"`
	Run  *struct {
		SchemaVersion int `json:"schema_version"`
	} `json:"run"`
}

type leanSummary struct {
	Count int64    `json:"count"`
	Min   *float64 `json:"min"`
	Mean  *float64 `json:"mean"`
	P50   *float64 `json:"p50"`
	P90   *float64 `json:"p90"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	P999  *float64 `json:"p99_9"`
	Max   *float64 `json:"max"`
}

// LoadIntervals reads those of DIR/intervals.ndjson as ReadIntervals does. Without such a file it fails with fs.ErrNotExist.
func LoadIntervals(dir string) ([]Interval, error) {
	path := filepath.Join(dir, JournalName)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	list, err := ReadIntervals(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// ReadIntervals gives the intervals of a journal in their order. A last line that is cut off is ignored; all other faults are errors
// with their line. The histograms are not looked at: ReadJournal does that.
func ReadIntervals(from io.Reader) ([]Interval, error) {
	in := &lines{from: bufio.NewReaderSize(from, 64<<10)}
	var list []Interval
	var before leanInterval
	for {
		text, err := in.next()
		if errors.Is(err, io.EOF) || errors.Is(err, errCut) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", in.number, err)
		}
		var line leanInterval
		if err := json.Unmarshal(text, &line); err != nil {
			if in.last() && !json.Valid(text) {
				return list, nil
			}
			if otherLine(text) {
				continue
			}
			return nil, fmt.Errorf("line %d: %w", in.number, plainError(err))
		}
		if err := line.check(in.number); err != nil {
			return nil, fmt.Errorf("line %d: %w", in.number, err)
		}
		if line.Type == typeInterval {
			i := line.interval()
			if line.follows(&before) {
				long := i.To.Sub(i.From)
				i.From = list[len(list)-1].To
				i.To = i.From.Add(long)
			}
			list, before = append(list, i), line
		}
	}
}

// otherLine says whether a line is of another type than an interval: its fields may have other types too.
func otherLine(text []byte) bool {
	var line struct {
		Type string `json:"type"`
	}
	err := json.Unmarshal(text, &line)
	return err == nil && line.Type != typeInterval && line.Type != typeHead
}

// check refuses what nobody can draw.
func (l *leanInterval) check(number int) error {
	if (number == 1) != (l.Type == typeHead) {
		return fmt.Errorf("a journal begins with its only line of type %q; this one has type %q", typeHead, l.Type)
	}
	switch l.Type {
	case typeHead:
		if l.Run == nil || l.Run.SchemaVersion != SchemaVersion {
			return fmt.Errorf("%w: this program reads version %d", ErrSchema, SchemaVersion)
		}
		return nil
	case typeInterval:
	default:
		return nil
	}
	p := &l.Phase
	switch {
	case l.FromS < 0 || l.ToS < l.FromS || l.ToS > longestTurn:
		return fmt.Errorf("the interval is from %g s to %g s", l.FromS, l.ToS)
	case l.At.IsZero():
		return errors.New("the interval has no time")
	case p.Requests < 0 || p.Successes < 0 || p.Successes > p.Requests || p.Requests > maxCount || p.ResponseTime.Count != p.Successes:
		return fmt.Errorf("the interval has %d requests, %d successes and %d times", p.Requests, p.Successes, p.ResponseTime.Count)
	case l.InFlight < 0 || l.Queued < 0 || l.Cold != nil && (l.Cold.Count < 0 || l.Cold.Count > p.Successes):
		return errors.New("the interval has an impossible count")
	}
	s := &p.ResponseTime
	for _, v := range []*float64{s.Min, s.Mean, s.P50, s.P90, s.P95, s.P99, s.P999, s.Max} {
		switch {
		case (v == nil) != (s.Count == 0):
			return errors.New("phase.response_time_us: figures and count do not match")
		case v != nil && (*v < 0 || *v > float64(MaxValue.Microseconds())):
			return fmt.Errorf("phase.response_time_us: %g is outside of 0 to %s", *v, MaxValue)
		}
	}
	return nil
}

// follows says whether an interval goes on in its turn where another one ended. Then it begins at that very time: when the lines were
// written is known to the millisecond alone, and is a moment after the intervals' ends.
func (l *leanInterval) follows(b *leanInterval) bool {
	return b.Type == typeInterval && l.Target == b.Target && l.Phase.Name == b.Phase.Name && l.Phase.Round == b.Phase.Round && l.FromS > 0 && l.FromS == b.ToS
}

func (l *leanInterval) interval() Interval {
	p, s := &l.Phase, &l.Phase.ResponseTime
	long := time.Duration(math.Round((l.ToS - l.FromS) * float64(time.Second)))
	i := Interval{
		Target: l.Target, Phase: p.Name, Round: p.Round, Warmup: p.Warmup, From: l.At.Add(-long), To: l.At,
		Requests: p.Requests, Successes: p.Successes, InFlight: l.InFlight, Queued: l.Queued,
		Times: Summary{Count: s.Count, Min: s.Min, Mean: s.Mean, P50: s.P50, P90: s.P90, P95: s.P95, P99: s.P99, P999: s.P999, Max: s.Max},
	}
	if l.Cold != nil {
		i.Cold = l.Cold.Count
	}
	return i
}
