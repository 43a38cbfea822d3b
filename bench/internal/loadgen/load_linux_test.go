package loadgen_test

import (
	"net/http/httptest"
	"testing"
)

// TestTrustedTLS needs a system that reads its trusted certificates from a file, which TestMain names.
func TestTrustedTLS(t *testing.T) {
	j := &journal{}
	s := httptest.NewTLSServer(j)
	defer s.Close()
	turns := runAll(t, plan(t, twoPhases+"blocks"), s.URL)
	for i, want := range []int64{12, 16} {
		if st := turns[i].stats(); st.Successes != want || st.Requests != want || st.ConnectTime.Count != 2 {
			t.Errorf("phase %d: %d of %d requests succeeded on %d new connections, want %d on 2: %+v",
				i, st.Successes, st.Requests, st.ConnectTime.Count, want, turns[i].Failures)
		}
	}
}
