// Package remote runs bench on a load generator in the targets' VPC and fetches the result.
//
// The two sides meet in a folder of an S3 bucket: the job goes in, the log grows while it runs, the result comes out. AWS Systems
// Manager starts the other side and tells its exit status. Command lines have the folder's name in them and nothing else.
package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// WorkName is the hidden command of bench that is the other side.
const WorkName = "internal-work"

// Job is what the load generator is to do.
type Job struct {
	// Args are those of `bench run`, without --out.
	Args []string `json:"args"`
	// Files are what Args and the scenario name, by their path in the folder that bench runs in.
	Files map[string][]byte `json:"files"`
}

const maxJobBytes = 64 << 20

func (j *Job) encode() ([]byte, error) {
	data, err := json.Marshal(j)
	if err != nil {
		return nil, fmt.Errorf("encoding the job: %w", err)
	}
	if len(data) > maxJobBytes {
		return nil, fmt.Errorf("the scenario and its files have %d bytes as a job: at most %d are sent to a load generator", len(data), maxJobBytes)
	}
	return data, nil
}

// decodeJob refuses files outside of the folder: what reads a bucket must not overwrite a system.
func decodeJob(data []byte) (*Job, error) {
	var j Job
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("reading the job: %w", err)
	}
	for name := range j.Files {
		if !filepath.IsLocal(name) || filepath.Clean(name) == "." {
			return nil, fmt.Errorf("the job has a file %q, which is not below its folder", name)
		}
	}
	return &j, nil
}

// LoadGenerator is an instance that runs bench near its targets, and where it puts results: the Terraform output load_generator.
type LoadGenerator struct {
	InstanceID string `json:"instance_id"`
	Bucket     string `json:"bucket"`
	Region     string `json:"region"`
	// Bench is the program there; empty means /usr/local/bin/bench.
	Bench string `json:"bench"`
}

const defaultBench = "/usr/local/bin/bench"

var (
	instanceForm = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)
	bucketForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionForm   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
)

// ParseLoadGenerator reads that output. Fields that are not known are ignored; all faults are reported at once.
func ParseLoadGenerator(data []byte) (*LoadGenerator, error) {
	var g LoadGenerator
	if err := json.Unmarshal(data, &g); err != nil {
		return nil, fmt.Errorf("load_generator: expected {\"instance_id\": …, \"bucket\": …, \"region\": …}: %w", err)
	}
	if g.Bench == "" {
		g.Bench = defaultBench
	}
	var errs []error
	for _, f := range []struct {
		name, value string
		form        *regexp.Regexp
		want        string
	}{
		{"instance_id", g.InstanceID, instanceForm, "i-0123456789abcdef0"},
		{"bucket", g.Bucket, bucketForm, "crossover-results"},
		{"region", g.Region, regionForm, "us-east-1"},
	} {
		if !f.form.MatchString(f.value) {
			errs = append(errs, fmt.Errorf("load_generator: %s is %q, expected one such as %s", f.name, f.value, f.want))
		}
	}
	if !filepath.IsAbs(g.Bench) || strings.ContainsFunc(g.Bench, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		errs = append(errs, fmt.Errorf("load_generator: bench is %q, expected an absolute path such as %s", g.Bench, defaultBench))
	}
	return &g, errors.Join(errs...)
}

// script are the lines that the load generator's shell runs.
func (g *LoadGenerator) script(folder string) []string {
	words := []string{"exec", g.Bench, WorkName, "--region", g.Region, "s3://" + g.Bucket + "/" + folder}
	for i, word := range words[1:] {
		words[i+1] = quote(word)
	}
	return []string{"set -eu", strings.Join(words, " ")}
}

// quote makes a word of text for any POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// place is a folder of a bucket.
type place struct{ bucket, folder string }

var folderForm = regexp.MustCompile(`^runs/[A-Za-z0-9-]{1,64}$`)

func parsePlace(text string) (place, error) {
	rest, ok := strings.CutPrefix(text, "s3://")
	bucket, folder, _ := strings.Cut(rest, "/")
	if !ok || !bucketForm.MatchString(bucket) || !folderForm.MatchString(folder) {
		return place{}, fmt.Errorf("%q: expected s3://BUCKET/runs/NAME", text)
	}
	return place{bucket, folder}, nil
}

func (p place) String() string { return "s3://" + p.bucket + "/" + p.folder }

// Objects of a run's folder. The two last are those of bench's output folder that a report can be made of.
const (
	jobObject  = "job.json"
	logObject  = "log.txt"
	stopObject = "stop" // asks to finish early
)

func (p place) key(object string) string { return p.folder + "/" + object }

// fileNames of the job in the order in which errors should tell of them.
func (j *Job) fileNames() []string {
	var names []string
	for name := range j.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
