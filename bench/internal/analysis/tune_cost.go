package analysis

import (
	"fmt"
	"math"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/tune"
)

// function adds what is known of cold starts, of the billed time, and of what that costs.
func (s *sweep) function(c *tune.Configuration, t *result.Target, target int) {
	if t.ColdStarts != nil {
		c.Cold = &t.ColdStarts.Requests
		if t.ColdStarts.Init != nil {
			c.Init = t.ColdStarts.Init.Mean
		}
	}
	if st := t.Overall.ServerTiming; c.Init == nil && st != nil && st.Init != nil {
		c.Init = st.Init.Mean
	}
	s.billed(c, t, target)
	if c.BilledMS == nil || s.out.RateRPS == nil {
		return
	}
	if used := s.starved(t); used > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("Its environments at once were entitled to %s CPUs and this machine has %d: it may have been held back by the machine, not by its size.",
			numeral.Short(used), s.run.Environment.CPUs))
	}
	f := cost.Lambda{Region: s.region(t), Arch: awsArch(t.Spec.Arch, s.run.Environment.Arch), MemoryMB: c.MemoryMB, FrontDoor: t.Spec.FrontDoor, LogBytes: cost.AssumedLogBytes}
	if f.Arch == "" {
		f.Arch = cost.ARM64
	}
	if strings.HasPrefix(f.FrontDoor, cost.DoorFunctionURL) || f.FrontDoor == "" {
		f.FrontDoor = cost.DoorFunctionURL
	}
	c.USDPerMillion = s.million(c, func(end func(cost.Interval) float64) (*cost.Bill, error) {
		f.BilledMS = cost.Exactly(end(*c.BilledMS))
		return f.Bill(s.Prices, s.load())
	})
}

// starved is how many CPUs the environments that were busy at once at most are entitled to, where that is more than there are; else 0.
func (s *sweep) starved(t *result.Target) float64 {
	if t.Lambda == nil {
		return 0
	}
	used := float64(t.Lambda.MostBusy()) * tune.VCPU(t.Spec.MemoryMB)
	if used <= float64(s.run.Environment.CPUs) {
		return 0
	}
	return used
}

// billed prefers what was counted. What the app says of itself leaves out the time of the adapter and the runtime, and what the client saw has
// the network in it: the truth lies between the two.
func (s *sweep) billed(c *tune.Configuration, t *result.Target, target int) {
	if l := t.Lambda; l != nil {
		if settled := l.Invocations - l.Unsettled; settled > 0 {
			c.BilledMS, c.BilledFrom = s.ranged(float64(l.BilledMS)/float64(settled), s.billedRounds(target)), tune.BilledByMeter
		}
		return
	}
	if f := functionOf(t); f.log != nil && f.log.Invocations > 0 {
		rounds := make([]float64, 0, len(f.log.Rounds))
		for _, r := range f.log.Rounds {
			if r.Invocations > 0 {
				rounds = append(rounds, float64(r.BilledMS)/float64(r.Invocations))
			}
		}
		c.BilledMS, c.BilledFrom = s.ranged(float64(f.log.BilledMS)/float64(f.log.Invocations), rounds), tune.BilledByLog
		if f.log.MemoryMB != 0 && f.log.MemoryMB != c.MemoryMB {
			c.Notes = append(c.Notes, fmt.Sprintf("AWS's log has invocations of %d MB in its turns: the change may have come late.", f.log.MemoryMB))
		}
		return
	}
	client := t.Overall.ServiceTime.Mean
	if client == nil {
		return
	}
	init := 0.
	if c.Init != nil && c.Cold != nil && t.Overall.Requests > 0 {
		init = *c.Init / microsecondsPerMS * float64(*c.Cold) / float64(t.Overall.Requests)
	}
	most := *client/microsecondsPerMS + 1
	c.BilledMS, c.BilledFrom = &cost.Interval{Low: 1, Point: most, High: most}, tune.BilledByClient
	if st := t.Overall.ServerTiming; st != nil && st.App != nil && st.App.Mean != nil {
		// Durations are rounded up to whole ms, by half of one in the mean.
		app := *st.App.Mean / microsecondsPerMS
		c.BilledMS = &cost.Interval{Low: max(1, app), Point: max(1, app+0.5), High: max(most, app+1)}
		c.BilledFrom = tune.BilledByServer
		c.BilledMS = &cost.Interval{Low: c.BilledMS.Low + init, Point: c.BilledMS.Point + init, High: c.BilledMS.High}
		c.BilledMS.High = max(c.BilledMS.High, c.BilledMS.Point)
	}
}

// billedRounds are the means of the rounds.
func (s *sweep) billedRounds(target int) []float64 {
	if target >= len(s.Bills) {
		return nil
	}
	list := make([]float64, len(s.Bills[target]))
	for i, b := range s.Bills[target] {
		list[i] = math.NaN()
		if b.Invocations > 0 {
			list[i] = float64(b.BilledMS) / float64(b.Invocations)
		}
	}
	return list
}

func (s *sweep) region(t *result.Target) string {
	if t.Spec.Region != "" {
		return t.Spec.Region
	}
	return s.Region
}

