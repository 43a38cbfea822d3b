package loadgen

import (
	"bytes"
	"time"

	"github.com/valyala/fasthttp"
)

// serverTiming is what an answer says of itself in Server-Timing (https://www.w3.org/TR/server-timing/). A Lambda target adds init to
// the first answer of an environment, so that such an answer is known to be cold.
type serverTiming struct {
	cold bool
	// Negative where the answer does not tell.
	app, store, init time.Duration
}

// untold is an answer that says nothing.
var untold = serverTiming{app: -1, store: -1, init: -1}

// timingOf reads an answer. Front doors may have added Server-Timing headers of their own.
func timingOf(resp *fasthttp.Response) serverTiming {
	t := untold
	for _, value := range resp.Header.PeekAll("Server-Timing") {
		t.read(value)
	}
	return t
}

// read takes the metrics out of the value of a Server-Timing header: they are parted by commas, the parameters of each by semicolons,
// and both may stand in quotes, where they part nothing. Of a metric that is there twice the last one holds.
func (t *serverTiming) read(value []byte) {
	for more := true; more; {
		var metric []byte
		metric, value, more = cutUnquoted(value, ',')
		name, params, _ := cutUnquoted(metric, ';')
		var to *time.Duration
		switch string(bytes.TrimSpace(name)) { // names of metrics know case
		case "app":
			to = &t.app
		case "store":
			to = &t.store
		case "init":
			to = &t.init
		default:
			continue
		}
		d, ok := duration(params)
		if !ok {
			continue
		}
		if to == &t.init {
			t.cold = true
		}
		if d >= 0 {
			*to = d
		}
	}
}

// duration looks for dur=… among the parameters of a metric, in milliseconds; it is negative where that is no number.
func duration(params []byte) (d time.Duration, ok bool) {
	for more := true; more; {
		var param []byte
		param, params, more = cutUnquoted(params, ';')
		name, value, found := bytes.Cut(param, equalsSign)
		if found && bytes.EqualFold(bytes.TrimSpace(name), durName) {
			return milliseconds(bytes.Trim(bytes.TrimSpace(value), `"`)), true
		}
	}
	return 0, false
}

var (
	equalsSign = []byte("=")
	durName    = []byte("dur")
)

// longestTold is far above what any answer may take.
const longestTold = 24 * time.Hour

// milliseconds reads a plain decimal number, to the nanosecond; -1 is none, or one beyond a day.
func milliseconds(text []byte) time.Duration {
	d, unit, point, digits := time.Duration(0), time.Millisecond, false, 0
	for _, c := range text {
		switch {
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return -1
		case point:
			unit /= 10
			d += time.Duration(c-'0') * unit // what is below a nanosecond is 0
			digits++
		default:
			d = d*10 + time.Duration(c-'0')*time.Millisecond
			digits++
		}
		if d > longestTold {
			return -1
		}
	}
	if digits == 0 {
		return -1
	}
	return d
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
