package loadgen

import (
	"bytes"
	"testing"
	"time"
)

// hasColdMetric says whether the value of a Server-Timing header makes an answer a cold one.
func hasColdMetric(value []byte) bool {
	t := untold
	t.read(value)
	return t.cold
}

func TestServerTiming(t *testing.T) {
	none := time.Duration(-1)
	for value, want := range map[string]serverTiming{
		"":                             untold,
		"app;dur=0.012":                {app: 12 * time.Microsecond, store: none, init: none},
		"app;dur=1.5, store;dur=1":     {app: 1500 * time.Microsecond, store: time.Millisecond, init: none},
		"init;dur=182.5,app;dur=.5":    {cold: true, app: 500 * time.Microsecond, store: none, init: 182500 * time.Microsecond},
		`store;desc="a, b";dur="7"`:    {app: none, store: 7 * time.Millisecond, init: none},
		"app;dur=1;dur=2":              {app: time.Millisecond, store: none, init: none},
		"app;dur=1, app;dur=2":         {app: 2 * time.Millisecond, store: none, init: none},
		"app;dur=0":                    {store: none, init: none},
		"app;dur=1.0000009":            {app: time.Millisecond, store: none, init: none},
		"app;dur=-1":                   untold,
		"app;dur=1e3":                  untold,
		"app;dur=.":                    untold,
		"app;dur=1.2.3":                untold,
		"app;dur=NaN":                  untold,
		"app;dur=99999999999999999999": untold,
		"app;dur=86400000":             {app: 24 * time.Hour, store: none, init: none},
		"init;dur=soon":                {cold: true, app: none, store: none, init: none},
		"db;dur=3, total;dur=4":        untold,
	} {
		got := untold
		got.read([]byte(value))
		if got != want {
			t.Errorf("%q: %+v, want %+v", value, got, want)
		}
	}
}

func TestHasColdMetric(t *testing.T) {
	for value, want := range map[string]bool{
		"":                                     false,
		"init":                                 false, // no duration
		"init;dur=182.5":                       true,
		"init;dur=0":                           true,
		"app;dur=0.2, store;dur=1, init;dur=5": true,
		"app;dur=0.2,init;dur=5,store;dur=1":   true,
		"\tinit ; DUR = 5 ":                    true,
		`init;desc="cold start";dur=5`:         true,
		`init;desc="a;dur=5"`:                  false,
		`app;desc="x, init;dur=5"`:             false,
		`app;desc="x\", init;dur=5"`:           false,
		`app;desc="x\"", init;dur=5`:           true,
		`app;desc="never closed, init;dur=5`:   false,
		"app;dur=0.2":                          false,
		"reinit;dur=5":                         false,
		"initial;dur=5":                        false,
		"INIT;dur=5":                           false, // names of metrics know case
		"app;init;dur=5":                       false,
		"app;desc=init;dur=5":                  false,
		"init;duration=5":                      false,
		"init;dur":                             false,
		",;=,\"\\":                             false,
		"cdn-cache;desc=HIT, edge;dur=1, origin=": false,
	} {
		if got := hasColdMetric([]byte(value)); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func FuzzHasColdMetric(f *testing.F) {
	for _, seed := range []string{"", "init;dur=1", `a;desc="\", init;dur=1"`, ",init ;x ; dur=", `\`, `init;dur="`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		got := hasColdMetric(value)
		if !bytes.Equal(before, value) {
			t.Error("the value was changed")
		}
		if got && (!bytes.Contains(value, []byte("init")) || !bytes.Contains(bytes.ToLower(value), []byte("dur"))) {
			t.Errorf("%q has no such metric", value)
		}
		if !bytes.ContainsAny(value, `"\`) && !hasColdMetric(append([]byte("init;dur=1,"), value...)) {
			t.Errorf("%q hides the metric before it", value)
		}
		if !bytes.ContainsAny(value, `"`) && !hasColdMetric(append(bytes.Clone(value), ", init;dur=1"...)) {
			t.Errorf("%q hides the metric after it", value)
		}
	})
}
