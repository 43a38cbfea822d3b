package cost

import (
	"errors"
	"fmt"
	"math"
)

// Duty is a load that changes in steps over the week. The empty Duty is even.
type Duty struct {
	Name string `json:"name"`
	// Segments together last all of the time, and have the mean rate of the load as their mean.
	Segments []Segment `json:"segments"`
}

// Segment is a part of the time with one rate.
type Segment struct {
	// Share of the time, above 0 to 1.
	Share float64 `json:"share"`
	// Factor is its rate over the mean rate, 0 or more.
	Factor float64 `json:"factor"`
}

// Even is a load that never changes.
func Even() Duty { return Duty{Name: "even", Segments: []Segment{{1, 1}}} }

// BusinessHours has all its requests in 10 hours of 5 days a week, and none at other times.
func BusinessHours() Duty {
	const share = 10.0 * 5 / (24 * 7)
	return Duty{Name: "business-hours", Segments: []Segment{{share, 1 / share}, {1 - share, 0}}}
}

// Bursty has ten times the mean rate for a twentieth of the time, and the rest evenly.
func Bursty() Duty { d, _ := Peak("bursty", 0.05, 10); return d }

// Peak has factor times the mean rate for a share of the time, and the rest evenly. It fails where more than all requests would be in
// the peak.
func Peak(name string, share, factor float64) (Duty, error) {
	err := errors.Join(inRange("share of the peak", share, 1e-6, 1), inRange("factor of the peak", factor, 1, 1e6))
	if err == nil && share*factor > 1+1e-9 {
		err = fmt.Errorf("a peak of %g times the mean rate for %.12g %% of the time has more than all requests: their product must be 100 %% at most", factor, 100*share)
	}
	if err != nil {
		return Duty{}, err
	}
	if share > 1-1e-9 {
		return Duty{Name: name, Segments: []Segment{{1, 1}}}, nil
	}
	return Duty{Name: name, Segments: []Segment{{share, factor}, {1 - share, max(0, (1-share*factor)/(1-share))}}}, nil
}

func (d Duty) segments() []Segment {
	if len(d.Segments) == 0 {
		return []Segment{{1, 1}}
	}
	return d.Segments
}

// name of the empty Duty is that of the even one.
func (d Duty) name() string {
	if d.Name == "" {
		return Even().Name
	}
	return d.Name
}

// peak is the highest rate over the mean rate.
func (d Duty) peak() float64 {
	p := 0.0
	for _, s := range d.segments() {
		p = max(p, s.Factor)
	}
	return p
}

func (d Duty) even() bool {
	for _, s := range d.segments() {
		if s.Factor != 1 {
			return false
		}
	}
	return true
}

func (d Duty) validate() error {
	share, mean := 0.0, 0.0
	for _, s := range d.segments() {
		if err := errors.Join(inRange("share of a segment", s.Share, 1e-9, 1), inRange("factor of a segment", s.Factor, 0, largest)); err != nil {
			return err
		}
		share += s.Share
		mean += s.Share * s.Factor
	}
	if math.Abs(share-1) > 1e-6 || math.Abs(mean-1) > 1e-6 {
		return fmt.Errorf("the segments of duty %q last %g of the time with %g of the mean rate: expected 1 and 1", d.Name, share, mean)
	}
	return nil
}
