package cost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

// format is the first line of a prices file.
const format = "crossover-prices/1"

// MaxPricesBytes is how large a prices file may be.
const MaxPricesBytes = 8 << 20

// pricesFile is how a table is written.
type pricesFile struct {
	Format    string                       `json:"format"`
	Written   string                       `json:"written"`
	Currency  string                       `json:"currency"`
	About     string                       `json:"about,omitempty"`
	Sources   map[string]string            `json:"sources"`
	Instances map[string]Instance          `json:"instance_types"`
	Regions   map[string]map[string][]Tier `json:"regions"`
}

// keys that a price may have, beside those with an instance type, a cache node or an engine in them.
var keys = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range []string{
		keyRequest, keyEphemeral, keyStreamed, keyManagedRequest, keyManagedFee, keyALBHour, keyLCU, keyHTTPAPI, keyRESTAPI, keyDataOut, keyLogs,
		keyLogStorage, keyIPv4, keyVolume, keyVolumeIOPS, keyVolumeThroughput, keyNATHour, keyNATGB, keyEndpointHour, keyEndpointGB, keyS3Storage,
		keyS3Put, keyS3Get,
	} {
		m[k] = true
	}
	for _, arch := range []string{ARM64, X86} {
		for _, k := range []string{keyGBSecond, keyProvisioned, keyProvisionedDuration} {
			m[k+arch] = true
		}
	}
	return m
}()

var (
	instanceKey = regexp.MustCompile(`^ec2\.[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
	surplusKey  = regexp.MustCompile(`^ec2\.surplus_vcpu_hour\.[a-z0-9]+$`)
	cacheKey    = regexp.MustCompile(`^elasticache\.([a-z0-9]+\.[a-z0-9]+\.(valkey|redis)|serverless\.(valkey|redis)\.(gb_hour|ecpu))$`)
	regionName  = regexp.MustCompile(`^([a-z]{2}(-[a-z]+)+-[0-9]|global)$`)
)

func knownKey(key string) bool {
	return keys[key] || instanceKey.MatchString(key) || surplusKey.MatchString(key) || cacheKey.MatchString(key)
}

// ParsePrices reads a prices file; name is for errors. It reports all faults at once. A file need not have all prices, nor all regions: see
// Table.Override.
func ParsePrices(name string, data []byte) (*Table, error) {
	if len(data) > MaxPricesBytes {
		return nil, fmt.Errorf("%s: has %s bytes, at most %s are read", name, numeral.Whole(len(data)), numeral.Whole(MaxPricesBytes))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var f pricesFile
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s:%d: is no prices file: %w", name, lineAt(data, offsetOf(err, d.InputOffset())), plainJSON(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: has something after the prices", name, lineAt(data, d.InputOffset()))
	}
	if err := f.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t := &Table{Written: f.Written, Sources: f.Sources, Instances: f.Instances, regions: f.Regions}
	if t.Sources == nil {
		t.Sources = map[string]string{}
	}
	if t.Instances == nil {
		t.Instances = map[string]Instance{}
	}
	return t, nil
}

// plainJSON says what a writer of the file can use, where the library names the types of this program.
func plainJSON(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		where := wrong.Field
		if where == "" {
			where = "the file"
		}
		return fmt.Errorf("%s: the value is of the wrong kind: %s", where, wrong.Value)
	}
	return err
}

func offsetOf(err error, otherwise int64) int64 {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return e.Offset
	}
	return otherwise
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(0, offset), int64(len(data)))], []byte("\n"))
}

func (f *pricesFile) validate() error {
	var errs []error
	fault := func(text string, args ...any) { errs = append(errs, fmt.Errorf(text, args...)) }
	if f.Format != format {
		fault("format %q: expected %q", f.Format, format)
	}
	if f.Currency != "USD" {
		fault("currency %q: expected \"USD\"", f.Currency)
	}
	if _, ok := asOf(f.Written); !ok {
		fault("written %q: expected a day such as 2026-11-23", f.Written)
	}
	if len(f.Regions) == 0 {
		fault("regions: has none")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Instances)) {
		i := f.Instances[name]
		if i.VCPU < 1 || i.VCPU > 1024 || !(i.MemoryGiB > 0 && i.MemoryGiB < 1e6) || i.Arch != ARM64 && i.Arch != X86 || !(i.Baseline >= 0 && i.Baseline <= 1) {
			fault("instance_types.%s: expected vcpu of 1 or more, memory_gib above 0, arch %s or %s, baseline 0 to 1", name, ARM64, X86)
		}
	}
	for _, region := range slices.Sorted(maps.Keys(f.Regions)) {
		if !regionName.MatchString(region) {
			fault("regions.%s: is no region", region)
		}
		for _, key := range slices.Sorted(maps.Keys(f.Regions[region])) {
			where := "regions." + region + "." + key
			if !knownKey(key) {
				fault("%s: is not known", where)
			}
			errs = append(errs, checkTiers(where, f.Regions[region][key], f.Sources)...)
		}
	}
	return errors.Join(errs...)
}

func checkTiers(where string, tiers []Tier, sources map[string]string) []error {
	var errs []error
	if len(tiers) == 0 {
		return []error{fmt.Errorf("%s: has no tier; write \"usd\": null for what is not known", where)}
	}
	for i, t := range tiers {
		last := i == len(tiers)-1
		switch {
		case t.USD != nil && !(*t.USD >= 0 && *t.USD < largest):
			errs = append(errs, fmt.Errorf("%s[%d]: usd %g: expected 0 or more, below %s", where, i, *t.USD, numeral.Exact(largest)))
		case t.Size < 0 || math.IsNaN(t.Size) || t.Size > 1e15:
			errs = append(errs, fmt.Errorf("%s[%d]: size %g: expected more than 0, or none", where, i, t.Size))
		case last && t.Size != 0, !last && t.Size == 0:
			errs = append(errs, fmt.Errorf("%s[%d]: size %g: expected one in each tier but the last", where, i, t.Size))
		}
		if _, ok := asOf(t.AsOf); !ok && t.AsOf != "" {
			errs = append(errs, fmt.Errorf("%s[%d]: as_of %q: expected a day, a month or a year such as 2026-11", where, i, t.AsOf))
		}
		if _, ok := sources[t.Source]; !ok && t.Source != "" {
			errs = append(errs, fmt.Errorf("%s[%d]: source %q is not among the sources", where, i, t.Source))
		}
	}
	return errs
}

// Encode writes a prices file that ParsePrices reads.
func (t *Table) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(pricesFile{
		Format: format, Written: t.Written, Currency: "USD", Sources: t.Sources, Instances: t.Instances, Regions: t.regions,
	}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("writing prices: %w", err)
	}
	return append(data, '\n'), nil
}

// shortSource is the address in a source's text, or its beginning.
func shortSource(text string) string {
	if i := strings.Index(text, "https://"); i >= 0 {
		return strings.TrimRight(strings.Fields(text[i:])[0], ".,;)")
	}
	return text
}
