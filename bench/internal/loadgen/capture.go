package loadgen

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// capture is a part of an answer that later steps use.
type capture struct {
	scenario.Capture
	match *regexp.Regexp // nil keeps the whole
}

func newCapture(c scenario.Capture) capture {
	out := capture{Capture: c}
	if c.Match != "" {
		out.match = regexp.MustCompile(c.Match) // the scenario was checked
	}
	return out
}

// capture keeps what later steps need, or says what is missing.
func (r *request) capture(resp *fasthttp.Response, v *scenario.Variables) (kind string, detail func() string) {
	for i := range r.captures {
		c := &r.captures[i]
		value, err := c.value(resp)
		if err != nil {
			return kindCapture, func() string { return fmt.Sprintf("capture %s: %v", c.Name, err) }
		}
		v.Capture(c.Name, value)
	}
	return "", nil
}

// value is the part of the answer.
func (c *capture) value(resp *fasthttp.Response) ([]byte, error) {
	value, err := c.whole(resp)
	if err != nil || c.match == nil {
		return value, err
	}
	groups := c.match.FindSubmatch(value)
	switch {
	case groups == nil:
		return nil, fmt.Errorf("expected a match of %s, got %s", c.Match, quote(value))
	case len(groups) > 1:
		return groups[1], nil
	}
	return groups[0], nil
}

func (c *capture) whole(resp *fasthttp.Response) ([]byte, error) {
	if c.Header != "" {
		value := resp.Header.Peek(c.Header)
		if len(value) == 0 {
			return nil, fmt.Errorf("expected a header %s, got none", c.Header)
		}
		return value, nil
	}
	var document any
	if err := json.Unmarshal(resp.Body(), &document); err != nil {
		return nil, fmt.Errorf("expected a JSON body, got %s", quote(resp.Body()))
	}
	found, ok := lookUp(document, c.JSON)
	if !ok {
		return nil, fmt.Errorf("expected %s in the JSON body, got %s", c.JSON, quote(resp.Body()))
	}
	switch v := found.(type) {
	case string:
		return []byte(v), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'f', -1, 64), nil
	}
	return json.Marshal(found)
}

// lookUp walks a path such as user.ids.0.
func lookUp(document any, path string) (any, bool) {
	for key := range strings.SplitSeq(path, ".") {
		switch at := document.(type) {
		case map[string]any:
			value, ok := at[key]
			if !ok {
				return nil, false
			}
			document = value
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			document = at[i]
		default:
			return nil, false
		}
	}
	return document, true
}
