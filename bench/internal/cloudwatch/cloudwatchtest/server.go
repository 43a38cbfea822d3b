// Package cloudwatchtest answers as CloudWatch Logs and CloudWatch do, as far as bench asks them: JSON 1.1 and RPC v2 CBOR over HTTP.
package cloudwatchtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// Operations that it knows.
const (
	FilterLogEvents = "FilterLogEvents"
	GetMetricData   = "GetMetricData"
)

// Event is a line of a log.
type Event struct {
	At      time.Time
	Stream  string
	Message string
	// Late is how often the log is listed from its start before it has this line.
	Late int
}

// Sample is a figure of an instance.
type Sample struct {
	Metric, Instance string
	At               time.Time
	Value            float64
	// Late is how often metrics are asked for before it is there.
	Late int
}

// Server is an AWS account with a log group and the metrics of instances. It may be changed while it serves, with Lock held.
type Server struct {
	sync.Mutex
	LogGroup string
	Events   []Event
	// PageSize is how many events an answer has at most; 0 is 10,000.
	PageSize int
	// Groups has the instances of Auto Scaling groups.
	Groups  map[string][]string
	Samples []Sample
	// Fail gives the error of a call, counted from 1 by operation; empty answers it.
	Fail func(operation string, call int) string
	// Ahead is how far its clock is ahead.
	Ahead time.Duration
	// Calls are counted by operation, Listings are those of the log that began at its start.
	Calls    map[string]int
	Listings int
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	defer s.Unlock()
	if s.Calls == nil {
		s.Calls = map[string]int{}
	}
	w.Header().Set("Date", time.Now().Add(s.Ahead).UTC().Format(http.TimeFormat)) //nolint:forbidigo // as a server does
	body, _ := io.ReadAll(r.Body)
	operation, answer, fail := FilterLogEvents, s.filter, failJSON
	switch {
	case r.Header.Get("X-Amz-Target") == "Logs_20140328.FilterLogEvents":
	case strings.HasSuffix(r.URL.Path, "/operation/GetMetricData"):
		operation, answer, fail = GetMetricData, s.metrics, failCBOR
	default:
		http.Error(w, "no such operation", http.StatusNotFound)
		return
	}
	s.Calls[operation]++
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=") {
		fail(w, "UnrecognizedClientException")
		return
	}
	if s.Fail != nil {
		if code := s.Fail(operation, s.Calls[operation]); code != "" {
			fail(w, code)
			return
		}
	}
	if err := answer(w, body); err != nil {
		fail(w, err.Error())
	}
}

func failJSON(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, code)
}

