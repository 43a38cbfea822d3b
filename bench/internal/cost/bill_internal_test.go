package cost

import "testing"

func TestListed(t *testing.T) {
	t.Parallel()
	if got, want := listed([]string{"REST API", "Duration, arm64"}), `REST API, "Duration, arm64"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
