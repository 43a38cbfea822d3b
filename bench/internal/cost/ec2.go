package cost

import (
	"errors"
	"fmt"
	"strings"
)

// EC2 is a group of equal instances with its front door.
type EC2 struct {
	Region string `json:"region"`
	// InstanceType is one that the table knows.
	InstanceType string `json:"instance_type"`
	// Capacity is the rate in requests a second that one instance takes within the SLO, as measured; above 0.
	Capacity Interval `json:"capacity_rps"`
	// Headroom is the share of the capacity that is kept free, 0 to 0.95.
	Headroom float64 `json:"headroom"`
	// MinInstances is the least number; 0 is 1.
	MinInstances int `json:"min_instances"`
	// Autoscaled says that the number of instances follows the duty's rate. Otherwise it is that of the highest rate, all the time.
	Autoscaled bool `json:"autoscaled"`
	// FrontDoor is alb or none; Zones are those of an alb, 0 is 2.
	FrontDoor string `json:"front_door"`
	Zones     int    `json:"zones,omitempty"`
	// VolumeGB of gp3 of each instance; VolumeIOPS and VolumeMiBps above 3,000 and 125 are charged, 0 is these.
	VolumeGB    float64 `json:"volume_gb"`
	VolumeIOPS  float64 `json:"volume_iops,omitempty"`
	VolumeMiBps float64 `json:"volume_mibps,omitempty"`
	// PublicIPv4 says that each instance has a public address.
	PublicIPv4 bool `json:"public_ipv4"`
	// Discount is what a savings plan takes off the price of the instances, 0 to below 1.
	Discount float64 `json:"savings_plan_discount"`
	// CPUAtCapacity is the share of all vCPUs that an instance uses at its capacity, 0 to 1. What a burstable type uses above its
	// baseline is charged, as its credits are unlimited by default; 0 is not known, and taken as 1.
	CPUAtCapacity float64 `json:"cpu_at_capacity"`
	// LogBytes is what a request writes to CloudWatch Logs.
	LogBytes Bytes `json:"log_bytes"`
}

// What a gp3 volume has without charge. Source: https://aws.amazon.com/ebs/pricing/.
const (
	freeIOPS  = 3000
	freeMiBps = 125
)

// minCapacity keeps the number of instances within what can be counted.
const minCapacity = 0.001

func (e *EC2) validate(t *Table) error {
	return errors.Join(
		t.CheckRegion(e.Region), t.CheckInstance(e.InstanceType),
		e.Capacity.check("capacity in requests/s", minCapacity, largest),
		inRange("headroom", e.Headroom, 0, 0.95),
		inRange("least instances", float64(e.MinInstances), 0, 1e6),
		inRange("zones", float64(e.Zones), 0, 10),
		inRange("volume in GB", e.VolumeGB, 0, 65536),
		inRange("IOPS of the volume", e.VolumeIOPS, 0, 1e6),
		inRange("throughput of the volume", e.VolumeMiBps, 0, 1e6),
		inRange("discount", e.Discount, 0, 0.99),
		inRange("CPU at capacity", e.CPUAtCapacity, 0, 1),
		inRange("bytes of logs", float64(e.LogBytes), 0, 1<<40),
	)
}

func (e *EC2) option(t *Table, l Load, end pick) (*option, error) {
	if err := errors.Join(e.validate(t), l.validate()); err != nil {
		return nil, err
	}
	if e.FrontDoor != DoorALB && e.FrontDoor != DoorNone && e.FrontDoor != "" {
		return nil, fmt.Errorf("front door %q: instances have %s or %s", e.FrontDoor, DoorALB, DoorNone)
	}
	capacity := end(e.Capacity)
	o := &option{
		name: "EC2", load: l, sources: t.Sources,
		usable: capacity * (1 - e.Headroom), least: max(1, e.MinInstances), autoscaled: e.Autoscaled,
	}
	instances := part{item: "Instances, " + e.InstanceType, unit: "hours", rate: t.Rate(e.Region, keyInstance+e.InstanceType), perInstance: 1, factor: 1 - e.Discount}
	if e.Discount > 0 {
		instances.note = fmt.Sprintf("with %.12g %% off by a savings plan, as given", e.Discount*100)
	}
	o.parts = append(o.parts, instances)
	e.burst(t, o, capacity)
	o.parts = append(o.parts, e.volumes(t)...)
	if e.PublicIPv4 {
		o.parts = append(o.parts, part{item: "Public IPv4 of the instances", unit: "hours", rate: t.Rate(e.Region, keyIPv4), perInstance: 1})
	}
	door, err := doorParts(t, e.Region, e.FrontDoor, e.Zones, l, false)
	if err != nil {
		return nil, err
	}
	o.parts = append(o.parts, door...)
	o.parts = append(o.parts, logsPart(t, e.Region, e.LogBytes)...)
	o.parts = append(o.parts, transferPart(t, e.Region, l)...)
	if e.FrontDoor != DoorALB && o.count(float64(l.Rate)*l.Duty.peak()) > 1 {
		o.caveats = append(o.caveats, "EC2: several instances need something that spreads the requests; without a load balancer it is not in the figures.")
	}
	return o, nil
}

