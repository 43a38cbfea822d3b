package cost_test

import (
	"fmt"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

func ExampleLambda_Bill() {
	f := cost.Lambda{
		Region: "us-east-1", Arch: cost.ARM64, MemoryMB: 512, FrontDoor: cost.DoorFunctionURL,
		BilledMS: cost.Exactly(cost.BilledMS(20*time.Millisecond, 80*time.Millisecond, 0.01)),
	}
	b, err := f.Bill(cost.Embedded(), cost.Load{Rate: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range b.Lines {
		fmt.Printf("%-16s %10.0f %-10s %6.2f USD\n", l.Item, l.Quantity, l.Unit, *l.USD)
	}
	fmt.Printf("a month %.2f USD, a million requests %.2f USD\n", *b.Total, *b.PerMillion)
	// Output:
	// Requests           26280000 requests     5.26 USD
	// Duration, arm64      273312 GB-seconds   3.64 USD
	// a month 8.90 USD, a million requests 0.34 USD
}

func ExampleComparison_BreakEven() {
	c := cost.Comparison{
		Prices: cost.Embedded(),
		Lambda: cost.Lambda{Region: "us-east-1", Arch: cost.ARM64, MemoryMB: 512, BilledMS: cost.Within(21, 0.1), FrontDoor: cost.DoorFunctionURL},
		EC2:    cost.EC2{Region: "us-east-1", InstanceType: "m7g.medium", Capacity: cost.Within(800, 0.2), Headroom: 0.3, MinInstances: 2, FrontDoor: cost.DoorALB, VolumeGB: 8},
	}
	b, err := c.BreakEven()
	if err != nil {
		fmt.Println(err)
		return
	}
	// Without the ranges: 84.57 USD of instances, volumes, load balancer and addresses over 0.25 µUSD that a request costs less on EC2.
	fmt.Printf("Lambda below %.1f/s, EC2 above %.1f/s\n", *b.LambdaBelow, *b.EC2Above)
	// Output:
	// Lambda below 121.4/s, EC2 above 135.7/s
}

func ExampleEstimateRun() {
	e, err := cost.EstimateRun(cost.Embedded(), []cost.RunTarget{
		{Name: "ec2", Region: "us-east-1", InstanceType: "m7g.medium", Instances: 1, FrontDoor: cost.DoorALB, Requests: 37_000, Duration: 10 * time.Minute},
		{Name: "lambda", Function: true, Region: "us-east-1", Arch: cost.ARM64, MemoryMB: 512, FrontDoor: cost.DoorFunctionURL, Requests: 37_000, Duration: 10 * time.Minute},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f USD\n", *e.Total)
	// Output:
	// 0.07 USD
}
