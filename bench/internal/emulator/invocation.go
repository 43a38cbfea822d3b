package emulator

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"sync"
	"time"
)

// invocation is one event on its way through the service. A front door takes one from newInvocation, fills in the event,
// calls function.invoke and gives it back with free.
type invocation struct {
	id      string
	traceID string
	client  string // the client context, JSON in one line; only the Invoke API has it
	event   []byte
	body    bytes.Buffer // of the request, scratch for the front door
	head    []byte       // scratch for the Runtime API

	log      *logTail  // of a front door that wants the log; nil otherwise
	slot     *slot     // it is bound to
	tries    int       // how often it was bound to an environment
	limit    time.Time // its deadline, if that began to count before it was bound; else zero
	refused  error     // why the environment that it waited for did not come up
	deadline time.Time
	stream   *stream       // of a front door that takes answers in parts; nil otherwise
	done     chan outcome  // one element for each time it is bound to an environment
	granted  chan *apiConn // one element for each wait
	sent     bool          // who granted it has sent the event, too
	timer    *time.Timer
}

// maxTries is how many environments an event is given to while they end before they have read it.
const maxTries = 3

// outcomeKind says how an invocation ended.
type outcomeKind int

const (
	outcomeAnswer        outcomeKind = iota
	outcomeNotRun                    // no environment got the event
	outcomeFunctionError             // the function reported an error
	outcomeExit                      // the process ended
	outcomeUnread                    // the process ended before it had read the event
	outcomeTimeout
	outcomeTooLarge // the answer is over MaxPayload
)

// outcome is how an invocation ended: with an answer, to be given back with freeBuffer, or an error.
type outcome struct {
	kind   outcomeKind
	answer *bytes.Buffer
	err    error
}

// maxPooled is the size up to which buffers are kept for later use, so that one great request does not stay in memory.
const maxPooled = 64 << 10

// pools of what each request needs. They hold nothing that a later request could see.
type pools struct {
	invocations sync.Pool
	buffers     sync.Pool
}

func (p *pools) newInvocation() *invocation {
	inv, _ := p.invocations.Get().(*invocation)
	if inv == nil {
		inv = &invocation{done: make(chan outcome, 1), granted: make(chan *apiConn, 1), timer: time.NewTimer(time.Hour)}
		inv.timer.Stop()
	}
	inv.id = newRequestID()
	return inv
}

func (p *pools) free(inv *invocation) {
	if cap(inv.event) > maxPooled {
		inv.event = nil
	}
	inv.dropBody()
	inv.event = inv.event[:0]
	inv.body.Reset()
	inv.slot, inv.tries, inv.limit = nil, 0, time.Time{}
	inv.stream, inv.log, inv.client = nil, nil, ""
	p.invocations.Put(inv)
}

// Many great requests may wait at once. What each has in memory then is its event, once: buffers that grow by doubling would have been
// three times as much.

// expectBody makes room for a body of that length, if it is great and not over most.
func (inv *invocation) expectBody(length int64, most int) {
	if length > maxPooled && length <= int64(most) {
		inv.body.Grow(int(length) + bytes.MinRead)
	}
}

// roomForBody makes room for an event with the body in it, if that is great: in base64 and with as much beside it as fits in a pooled one.
func (inv *invocation) roomForBody() {
	if n := inv.body.Len(); n > maxPooled {
		inv.event = make([]byte, 0, base64.StdEncoding.EncodedLen(n)+maxPooled)
	}
}

// dropBody lets go of a great body that is in the event.
func (inv *invocation) dropBody() {
	if inv.body.Cap() > maxPooled {
		inv.body = bytes.Buffer{}
	}
}

func (p *pools) newBuffer() *bytes.Buffer {
	if b, ok := p.buffers.Get().(*bytes.Buffer); ok {
		return b
	}
	return new(bytes.Buffer)
}

func (p *pools) freeBuffer(b *bytes.Buffer) {
	if b != nil && b.Cap() <= maxPooled {
		b.Reset()
		p.buffers.Put(b)
	}
}

// newRequestID returns a random UUID, version 4.
func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

// newTraceID returns an X-Ray trace id that is not sampled.
func newTraceID(now time.Time) string {
	var id [12]byte
	_, _ = rand.Read(id[:])
	text := make([]byte, 0, 48)
	text = append(text, "Root=1-"...)
	text = strconv.AppendInt(text, now.Unix(), 16) // eight digits from 1978 to 2106
	text = append(text, '-')
	text = hex.AppendEncode(text, id[:])
	return string(text)
}