func (s *sweep) load() cost.Load {
	return cost.Load{Rate: cost.RPS(*s.out.RateRPS), RequestBytes: assumedBytes, ResponseBytes: assumedBytes, RequestsPerConnection: 10, ConnectionSeconds: 60}
}

// million is what a million requests cost at each end of what the bill depends on; nil where that is not known, and a note says why.
func (s *sweep) million(c *tune.Configuration, bill func(end func(cost.Interval) float64) (*cost.Bill, error)) *cost.Interval {
	ends := []func(cost.Interval) float64{
		func(i cost.Interval) float64 { return i.Low }, func(i cost.Interval) float64 { return i.Point }, func(i cost.Interval) float64 { return i.High },
	}
	var usd [3]float64
	for n, end := range ends {
		b, err := bill(end)
		switch {
		case err != nil:
			c.Notes = append(c.Notes, "Its cost is not known: "+strings.ReplaceAll(err.Error(), "\n", "; ")+".")
			return nil
		case b.PerMillion == nil:
			c.Notes = append(c.Notes, fmt.Sprintf("Its cost is not known: there is no price for %s.", and(b.Unknown())))
			return nil
		}
		usd[n] = float64(*b.PerMillion)
		if n == 1 {
			c.Notes = append(c.Notes, b.Caveats...)
		}
	}
	return &cost.Interval{Low: usd[0], Point: usd[1], High: usd[2]}
}

// instances adds what instances cost that ran, whatever the rate is that they could take. Where CloudWatch does not tell how much CPU they used, a burstable
// type costs the price of its hours at least, and at most what all of its CPU above the baseline costs besides.
func (s *sweep) instances(c *tune.Configuration, t *result.Target) {
	if t.Spec.InstanceType == "" || s.out.RateRPS == nil {
		if t.Kind == "process" {
			c.Notes = append(c.Notes, "A process on this machine is no instance: what it costs is not known.")
		}
		return
	}
	n := max(1, t.Spec.Instances)
	e := cost.EC2{
		Region: s.region(t), InstanceType: t.Spec.InstanceType, Capacity: cost.Exactly(*s.out.RateRPS / float64(n)), MinInstances: n,
		FrontDoor: t.Spec.FrontDoor, VolumeGB: assumedVolume, PublicIPv4: t.Spec.FrontDoor == cost.DoorNone,
	}
	cpu := cost.Exactly(1)
	if used := t.CloudWatch; used != nil && used.Instances != nil && used.Instances.CPUMean != nil {
		cpu = cost.Exactly(max(0.001, min(1, *used.Instances.CPUMean))) // of 0 all would be taken
	} else if base := s.Prices.Instances[t.Spec.InstanceType].Baseline; base > 0 {
		cpu = cost.Interval{Low: base, Point: base, High: 1}
		c.Notes = append(c.Notes, "Its CPU use is not known: the cost is that without any above its baseline, its range goes up to all of it.")
	}
	c.USDPerMillion = s.million(c, func(end func(cost.Interval) float64) (*cost.Bill, error) {
		e.CPUAtCapacity = end(cpu)
		return e.Bill(s.Prices, s.load())
	})
}

// estimates are instances of types on which nothing ran: as many as take the rate. Their response times are not known, so they have no place on
// the front.
func (s *sweep) estimates() {
	if s.out.RateRPS == nil {
		return
	}
	in := CostInputsOf(s.run)
	for _, name := range s.Types {
		i := s.Prices.Instances[name]
		c := tune.Configuration{Name: name, Origin: tune.Estimated, InstanceType: name, VCPU: float64(i.VCPU)}
		capacity := s.InstanceRPS
		switch {
		case capacity > 0:
			c.Notes = append(c.Notes, fmt.Sprintf("Nothing ran on it. One is taken for %s, as given.", numeral.Rate(capacity)))
		case in.Capacity == nil || s.run.Environment.CPUs < 1:
			continue
		default:
			capacity = in.Capacity.Point * float64(i.VCPU) / float64(s.run.Environment.CPUs)
			c.Notes = append(c.Notes, fmt.Sprintf("Nothing ran on it. One is taken for %s: what %s answered on the %d CPUs here, in proportion to its vCPUs. It may take more, and cost less: --instance-rps.",
				numeral.Rate(capacity), in.EC2Name, s.run.Environment.CPUs))
			if in.EC2Arch != "" && i.Arch != in.EC2Arch {
				c.Notes = append(c.Notes, fmt.Sprintf("The machine here is %s, not %s.", in.EC2Arch, i.Arch))
			}
		}
		e := cost.EC2{
			Region: s.Region, InstanceType: name, Headroom: assumedHeadroom, MinInstances: assumedLeast, FrontDoor: cost.DoorALB, VolumeGB: assumedVolume,
			Capacity: cost.Exactly(capacity), CPUAtCapacity: 1,
		}
		c.USDPerMillion = s.million(&c, func(func(cost.Interval) float64) (*cost.Bill, error) {
			b, err := e.Bill(s.Prices, s.load())
			if err == nil {
				c.Instances = b.Instances
			}
			return b, err
		})
		s.out.Configurations = append(s.out.Configurations, c)
	}
}
