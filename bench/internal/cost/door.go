package cost

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Front doors. A target's spec spells them the same.
const (
	// DoorNone is an instance with an address of its own.
	DoorNone        = "none"
	DoorFunctionURL = "function_url"
	DoorHTTPAPI     = "http_api"
	DoorRESTAPI     = "rest_api"
	DoorALB         = "alb"
)

// FunctionDoors are those that a function can have.
func FunctionDoors() []string { return []string{DoorFunctionURL, DoorHTTPAPI, DoorRESTAPI, DoorALB} }

// What one LCU has of each of its dimensions; the most used one is charged.
// Source: https://aws.amazon.com/elasticloadbalancing/pricing/.
const (
	lcuNewConnections   = 25   // a second
	lcuActive           = 3000 // a minute
	lcuGigabytes        = 1.0  // an hour, for instances
	lcuGigabytesLambda  = 0.4  // an hour, for functions
	lcuRuleEvaluations  = 1000 // a second
	freeRules           = 10
	httpAPIMeteredBytes = 512 << 10 // one request of an HTTP API is metered by this much
	freeStreamedBytes   = 6 << 20   // of each streamed response
)

// DefaultZones is how many zones a load balancer has by default, and needs at least.
const DefaultZones = 2

// What is paid for a load balancer whether or not anything comes, once for all that are behind it.
const (
	itemBalancer     = "Load balancer"
	itemBalancerIPv4 = "Public IPv4 of the load balancer"
)

// LCUs that a load balancer uses at a rate, in the dimension that it uses most of. Functions behind it count more for their bytes.
func LCUs(l Load, rate RPS, functions bool) float64 {
	each := l.RequestsPerConnection
	if each <= 0 {
		each = 1
	}
	connections := float64(rate) / each
	perLCU := lcuGigabytes
	if functions {
		perLCU = lcuGigabytesLambda
	}
	return slices.Max([]float64{
		connections / lcuNewConnections,
		connections * l.ConnectionSeconds / lcuActive,
		float64(rate) * float64(l.RequestBytes+l.ResponseBytes) * secondsPerHour / gigabyte / perLCU,
		float64(rate) * float64(max(0, l.Rules-freeRules)) / lcuRuleEvaluations,
	})
}

// doorParts is what a front door costs.
func doorParts(t *Table, region, door string, zones int, l Load, functions bool) ([]part, error) {
	switch door {
	case DoorFunctionURL, "":
		return nil, nil
	case DoorNone:
		if !functions {
			return nil, nil
		}
	case DoorHTTPAPI:
		metered := max(1, math.Ceil(float64(max(l.RequestBytes, l.ResponseBytes))/httpAPIMeteredBytes))
		p := part{item: "HTTP API", unit: "requests", rate: t.Rate(region, keyHTTPAPI), perRequest: metered}
		if metered > 1 {
			p.note = fmt.Sprintf("%g requests of 512 KB each", metered)
		}
		return []part{p}, nil
	case DoorRESTAPI:
		return []part{{item: "REST API", unit: "requests", rate: t.Rate(region, keyRESTAPI), perRequest: 1}}, nil
	case DoorALB:
		if zones == 0 {
			zones = DefaultZones
		}
		hours := l.hours()
		return []part{
			{item: itemBalancer, unit: "hours", rate: t.Rate(region, keyALBHour), fixed: math.Ceil(hours)},
			{
				item: "Load balancer capacity", unit: "LCU-hours", rate: t.Rate(region, keyLCU),
				perRequest: LCUs(l, 1, functions) / secondsPerHour,
			},
			{item: itemBalancerIPv4, unit: "hours", rate: t.Rate(region, keyIPv4), fixed: float64(zones) * hours},
		}, nil
	}
	return nil, fmt.Errorf("front door %q: expected one of %s", door, strings.Join(FunctionDoors(), ", "))
}

// transferPart is data sent to the internet.
func transferPart(t *Table, region string, l Load) []part {
	if l.ResponseBytes == 0 {
		return nil
	}
	p := part{item: "Data out", unit: "GB", rate: t.Rate(region, keyDataOut), perRequest: float64(l.ResponseBytes) / bytesPerGB}
	if l.FreeTier {
		p.free = freeDataOutGB
	}
	return []part{p}
}

// logsPart is what is sent to CloudWatch Logs. Keeping it is not in it.
func logsPart(t *Table, region string, each Bytes) []part {
	if each == 0 {
		return nil
	}
	return []part{{item: "Logs taken in", unit: "GB", rate: t.Rate(region, keyLogs), perRequest: float64(each) / bytesPerGB}}
}
