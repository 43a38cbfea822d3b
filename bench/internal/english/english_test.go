package english_test

import (
	"fmt"

	"github.com/crossover-bench/crossover/bench/internal/english"
)

func ExamplePlural() {
	for _, n := range []int64{0, 1, 2, 1500} {
		fmt.Println(english.Plural(n, "request"))
	}
	fmt.Println(english.Plural(-1, "CPU"))
	// Output:
	// 0 requests
	// 1 request
	// 2 requests
	// 1500 requests
	// -1 CPUs
}
