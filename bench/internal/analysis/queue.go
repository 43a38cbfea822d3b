package analysis

import (
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Wait says that a target's requests waited for a free connection: what users would feel is far above what an answer took.
type Wait struct {
	// Target is an index of Model.Targets.
	Target int
	// Phase where it was worst; empty where that is the total.
	Phase string
	// Metric is the percentile that both times are: the highest one, p99 at most, that there are samples enough for.
	Metric            Metric
	Response, Service Value
	// Connections is how many there were at most.
	Connections int
}

// What makes a response time far above a service time: several times as long, and by more than what the generator adds.
const (
	waitFactor = 2
	waitLeast  = 1000 // µs
)

// waits finds at most one for each target, the worst. A target that lets requests wait in one phase only may hide it in the total.
func (m *Model) waits() []Wait {
	if m.Run.Scenario.Load != scenario.Open {
		return nil
	}
	var list []Wait
	for i := range m.Targets {
		best, found := Wait{}, false
		try := func(phase string, rows []Row) {
			w, ok := m.wait(i, rows)
			if ok && (!found || phase != "" && best.Phase != "" && w.Response.number > best.Response.number) {
				w.Phase = phase
				best, found = w, true
			}
		}
		try("", m.Totals)
		for _, p := range m.Phases {
			if !p.Warmup {
				try(p.Name, p.Rows)
			}
		}
		if found {
			list = append(list, best)
		}
	}
	return list
}

func (m *Model) wait(target int, rows []Row) (Wait, bool) {
	key := tail(rows, target, target)
	response, _ := Find(rows, key)
	service, _ := Find(rows, "service_"+key)
	w := Wait{Target: target, Metric: Metric{key, quantileOf(key).label, Microseconds, Lower}, Connections: m.Run.Scenario.Connections}
	if len(response.Cells) == 0 || len(service.Cells) == 0 {
		return w, false
	}
	w.Response, w.Service = response.Cells[target].Value, service.Cells[target].Value
	if !w.Response.valid || !w.Service.valid {
		return w, false
	}
	least := waitLeast + besides(&m.Run.Targets[target].Overall, m.Run.Scenario.FreshConnections)
	return w, w.Response.number > waitFactor*w.Service.number && w.Response.number-w.Service.number > least
}

// besides is what else than a wait may lie between response and service time, at p99: that the generator was late, and, where
// connections are opened while requests are due, opening them.
func besides(s *result.Stats, fresh bool) float64 {
	us := 0.
	if s.SendLag != nil {
		lag, _ := optional(s.SendLag.P99).Get()
		us += lag
	}
	if fresh || s.ConnectTime.Count > s.Requests/100 {
		connect, _ := optional(s.ConnectTime.P99).Get()
		us += connect
	}
	return us
}
