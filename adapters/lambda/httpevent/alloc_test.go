package httpevent_test

import (
	"runtime"
	"testing"
)

// The targets that do not depend on the machine: against the stock adapter 0.35 of the allocations for 1 KB each way,
// and for large bodies 2.5 times their size of garbage, whatever is in them. Text costs less than twice its size, and an
// upload of text without escapes nothing of its size.
func TestAllocations(t *testing.T) {
	for _, w := range workloads(t) {
		t.Run(w.name, func(t *testing.T) {
			ours, stock := adapters()
			n := 50
			if w.size > 10_000 {
				n = 4
			}
			cost(t, ours, w.event, 1) // fills the pools
			_, allocs, size := cost(t, ours, w.event, n)
			t.Logf("%.1f allocations, %.2f body sizes", allocs, size/float64(w.size))
			if w.size > 10_000 {
				if most := 2.5 * float64(w.size); size > most {
					t.Errorf("%.0f bytes of garbage; want at most %.0f", size, most)
				}
				return
			}
			_, stockAllocs, _ := cost(t, stock, w.event, n)
			if allocs > 0.35*stockAllocs {
				t.Errorf("%.1f allocations, the stock adapter makes %.1f", allocs, stockAllocs)
			}
		})
	}
}

// What an event makes the decoder allocate is bounded by its size, whatever it claims.
func TestAllocationsAreInProportion(t *testing.T) {
	ours, _ := adapters()
	event := func(what string, n int) []byte {
		e := []byte(`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}},` + what)
		for range n {
			e = append(e, `"a":"b",`...)
		}
		return append(e, `"x":"y"}}`...)
	}
	for name, e := range map[string][]byte{
		"headers": event(`"headers":{`, 100_000), "query": event(`"queryStringParameters":{`, 100_000), "others": event(`"other":{`, 100_000),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ours.Invoke(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 100*uint64(len(e)) {
			t.Errorf("%s: %d bytes for an event of %d", name, used, len(e))
		}
	}
}
