package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// FileName is the name of the result file in its folder.
const FileName = "result.json"

// ErrSchema is wrapped by Load when the file is of another schema version.
var ErrSchema = errors.New("unknown schema version")

// WriteFile writes data to path by way of a temporary file in the same folder, so that path never holds half of it.
func WriteFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Chmod(0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	// Without it a crash of the machine may leave a renamed but empty file.
	if err := f.Sync(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// Encode is the file's text.
func (r *Run) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the result: %w", err)
	}
	return append(data, '\n'), nil
}

// Decode reads the text of a result file and checks what every reader relies on.
func Decode(data []byte) (*Run, error) {
	var version struct {
		SchemaVersion *int `json:"schema_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("not a result file: %w", err)
	}
	if version.SchemaVersion == nil {
		return nil, errors.New("not a result file: it has no schema_version")
	}
	if *version.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("%w %d: this program reads version %d", ErrSchema, *version.SchemaVersion, SchemaVersion)
	}
	var r Run
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading the result: %w", err)
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	return &r, nil
}

// Load reads DIR/result.json.
func Load(dir string) (*Run, error) {
	path := filepath.Join(dir, FileName)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// validate finds files that were edited or cut so that they contradict themselves.
func (r *Run) validate() error {
	var errs []error
	names := map[string]bool{}
	for i := range r.Targets {
		t := &r.Targets[i]
		if t.Name == "" || names[t.Name] {
			errs = append(errs, fmt.Errorf("targets[%d]: name %q is empty or not unique", i, t.Name))
		}
		names[t.Name] = true
		errs = append(errs, t.Overall.validate(t.Name+".overall"))
		for j := range t.Phases {
			errs = append(errs, t.Phases[j].validate(fmt.Sprintf("%s.phases[%d]", t.Name, j)))
		}
		for j := range t.Steps {
			errs = append(errs, t.Steps[j].validate(fmt.Sprintf("%s.steps[%d]", t.Name, j)))
		}
		if c := t.ColdStarts; c != nil {
			errs = append(errs, c.ResponseTime.validate(t.Name+".cold_starts.response_time_us"))
			if c.Init != nil {
				errs = append(errs, c.Init.validate(t.Name+".cold_starts.init_us"))
			}
		}
	}
	if r.Generator.SendLag != nil {
		errs = append(errs, r.Generator.SendLag.validate("generator.send_lag_us"))
	}
	return errors.Join(errs...)
}

// maxCount is far above what a run can send, and low enough that sums over many phases stay exact.
const maxCount = 1 << 40

func (s *Stats) validate(where string) error {
	failed := int64(0)
	for kind, n := range s.Errors {
		if n < 0 || n > maxCount {
			return fmt.Errorf("%s: errors.%s is %d, not in 0 to 2^40", where, kind, n)
		}
		failed += n
	}
	switch {
	case s.Requests < 0 || s.Successes < 0 || s.WallS < 0:
		return fmt.Errorf("%s: a count or a time is negative", where)
	case s.Requests > maxCount:
		return fmt.Errorf("%s: %d requests are more than 2^40", where, s.Requests)
	case s.Requests != s.Successes+failed:
		return fmt.Errorf("%s: %d requests are not %d successes and %d errors", where, s.Requests, s.Successes, failed)
	case s.ThroughputRPS != nil && *s.ThroughputRPS < 0:
		return fmt.Errorf("%s: throughput_rps is negative", where)
	case s.ResponseTime.Count != s.Successes:
		return fmt.Errorf("%s: %d response times for %d successes", where, s.ResponseTime.Count, s.Successes)
	}
	return errors.Join(
		s.ResponseTime.validate(where+".response_time_us"), s.ServiceTime.validate(where+".service_time_us"),
		s.ErrorTime.validate(where+".error_time_us"), s.ConnectTime.validate(where+".connect_time_us"),
	)
}

// validate checks the figures against each other, but not against the histogram: decoding is the reader's choice.
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