// burst adds what a burstable type costs for the CPU that it uses above its baseline, as a mean over all of the time.
func (e *EC2) burst(t *Table, o *option, capacity float64) {
	i := t.Instances[e.InstanceType]
	if i.Baseline == 0 {
		return
	}
	used := e.CPUAtCapacity
	if used == 0 {
		used = 1
		o.caveats = append(o.caveats, fmt.Sprintf("EC2: the CPU that a %s uses at its capacity is not known; all of it is assumed, which may charge too much for its credits.", e.InstanceType))
	}
	family, _, _ := strings.Cut(e.InstanceType, ".")
	o.surplusPerRequest = used * float64(i.VCPU) / capacity / secondsPerHour
	o.baseline = i.Baseline * float64(i.VCPU)
	o.parts = append(o.parts, part{
		item: "CPU above the baseline, " + family, unit: "vCPU-hours", rate: t.Rate(Global, keySurplus+family), perSurplus: 1,
	})
	if !o.load.Duty.even() {
		o.caveats = append(o.caveats, "EC2: credits are evened out over all of the time, AWS evens them out over 24 hours: a load that comes in long peaks may cost more.")
	}
}

// Surplus is what CPU credits cost that a burstable type has used above those that it earned, and the date of that price. A credit is a
// minute of one vCPU. It is nil where the price is not known.
func (t *Table) Surplus(instanceType string, credits float64) (*USD, string) {
	family, _, _ := strings.Cut(instanceType, ".")
	rate := t.Rate(Global, keySurplus+family)
	if len(rate.Tiers) == 0 || rate.Tiers[0].USD == nil {
		return nil, ""
	}
	usd := USD(credits / 60 * *rate.Tiers[0].USD)
	return &usd, rate.Tiers[0].AsOf
}

func (e *EC2) volumes(t *Table) []part {
	var list []part
	add := func(item, unit, key string, amount float64) {
		if amount > 0 {
			list = append(list, part{item: item, unit: unit, rate: t.Rate(e.Region, key), perInstance: amount / HoursPerMonth})
		}
	}
	add("Volumes, gp3", "GB-months", keyVolume, e.VolumeGB)
	add("Volumes, IOPS above 3,000", "IOPS-months", keyVolumeIOPS, e.VolumeIOPS-freeIOPS)
	add("Volumes, throughput above 125 MiB/s", "MiB/s-months", keyVolumeThroughput, e.VolumeMiBps-freeMiBps)
	return list
}

// Bill is what the instances cost under a load.
func (e *EC2) Bill(t *Table, l Load) (*Bill, error) {
	o, err := e.option(t, l, point)
	if err != nil {
		return nil, err
	}
	return o.bill(float64(l.Rate)), nil
}

// Managed is Lambda Managed Instances: the function on instances that Lambda runs, many requests at once in an environment.
type Managed struct {
	// EC2 are the instances; their front door is not used. It is assumed that one takes the same rate as it does by itself.
	EC2 EC2 `json:"ec2"`
	// FrontDoor is that of a function.
	FrontDoor string `json:"front_door"`
}

func (m *Managed) option(t *Table, l Load, end pick) (*option, error) {
	e := m.EC2
	e.FrontDoor, e.PublicIPv4 = DoorNone, false
	o, err := e.option(t, l, end)
	if err != nil {
		return nil, err
	}
	o.name = "Lambda Managed Instances"
	fee := part{item: "Management fee", unit: "hours", rate: t.Rate(e.Region, keyInstance+e.InstanceType), perInstance: 1, note: "a share of the on-demand price"}
	if share := t.Rate(Global, keyManagedFee); len(share.Tiers) == 1 && share.Tiers[0].USD != nil {
		fee.factor = *share.Tiers[0].USD
	} else {
		fee.rate = share
		fee.rate.Tiers = nil
	}
	o.parts = append(o.parts, fee, part{item: "Requests", unit: "requests", rate: t.Rate(Global, keyManagedRequest), perRequest: 1})
	door, err := doorParts(t, e.Region, m.FrontDoor, e.Zones, l, true)
	if err != nil {
		return nil, err
	}
	o.parts = append(o.parts, door...)
	o.caveats = []string{
		"Lambda Managed Instances: the capacity of an instance is taken to be what it is on EC2, and AWS's documentation does not name Go among their runtimes.",
	}
	return o, nil
}

// Bill is what managed instances cost under a load.
func (m *Managed) Bill(t *Table, l Load) (*Bill, error) {
	o, err := m.option(t, l, point)
	if err != nil {
		return nil, err
	}
	return o.bill(float64(l.Rate)), nil
}
