package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// The journal is a file beside the result that grows while a run goes on, so that what was measured outlives the program
// and the machine. It is JSON, one object a line, and stays when the run is done: the intervals are its time series.
//
// The first line is a JournalHead. Then follow the turns, one after the other, each a phase of a round on one target: any
// number of lines that are a JournalInterval, which together have all that was recorded, and a JournalTurn at its end. After a
// turn there may be a JournalHealth; the last one holds. In a search for the capacity there are no turns: after each trial there is a
// JournalCapacity with all trials of its target so far. The field "type" tells them apart.
//
// Lines are only ever appended, and never without their line break, so that a last line that lacks it was cut off. Fields may be added
// under one schema version; lines of other types are none of this version.
//
// Histograms merge: every figure of a longer span is had by merging the histograms of its intervals. To save space a
// service time that is the response time, as in a closed loop, has its figures but an empty histogram.

// JournalName is the name of the journal in its folder.
const JournalName = "intervals.ndjson"

// The types of lines.
const (
	typeHead     = "head"
	typeInterval = "interval"
	typeTurn     = "turn"
	typeHealth   = "health"
	typeCapacity = "capacity"
)

// JournalHead is the first line: all that is known before the load, which is a Run whose targets have no figures yet. Their
// cold starts are there, with what the check before the load had started, where a target can have any.
type JournalHead struct {
	Type string `json:"type"`
	Run  *Run   `json:"run"`
}

// JournalInterval is what ended within a part of a turn.
type JournalInterval struct {
	Type   string `json:"type"`
	Target string `json:"target"`
	// At is when the interval ended, by the clock on the wall. FromS and ToS are seconds since the turn began.
	At    time.Time `json:"at"`
	FromS float64   `json:"from_s"`
	ToS   float64   `json:"to_s"`
	// InFlight is how many requests were sent and had no answer at the interval's end, Queued how many were due and waited for
	// a connection.
	InFlight int64 `json:"in_flight"`
	Queued   int64 `json:"queued"`
	// Phase says which turn it is; its figures are those of the interval, and it has no wall time.
	Phase PhaseStats `json:"phase"`
	// Steps are the same figures by step, in the scenario's order.
	Steps []StepStats `json:"steps"`
	// Cold has the response times of successes that were the first of their environment; null if there were none.
	Cold *Summary `json:"cold_us"`
	// Examples are the first failures of their kind in the turn.
	Examples []ErrorSample `json:"error_examples,omitempty"`
}

// JournalTurn is the end of a turn: what its intervals cannot tell.
type JournalTurn struct {
	Type   string    `json:"type"`
	Target string    `json:"target"`
	At     time.Time `json:"at"`
	Phase  string    `json:"phase"`
	// Round counts from 1.
	Round int `json:"round"`
	// WallS is from the first send to the last answer; null where nothing was sent.
	WallS *float64 `json:"wall_s"`
}

// JournalHealth is the health of the load generator over all turns so far.
type JournalHealth struct {
	Type      string    `json:"type"`
	Generator Generator `json:"generator"`
}

// JournalCapacity is what the search for a target's capacity has found so far.
type JournalCapacity struct {
	Type     string    `json:"type"`
	Target   string    `json:"target"`
	At       time.Time `json:"at"`
	Capacity *Capacity `json:"capacity"`
}

// Line is the head's text in the journal.
func (h JournalHead) Line() ([]byte, error) {
	h.Type = typeHead
	return journalLine(h)
}

// Line is the interval's text in the journal.
func (i JournalInterval) Line() ([]byte, error) {
	i.Type = typeInterval
	shorten(&i.Phase.Stats)
	steps := make([]StepStats, len(i.Steps)) // what the caller has is not ours to change
	copy(steps, i.Steps)
	for n := range steps {
		shorten(&steps[n].Stats)
	}
	i.Steps = steps
	return journalLine(i)
}

// Line is the turn's text in the journal.
func (t JournalTurn) Line() ([]byte, error) {
	t.Type = typeTurn
	return journalLine(t)
}

// Line is the health's text in the journal.
func (h JournalHealth) Line() ([]byte, error) {
	h.Type = typeHealth
	return journalLine(h)
}

// Line is the text of what was found in the journal.
func (c JournalCapacity) Line() ([]byte, error) {
	c.Type = typeCapacity
	return journalLine(c)
}

func journalLine(v any) ([]byte, error) {
	var line bytes.Buffer
	to := json.NewEncoder(&line)
	to.SetEscapeHTML(false)
	if err := to.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding a line of the journal: %w", err)
	}
	return line.Bytes(), nil
}

// shorten leaves out the histogram of a service time that is the response time; lengthen puts it back.
func shorten(s *Stats) {
	if s.ServiceTime.Histogram == s.ResponseTime.Histogram {
		s.ServiceTime.Histogram = ""
	}
}

func lengthen(s *Stats) {
	if s.ServiceTime.Histogram == "" && s.ServiceTime.Count == s.ResponseTime.Count {
		s.ServiceTime.Histogram = s.ResponseTime.Histogram
	}
}
