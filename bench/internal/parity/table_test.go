package parity_test

import (
	"fmt"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/parity"
)

// A relation holds for what it says and for nothing beside it.
func TestChanges(t *testing.T) {
	const (
		reordered = "query in another order or encoding"
		valued    = "each parameter with a value"
		semicolon = "a semicolon separates parameters"
		lastOf    = "last value of each parameter"
	)
	one := func(s string) parity.Value { return parity.Value{s} }
	for _, tt := range []struct {
		change      string
		left, right parity.Value
		want        bool
	}{
		{reordered, one("/x?b=%20&a=1"), one("/x?a=1&b=+"), true},
		{reordered, one("b=1&a=2"), one("a=2&b=1"), true},
		{reordered, one("/x?a=1&b=2"), one("/y?b=2&a=1"), false},
		{reordered, one("/\u4e16"), one("/%E4%B8%96"), false},
		{reordered, one("a=1&a=2"), one("a=2&a=1"), false},
		{reordered, one("a=1"), nil, false},
		{valued, one("/x?&a&&b=1&"), one("/x?a=&b=1"), true},
		{valued, one("a&b"), one("a=&b="), true},
		{valued, one("a&b"), one("b=&a="), false},
		{valued, one("a;b"), one("a%3Bb="), false},
		{valued, one("/x?a"), one("/y?a="), false},
		{valued, one("a"), nil, false},
		{semicolon, one("/x?a=1;b=2"), one("/x?a=1&b=2"), true},
		{semicolon, one("/x?a=1;b=2"), one("/y?a=1&b=2"), false},
		{semicolon, one("a=1&b=2"), one("b=2&a=1"), false},
		{lastOf, one("/x?a=1&b=2&a=3"), one("/x?b=2&a=3"), true},
		{lastOf, one("/x?a=1&a=3"), one("/y?a=3"), false},
		{lastOf, one("a=1&a=3"), one("a=1"), false},
		{lastOf, one("a=1&a=3"), nil, false},
		{lastOf, nil, one("a=1"), false},
	} {
		t.Run(fmt.Sprintf("%s %q %q", tt.change, tt.left, tt.right), func(t *testing.T) {
			table, err := parity.ParseDoors("doors.yaml", fmt.Appendf(nil, `
doors: [{name: d, about: a}]
rows: [{doors: [d], requests: ["*"], fields: [f], change: %q, why: w, source: s}]
`, tt.change))
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Rows[0].Explains("d", &parity.Difference{Request: "r", Field: "f", Left: tt.left, Right: tt.right}); got != tt.want {
				t.Errorf("= %v", got)
			}
		})
	}
}
