package report

import "testing"

// TestFootnotesAscend whatever the order in which their texts were first said.
func TestFootnotesAscend(t *testing.T) {
	t.Parallel()
	notes := &footnotes{}
	for i, c := range []struct {
		texts []string
		want  string
	}{{[]string{"one"}, " [1]"}, {[]string{"two", "one"}, " [1] [2]"}, {[]string{"three", "two"}, " [2] [3]"}, {nil, ""}} {
		if got := notes.mark(c.texts); got != c.want {
			t.Errorf("%d: %q, want %q", i, got, c.want)
		}
	}
}
