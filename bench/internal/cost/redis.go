package cost

import (
	"errors"
	"fmt"
	"strings"
)

// Redis is an ElastiCache that both targets share. It is never in the figures of a target.
type Redis struct {
	Region string `json:"region"`
	// Engine is valkey or redis.
	Engine string `json:"engine"`
	// Node is a type such as t4g.micro, with or without "cache."; Nodes is how many. Empty is serverless.
	Node  string `json:"node,omitempty"`
	Nodes int    `json:"nodes,omitempty"`
	// StoredGB and UnitsPerRequest, ECPUs of a request, are what serverless charges.
	StoredGB        float64 `json:"stored_gb,omitempty"`
	UnitsPerRequest float64 `json:"ecpus_per_request,omitempty"`
}

// The least that is charged for storing on ElastiCache Serverless, in GB. Source: https://aws.amazon.com/elasticache/pricing/.
const (
	leastValkeyGB = 0.1
	leastRedisGB  = 1
)

// Engines of ElastiCache.
const (
	EngineValkey = "valkey"
	EngineRedis  = "redis"
)

// Bill is what the store costs under a load.
func (r *Redis) Bill(t *Table, l Load) (*Bill, error) {
	err := errors.Join(
		t.CheckRegion(r.Region), l.validate(),
		inRange("nodes", float64(r.Nodes), 0, 1e6), inRange("GB stored", r.StoredGB, 0, 1e6),
		inRange("ECPUs of a request", r.UnitsPerRequest, 0, 1e6),
	)
	if r.Node != "" {
		err = errors.Join(err, t.CheckCacheNode(r.Node))
	}
	if r.Engine != EngineValkey && r.Engine != EngineRedis {
		err = errors.Join(err, fmt.Errorf("engine %q: expected %s or %s", r.Engine, EngineValkey, EngineRedis))
	}
	if err != nil {
		return nil, err
	}
	o := &option{name: "Redis", load: l, sources: t.Sources, parts: r.parts(t, l.hours())}
	return o.bill(float64(l.Rate)), nil
}

func (r *Redis) parts(t *Table, hours float64) []part {
	if r.Node != "" {
		node := cacheNode(r.Node)
		return []part{{
			item: "Nodes, cache." + node, unit: "hours", rate: t.Rate(r.Region, keyCache+node+"."+r.Engine), fixed: hours * float64(max(1, r.Nodes)),
		}}
	}
	least := leastValkeyGB
	if r.Engine == EngineRedis {
		least = leastRedisGB
	}
	key := keyCache + cacheServerless + r.Engine
	return []part{
		{item: "Serverless storage", unit: "GB-hours", rate: t.Rate(r.Region, key+".gb_hour"), fixed: hours * max(least, r.StoredGB)},
		{item: "Serverless requests", unit: "ECPUs", rate: t.Rate(r.Region, key+".ecpu"), perRequest: r.UnitsPerRequest},
	}
}

// cacheServerless stands in keys where nodes have their type.
const cacheServerless = "serverless."

// cacheNode is a node's type as keys spell it.
func cacheNode(s string) string { return strings.TrimPrefix(s, "cache.") }
