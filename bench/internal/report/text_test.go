package report

import "testing"

func TestWrapKeepsUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		columns int
		want    string
	}{
		{"kept free: 30.0 % of it", 15, "kept free:\n  30.0 % of it\n"},
		{"it took (12 ms), then 8 s.", 16, "it took (12 ms),\n  then 8 s.\n"},
		{"it took then (12 ms).", 17, "it took then\n  (12 ms).\n"},
		{"one s after another", 5, "one s\n  after\n  another\n"},
		{"at 100,000 requests/s", 12, "at 100,000\n  requests/s\n"}, // no line has room for both
		{"", 12, "\n"},
	} {
		if got := wrap(c.text, "", "  ", c.columns); got != c.want {
			t.Errorf("%q in %d columns: %q, expected %q", c.text, c.columns, got, c.want)
		}
	}
}
