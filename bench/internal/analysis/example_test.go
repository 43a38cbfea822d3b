package analysis_test

import (
	"fmt"

	"github.com/crossover-bench/crossover/bench/internal/analysis"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

// The result of a run becomes rows of figures; ratios are over the first target's.
func ExampleCompare() {
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2(), resulttest.Lambda())
	m, err := analysis.Compare(run)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, phase := range m.Phases {
		median, _ := analysis.Find(phase.Rows, "p50")
		ratio, _ := median.Cells[1].Ratio.Get()
		fmt.Printf("%s: the median of %s is %.2f times that of %s\n", phase.Name, m.Targets[1].Name, ratio, m.Targets[0].Name)
	}
	// Output:
	// warmup: the median of lambda is 1.65 times that of ec2
	// loading: the median of lambda is 0.99 times that of ec2
	// peak: the median of lambda is 0.67 times that of ec2
	// cooldown: the median of lambda is 1.32 times that of ec2
}

// What cannot be calculated is missing, and is never NaN or 0.
func ExampleValue_Over() {
	fmt.Println(analysis.Known(6).Over(analysis.Known(4)).Get())
	fmt.Println(analysis.Known(6).Over(analysis.Known(0)).Get())
	fmt.Println(analysis.Known(6).Over(analysis.Value{}).Get())
	// Output:
	// 1.5 true
	// 0 false
	// 0 false
}

// The published runs are there to be set beside a run of the same workload.
func ExampleLoadPublished() {
	p, err := analysis.LoadPublished()
	if err != nil {
		fmt.Println(err)
		return
	}
	r := p.Run("lambda", 20)
	fmt.Printf("%.1f requests a second, p95 %d ms, p99 %d ms\n", r.Throughput*1000, r.P95MS, r.P99MS)
	// Output: 78.1 requests a second, p95 133 ms, p99 184 ms
}
