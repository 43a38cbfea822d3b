package result

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// validate finds files that were edited or cut so that they contradict themselves.
func (r *Run) validate() error {
	var errs []error
	v := &validator{}
	names := map[string]bool{}
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Name == "" || names[t.Name] {
			errs = append(errs, fmt.Errorf("targets[%d]: name %q is empty or not unique", i, t.Name))
		}
		names[t.Name] = true
		errs = append(errs, v.target(t), r.metered(t))
	}
	if !r.FinishedAt.IsZero() && r.FinishedAt.Before(r.StartedAt) {
		errs = append(errs, fmt.Errorf("finished_at %s is before started_at %s", r.FinishedAt.Format(time.RFC3339Nano), r.StartedAt.Format(time.RFC3339Nano)))
	}
	errs = append(errs, r.validateRounds(), r.Environment.validate(), r.Generator.validate())
	if r.Generator.SendLag != nil {
		errs = append(errs, v.summary("generator.send_lag_us", r.Generator.SendLag))
	}
	for i := range r.Thresholds {
		if err := r.Thresholds[i].validate(r); err != nil {
			errs = append(errs, fmt.Errorf("thresholds[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// validator has the memory that all histograms of a file are read with.
type validator struct {
	histograms inflater
}

func (v *validator) target(t *Target) error {
	var errs []error
	if known := []Provenance{Measured, Emulated, Simulated}; !slices.Contains(known, t.Provenance) {
		errs = append(errs, fmt.Errorf("%s: provenance %q is not one of %q", t.Name, t.Provenance, known))
	}
	errs = append(errs, v.stats(t.Name+".overall", &t.Overall))
	for j := range t.Phases {
		errs = append(errs, v.stats(fmt.Sprintf("%s.phases[%d]", t.Name, j), &t.Phases[j].Stats))
	}
	for j := range t.Steps {
		errs = append(errs, v.stats(fmt.Sprintf("%s.steps[%d]", t.Name, j), &t.Steps[j].Stats))
	}
	if c := t.ColdStarts; c != nil {
		for name, n := range map[string]*int64{
			"requests": &c.Requests, "warmed_by_check": &c.WarmedByCheck, "environments": c.Environments, "max_concurrent": c.MaxConcurrent,
		} {
			if n != nil && (*n < 0 || *n > maxCount) {
				errs = append(errs, fmt.Errorf("%s.cold_starts: %s is %d, not in 0 to 2^40", t.Name, name, *n))
			}
		}
		errs = append(errs, v.summary(t.Name+".cold_starts.response_time_us", &c.ResponseTime))
		if c.Init != nil {
			errs = append(errs, v.summary(t.Name+".cold_starts.init_us", c.Init))
		}
	}
	if t.Lambda != nil {
		if err := t.Lambda.validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s.lambda: %w", t.Name, err))
		}
	}
	if c := t.CloudWatch; c != nil {
		if err := c.validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s.cloudwatch: %w", t.Name, err))
		}
		if f := c.Function; f != nil {
			where := t.Name + ".cloudwatch.function."
			errs = append(errs, v.summary(where+"warm_duration_us", &f.Warm), v.summary(where+"cold_duration_us", &f.ColdDuration),
				v.summary(where+"init_us", &f.Init))
		}
	}
	if t.Capacity != nil {
		if err := t.Capacity.validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s.capacity: %w", t.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return errors.Join(t.addsUp(), t.coldAmongAll())
}

// addsUp holds overall against the phases that count, which must be valid.
func (t *Target) addsUp() error {
	var sum Stats
	wall := 0.0
	failed := map[string]int64{}
	for i := range t.Phases {
		p := &t.Phases[i]
		if p.Warmup {
			continue
		}
		sum.Requests += p.Requests
		sum.Successes += p.Successes
		if p.WallS != nil {
			wall += *p.WallS
		}
		for kind, n := range p.Errors {
			failed[kind] += n
		}
	}
	if o := &t.Overall; o.Requests != sum.Requests || o.Successes != sum.Successes {
		return fmt.Errorf("%s.overall: %d requests and %d successes, but its phases that count have %d and %d",
			t.Name, o.Requests, o.Successes, sum.Requests, sum.Successes)
	}
	own := 0.0
	if t.Overall.WallS != nil {
		own = *t.Overall.WallS
	}
	if !near(own, wall) {
		return fmt.Errorf("%s.overall: wall_s is %g, but its phases that count have %g", t.Name, own, wall)
	}
	for _, kind := range slices.Sorted(maps.Keys(failed)) {
		if failed[kind] != t.Overall.Errors[kind] {
			return fmt.Errorf("%s.overall: errors.%s is %d, but its phases that count have %d", t.Name, kind, t.Overall.Errors[kind], failed[kind])
		}
	}
	return nil
}

// maxCount is far above what a run can send, and low enough that sums over many phases stay exact.
const maxCount = 1 << 40

func (v *validator) stats(where string, s *Stats) error {
	failed := int64(0)
	for kind, n := range s.Errors {
		if n < 0 || n > maxCount {
			return fmt.Errorf("%s: errors.%s is %d, not in 0 to 2^40", where, kind, n)
		}
		failed += n
	}
	switch {
	case s.Requests < 0 || s.Successes < 0 || s.WallS != nil && *s.WallS < 0:
		return fmt.Errorf("%s: a count or a time is negative", where)
	case s.Requests > maxCount:
		return fmt.Errorf("%s: %d requests are more than 2^40", where, s.Requests)
	case s.Requests != s.Successes+failed:
		return fmt.Errorf("%s: %d requests are not %d successes and %d errors", where, s.Requests, s.Successes, failed)
	case s.ThroughputRPS != nil && *s.ThroughputRPS < 0:
		return fmt.Errorf("%s: throughput_rps is negative", where)
	case s.ThroughputRPS != nil && (s.WallS == nil || *s.WallS == 0):
		return fmt.Errorf("%s: there is a throughput_rps, but no wall_s", where)
	case s.ThroughputRPS != nil && !near(*s.ThroughputRPS**s.WallS, float64(s.Successes)):
		return fmt.Errorf("%s: throughput_rps is %g, but %d successes in %g s are %g", where, *s.ThroughputRPS, s.Successes, *s.WallS,
			float64(s.Successes) / *s.WallS)
	case s.ResponseTime.Count != s.Successes:
		return fmt.Errorf("%s: %d response times for %d successes", where, s.ResponseTime.Count, s.Successes)
	}
	// In a closed loop the two are equal, and one look at the histogram is enough.
	var service error
	if !reflect.DeepEqual(s.ServiceTime, s.ResponseTime) {
		service = v.summary(where+".service_time_us", &s.ServiceTime)
	}
	errs := []error{
		v.summary(where+".response_time_us", &s.ResponseTime), service,
		v.summary(where+".error_time_us", &s.ErrorTime), v.summary(where+".connect_time_us", &s.ConnectTime),
	}
	for name, some := range map[string]*Summary{
		"tls_time_us": s.TLSTime, "send_lag_us": s.SendLag, "unsent_time_us": s.UnsentTime,
		"server_timing_us.app": s.ServerTiming.of().App, "server_timing_us.store": s.ServerTiming.of().Store, "server_timing_us.init": s.ServerTiming.of().Init,
	} {
		if some != nil {
			errs = append(errs, v.summary(where+"."+name, some))
		}
	}
	return errors.Join(errs...)
}

// near allows for what writing sums and quotients as decimal numbers loses, and much more.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-6*max(1, want) }

// summary checks the figures against each other and against the histogram. That of another program is only counted: its buckets may be
// too wide to say what a figure is.
func (v *validator) summary(where string, s *Summary) error {
	err := s.validate(where)
	if err != nil {
		return err
	}
	own, err := v.histograms.check(s)
	switch {
	case err != nil:
	case own:
		err = v.histograms.agrees(s)
	default:
		// Another program's: only the library knows all that can be wrong with it.
		_, err = s.Decode()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// validate checks the figures against each other, but not against the histogram.
func (s *Summary) validate(where string) error {
	if s.Count < 0 || s.Count > maxCount || s.Clipped < 0 || s.Clipped > s.Count {
		return fmt.Errorf("%s: %d samples, %d of them clipped, cannot be", where, s.Count, s.Clipped)
	}
	figures := []struct {
		name  string
		value *float64
	}{{"min", s.Min}, {"p50", s.P50}, {"p90", s.P90}, {"p95", s.P95}, {"p99", s.P99}, {"p99_9", s.P999}, {"max", s.Max}}
	last := 0.0
	for _, f := range figures {
		switch {
		case s.Count == 0 && f.value != nil:
			return fmt.Errorf("%s: %s of no samples is %g, not null", where, f.name, *f.value)
		case s.Count > 0 && f.value == nil:
			return fmt.Errorf("%s: %s of %d samples is missing", where, f.name, s.Count)
		case f.value != nil && *f.value < last:
			return fmt.Errorf("%s: %s is %g, below the figure before it, %g", where, f.name, *f.value, last)
		case f.value != nil:
			last = *f.value
		}
	}
	switch {
	case s.Count == 0 && s.Mean == nil:
		return nil
	case s.Count == 0 || s.Mean == nil:
		return fmt.Errorf("%s: there is a mean without samples, or samples without a mean", where)
	case *s.Mean < *s.Min || *s.Mean > *s.Max:
		return fmt.Errorf("%s: mean %g is not between min %g and max %g", where, *s.Mean, *s.Min, *s.Max)
	case *s.Max > float64(MaxValue.Microseconds()):
		return fmt.Errorf("%s: max %g is beyond %s", where, *s.Max, MaxValue)
	}
	return nil
}
