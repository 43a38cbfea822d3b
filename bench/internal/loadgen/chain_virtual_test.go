package loadgen

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// Steps that follow another in an open loop are due when they are sent, so that both of their times are one. Ten iterations of
// two steps of 100 ms, one each 100 ms, on one connection: the first of iteration i waits for i*100 ms.
func TestServiceTimeOfStepsThatFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openScenario(1, openPhase(10, 10, time.Second, scenario.Constant))
		first := s.Steps[0]
		first.Capture = []scenario.Capture{{Name: "length", Header: "content-length"}}
		s.Steps = []scenario.Step{first, {Name: "again", Method: "GET", Path: "/again", Weight: 1}}
		k := &kept{}
		if !virtual(t, s, 7, steady(100*time.Millisecond), nil, k) {
			t.Error("the run says that it was cut")
		}
		const iterations = 10
		answers := make([]time.Duration, iterations)
		waited := make([]time.Duration, iterations)
		for i := range answers {
			answers[i], waited[i] = 100*time.Millisecond, time.Duration(i+1)*100*time.Millisecond
		}
		for i, responses := range [][]time.Duration{waited, answers} {
			got := k.turns[0].Steps[i].Stats()
			checkTimes(t, s.Steps[i].Name+", response time", &got.ResponseTime, responses)
			checkTimes(t, s.Steps[i].Name+", service time", &got.ServiceTime, answers)
		}
		got := k.turns[0].Overall.Stats()
		checkTimes(t, "response time", &got.ResponseTime, append(waited, answers...))
		checkTimes(t, "service time", &got.ServiceTime, append(answers, answers...))
		if lag := got.SendLag; lag == nil || lag.Count != iterations {
			t.Errorf("send lag %+v: only the first step of an iteration is due at a time of its own", lag)
		}
	})
}
