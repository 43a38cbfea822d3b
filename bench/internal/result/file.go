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
	}
	return errors.Join(errs...)
}

func (s *Stats) validate(where string) error {
	failed := int64(0)
	for kind, n := range s.Errors {
		if n < 0 {
			return fmt.Errorf("%s: errors.%s is negative", where, kind)
		}
		failed += n
	}
	switch {
	case s.Requests < 0 || s.Successes < 0 || s.WallS < 0:
		return fmt.Errorf("%s: a count or a time is negative", where)
	case s.Requests != s.Successes+failed:
		return fmt.Errorf("%s: %d requests are not %d successes and %d errors", where, s.Requests, s.Successes, failed)
	case s.ResponseTime.Count != s.Successes:
		return fmt.Errorf("%s: %d response times for %d successes", where, s.ResponseTime.Count, s.Successes)
	}
	if s.ResponseTime.Count > 0 {
		if s.ResponseTime.P50 == nil || s.ResponseTime.Max == nil || s.ResponseTime.Mean == nil {
			return fmt.Errorf("%s: response_time_us lacks its figures", where)
		}
	}
	return nil
}
