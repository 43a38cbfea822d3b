package loadgen

import (
	"bytes"
	"slices"

	"github.com/valyala/fasthttp"
)

// coldMetric is the Server-Timing metric that a Lambda target adds to the first answer of an environment, with its duration.
const coldMetric = "init"

// isCold says whether an answer is an environment's first. Front doors may have added Server-Timing headers of their own.
func isCold(resp *fasthttp.Response) bool {
	return slices.ContainsFunc(resp.Header.PeekAll("Server-Timing"), hasColdMetric)
}

// hasColdMetric looks for the metric in the value of a Server-Timing header: metrics are parted by commas, the parameters of
// each by semicolons, and both may stand in quotes, where they part nothing.
func hasColdMetric(value []byte) bool {
	if !bytes.Contains(value, []byte(coldMetric)) { // nearly always
		return false
	}
	for more := true; more; {
		var metric []byte
		metric, value, more = cutUnquoted(value, ',')
		name, params, _ := cutUnquoted(metric, ';')
		if string(bytes.TrimSpace(name)) == coldMetric && hasDuration(params) {
			return true
		}
	}
	return false
}

// hasDuration looks for dur=… among the parameters of a metric.
func hasDuration(params []byte) bool {
	for more := true; more; {
		var param []byte
		param, params, more = cutUnquoted(params, ';')
		name, _, ok := bytes.Cut(param, []byte("="))
		if ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("dur")) {
			return true
		}
	}
	return false
}

// cutUnquoted cuts at the first separator outside of quotes, like bytes.Cut.
func cutUnquoted(s []byte, separator byte) (before, after []byte, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == separator:
			return s[:i], s[i+1:], true
		}
	}
	return s, nil, false
}
