package cost_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/cost"
)

// The guide to AWS tells what each part costs. Its figures are those of the price table, in the region it names.
func TestGuideHasThePricesOfTheTable(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	prices := cost.Embedded()
	hour := func(key string, n float64) float64 {
		usd, ok := prices.Rate("us-east-1", key).Cost(n)
		if !ok {
			t.Fatalf("%s has no price", key)
		}
		return float64(usd)
	}
	disk := func(gb float64) float64 { return hour("ebs.gp3.gb_month", gb) / cost.HoursPerMonth }
	balancer, addresses, instance := hour("alb.hour", 1), hour("ipv4.hour", 2), hour("ec2.t4g.small", 1)
	cache, endpoints := hour("elasticache.t4g.micro.valkey", 1), hour("vpc_endpoint.hour", 2)
	stack := balancer + addresses + instance + disk(8) + cache + endpoints
	generator := hour("ec2.c7g.large", 1) + hour("ipv4.hour", 1) + disk(16)
	rows := []struct {
		begins string
		usd    float64
	}{
		{"ALB, without load", balancer},
		{"its public IPv4 addresses", addresses},
		{"one t4g.small", instance},
		{"its 8 GB of gp3", disk(8)},
		{"cache.t4g.micro with Valkey", cache},
		{"two interface endpoints", endpoints},
		{"**the default stack**", stack},
		{"load generator: c7g.large", generator},
		{"`alb = false`", instance + hour("ipv4.hour", 1) + disk(8) + cache},
		{"`nat_gateway = true`", hour("nat.hour", 1) + hour("ipv4.hour", 1)},
		{"one provisioned environment", hour("lambda.provisioned_concurrency.arm64", 3600) * 0.5},
		{"`redis_serverless = true`", hour("elasticache.serverless.valkey.gb_hour", 0.1)},
	}
	want, got := []string{}, []string{}
	for _, row := range rows {
		want = append(want, fmt.Sprintf("%s %.4f %.2f", row.begins, row.usd, row.usd*cost.HoursPerMonth))
	}
	for i, m := range regexp.MustCompile(`(?m)^\| (.*) \| \**(\d+\.\d{4})\** \| \**(\d+\.\d{2})\** \|$`).FindAllStringSubmatch(text, -1) {
		what := m[1]
		if i < len(rows) && strings.HasPrefix(what, rows[i].begins) {
			what = rows[i].begins
		}
		got = append(got, what+" "+m[2]+" "+m[3])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of fixed costs (-prices +guide):\n%s", diff)
	}
	for _, sentence := range []string{
		fmt.Sprintf("from then on %.3f USD an hour, %.3f with the load generator", stack, stack+generator),
		fmt.Sprintf("Lambda %.2f a million requests and %.10f a GB-second (arm64)", hour("lambda.request", 1e6), hour("lambda.gb_second.arm64", 1)),
		fmt.Sprintf("ALB up to %.3f an hour for each LCU; an HTTP API %.2f a million requests", hour("alb.lcu_hour", 1), hour("http_api.request", 1e6)),
		fmt.Sprintf("%.2f a vCPU-hour for t4g", hour("ec2.surplus_vcpu_hour.t4g", 1)),
		fmt.Sprintf("never idle are %.2f an hour for time", hour("lambda.gb_second.arm64", 100*0.5*3600)),
		fmt.Sprintf("and %.3f a GB |", hour("nat.gb", 1)),
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", " "), sentence) {
			t.Errorf("the guide does not say %q", sentence)
		}
	}
}
