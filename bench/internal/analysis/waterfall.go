package analysis

import (
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Labels of the parts of a waterfall, in the order in which a request passes them.
const (
	partQueue   = "Wait for a connection"
	partConnect = "Connect"
	partTLS     = "TLS handshake"
	partOutside = "Network, front door, adapter"
	partInit    = "Init of cold starts"
	partHandler = "Handler"
	partStore   = "Store"
	partService = "Service, not told apart"
)

// toldEnough is which share of the successes must have said how long the app took, for the mean to be that of all.
const toldEnough = 0.99

// waterfalls are the mean times of the totals, which add up; percentiles do not. The parts are of the successes: what few of them have,
// such as an init, is spread over all. There are none where nothing can be told apart, of any target.
func (m *Model) waterfalls() []Waterfall {
	var list []Waterfall
	apart := false
	for i := range m.Run.Targets {
		if w := m.waterfall(&m.Run.Targets[i].Overall); len(w) > 0 {
			list = append(list, Waterfall{Target: i, Parts: w})
			apart = apart || len(w) > 1
		}
	}
	if !apart {
		return nil
	}
	return list
}

func (m *Model) waterfall(s *result.Stats) []WaterfallPart {
	response, ok := optional(s.ResponseTime.Mean).Get()
	service, known := optional(s.ServiceTime.Mean).Get()
	if !ok || !known || s.Successes == 0 {
		return nil
	}
	var parts []WaterfallPart
	// What is calculated as a difference may come out below 0 by what histograms and clocks blur.
	add := func(label string, us float64) {
		parts = append(parts, WaterfallPart{Label: label, Mean: Known(max(0, us))})
	}
	connect := 0.
	if m.Run.Scenario.FreshConnections {
		// Where each request opens a connection the user waits for it. Connections that are kept were opened before.
		connect, _ = optional(s.ConnectTime.Mean).Get()
	}
	if m.Run.Scenario.Load == scenario.Open {
		add(partQueue, response-service-connect)
	}
	if connect > 0 {
		handshake := 0.
		if s.TLSTime != nil {
			handshake, _ = optional(s.TLSTime.Mean).Get()
		}
		add(partConnect, connect-handshake)
		if handshake > 0 {
			add(partTLS, handshake)
		}
	}
	told := s.ServerTiming
	if told == nil || told.App == nil || float64(told.App.Count) < toldEnough*float64(s.Successes) {
		add(partService, service)
		return parts
	}
	app := *told.App.Mean
	store, init := spread(told.Store, s.Successes), spread(told.Init, s.Successes)
	add(partOutside, service-app-init)
	if init > 0 {
		add(partInit, init)
	}
	add(partHandler, app-store)
	if store > 0 {
		add(partStore, store)
	}
	return parts
}

// spread is the sum over all that had a time, for each of n requests.
func spread(s *result.Summary, n int64) float64 {
	if s == nil || s.Mean == nil {
		return 0
	}
	return *s.Mean * float64(s.Count) / float64(n)
}
