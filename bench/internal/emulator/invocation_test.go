package emulator

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// A great request takes the memory of its body and of its event, and while it waits that of its event.
func TestMemoryOfGreatRequests(t *testing.T) {
	const size, room = 4 << 20, 1 << 20
	body := strings.Repeat("x", size)
	for name, prepare := range map[string]func(inv *invocation, r *http.Request) bool{
		"front door": func(inv *invocation, r *http.Request) bool {
			return (&openDoor{door: functionURL{}}).prepare(inv, r) == failNone
		},
		"Invoke API": func(inv *invocation, r *http.Request) bool { return (&invokeCall{}).read(inv, r) == nil },
	} {
		t.Run(name, func(t *testing.T) {
			text := body
			if name == "Invoke API" {
				text = `"` + body + `"`
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(text))
			r.Header.Set("Content-Type", "image/png") // so that it is in base64
			inv := new(pools).newInvocation()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if !prepare(inv, r) {
				t.Fatal("the request is refused")
			}
			runtime.ReadMemStats(&after)
			// Once more, since with the race detector a buffer that grows is made twice.
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(size+size*4/3+size+room); got > most {
				t.Errorf("%d bytes were allocated for a body of %d, want %d at most", got, size, most)
			}
			if inv.body.Cap() > maxPooled || len(inv.event) < size {
				t.Errorf("the event of %d bytes has a body of %d beside it", len(inv.event), inv.body.Cap())
			}
		})
	}
}
