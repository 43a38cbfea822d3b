package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// FileName is the name of the result file in its folder.
const FileName = "result.json"

// ErrSchema is wrapped by Load when the file is of another schema version.
var ErrSchema = errors.New("unknown schema version")

// WriteFile writes data to path by way of a temporary file in the same folder, so that path never holds half of it. What is no regular
// file, such as /dev/stdout, stays what it is and is written to.
func WriteFile(path string, data []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0)
	}
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
		return nil, fmt.Errorf("not a result file: %w", plainError(err))
	}
	if version.SchemaVersion == nil {
		return nil, errors.New("not a result file: it has no schema_version")
	}
	if *version.SchemaVersion != SchemaVersion {
		return nil, fmt.Errorf("%w %d: this program reads version %d", ErrSchema, *version.SchemaVersion, SchemaVersion)
	}
	var r Run
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("reading the result: %w", plainError(err))
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	return &r, nil
}

// plainError says what a reader of the file can use, where the library names the types of this program.
func plainError(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	// Embedded types are part of the library's path, but not of the file's.
	field := strings.ReplaceAll("."+wrong.Field, ".Stats.", ".")[1:]
	if field == "" {
		return fmt.Errorf("it is JSON, but of the wrong kind: %s", wrong.Value)
	}
	return fmt.Errorf("%s: the value is of the wrong kind: %s", field, wrong.Value)
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