func failCBOR(w http.ResponseWriter, code string) {
	writeCBOR(w, http.StatusBadRequest, cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#" + code), "message": cbor.String("no")})
}

func writeCBOR(w http.ResponseWriter, status int, v cbor.Map) {
	w.Header().Set("Content-Type", "application/cbor")
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.WriteHeader(status)
	_, _ = w.Write(cbor.Encode(v))
}

// fault is the code of an error.
type fault string

// Error implements error.
func (f fault) Error() string { return string(f) }

var term = regexp.MustCompile(`\?"([^"]*)"`)

// filter implements FilterLogEvents with patterns that are terms of which one must be there.
func (s *Server) filter(w http.ResponseWriter, body []byte) error {
	var in struct {
		LogGroupName, LogGroupIdentifier, FilterPattern, NextToken string
		StartTime, EndTime                                         int64
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return fault("SerializationException")
	}
	if in.LogGroupName != s.LogGroup && in.LogGroupIdentifier != s.LogGroup {
		return fault("ResourceNotFoundException")
	}
	from, _ := strconv.Atoi(in.NextToken)
	if from == 0 {
		s.Listings++
	}
	terms := term.FindAllStringSubmatch(in.FilterPattern, -1)
	if len(terms) == 0 {
		return fault("InvalidParameterException")
	}
	type event struct {
		EventID       string `json:"eventId"`
		LogStreamName string `json:"logStreamName"`
		Message       string `json:"message"`
		Timestamp     int64  `json:"timestamp"`
	}
	out := struct {
		Events    []event `json:"events"`
		NextToken string  `json:"nextToken,omitempty"`
	}{Events: []event{}}
	end := min(len(s.Events), from+s.pageSize())
	for i := from; i < end; i++ {
		e, at := &s.Events[i], s.Events[i].At.UnixMilli()
		found := slices.ContainsFunc(terms, func(t []string) bool { return strings.Contains(e.Message, t[1]) })
		if found && e.Late < s.Listings && at >= in.StartTime && at <= in.EndTime {
			out.Events = append(out.Events, event{fmt.Sprintf("%056d", i), e.Stream, e.Message, at})
		}
	}
	if end < len(s.Events) {
		out.NextToken = strconv.Itoa(end)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	return json.NewEncoder(w).Encode(out)
}

func (s *Server) pageSize() int {
	if s.PageSize > 0 {
		return s.PageSize
	}
	return 10_000
}

// metrics implements GetMetricData: it sums raw figures up as CloudWatch does.
func (s *Server) metrics(w http.ResponseWriter, body []byte) error {
	v, err := cbor.Decode(body)
	in, ok := v.(cbor.Map)
	if err != nil || !ok {
		return fault("SerializationException")
	}
	start, startErr := cbor.AsTime(in["StartTime"])
	end, endErr := cbor.AsTime(in["EndTime"])
	queries, ok := in["MetricDataQueries"].(cbor.List)
	if startErr != nil || endErr != nil || !ok {
		return fault("ValidationError")
	}
	results := cbor.List{}
	for _, q := range queries {
		result, err := s.query(q, start, end)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	writeCBOR(w, http.StatusOK, cbor.Map{"MetricDataResults": results})
	return nil
}

func (s *Server) query(v cbor.Value, start, end time.Time) (cbor.Map, error) {
	text := func(v cbor.Value) string { t, _ := v.(cbor.String); return string(t) }
	query, _ := v.(cbor.Map)
	stat, _ := query["MetricStat"].(cbor.Map)
	metric, _ := stat["Metric"].(cbor.Map)
	seconds, err := cbor.AsInt64(stat["Period"])
	dimensions, _ := metric["Dimensions"].(cbor.List)
	if err != nil || seconds <= 0 || len(dimensions) != 1 || text(metric["Namespace"]) != "AWS/EC2" {
		return nil, fault("ValidationError")
	}
	dimension, _ := dimensions[0].(cbor.Map)
	instances := []string{text(dimension["Value"])}
	if text(dimension["Name"]) == "AutoScalingGroupName" {
		instances = s.Groups[instances[0]]
	}
	period := time.Duration(seconds) * time.Second
	byTime := map[time.Time][]float64{}
	for _, one := range s.Samples {
		at := one.At.UTC().Truncate(period)
		if one.Metric == text(metric["MetricName"]) && slices.Contains(instances, one.Instance) && !at.Before(start) && at.Before(end) && one.Late < s.Calls[GetMetricData] {
			byTime[at] = append(byTime[at], one.Value)
		}
	}
	var times []time.Time
	for at := range byTime {
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	timestamps, values := cbor.List{}, cbor.List{}
	for _, at := range times {
		timestamps = append(timestamps, &cbor.Tag{ID: 1, Value: cbor.Float64(at.Unix())})
		values = append(values, cbor.Float64(statistic(text(stat["Stat"]), byTime[at])))
	}
	return cbor.Map{
		"Id": query["Id"], "Label": metric["MetricName"], "StatusCode": cbor.String("Complete"), "Timestamps": timestamps, "Values": values,
	}, nil
}

func statistic(name string, values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch name {
	case "Minimum":
		return slices.Min(values)
	case "Maximum":
		return slices.Max(values)
	case "Sum":
		return sum
	}
	return sum / float64(len(values))
}
