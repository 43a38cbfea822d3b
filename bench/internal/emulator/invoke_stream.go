package emulator

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/http"
)

// invokeStream invokes and passes the answer on in parts, as messages of an event stream
// (https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html): PayloadChunk for each part, of whatever type the answer
// is, and InvokeComplete at the end. What ErrorCode and ErrorDetails are for an error is not documented: here they are its type, and the
// JSON that Invoke would answer.
func (f *function) invokeStream(w http.ResponseWriter, r *http.Request, call *invokeCall, inv *invocation) {
	s := &eventStream{w: w}
	inv.stream = newStream(s.chunk)
	inv.stream.raw = true
	if call.logTail {
		inv.log = newLogTail(inv.id)
	}
	log := inv.log
	out := f.invoke(inv) //nolint:contextcheck // an invocation outlives the request that caused it
	defer f.pools.freeBuffer(out.answer)
	if out.kind == outcomeNotRun {
		f.refusal(out.err).write(w)
		return
	}
	var end struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}
	if out.kind != outcomeAnswer {
		f.cfg.Log.DebugContext(r.Context(), "invocation failed", "request_id", inv.id, "error", out.err)
		end.ErrorCode, _ = f.errorWords(inv.id, out)
		end.ErrorDetails = string(f.errorBody(inv.id, out))
	}
	if log != nil {
		end.LogResult = log.result()
	}
	body, err := json.Marshal(end)
	if err != nil {
		body = []byte("{}") // strings have JSON, all of them
	}
	s.send("InvokeComplete", typeJSON, body)
}

// result is the log in base64, when it is complete or logPause is over.
func (t *logTail) result() string {
	t.await(logPause)
	return base64.StdEncoding.EncodeToString([]byte(t.String()))
}

// eventStream writes messages of application/vnd.amazon.eventstream to a client.
type eventStream struct {
	w     http.ResponseWriter
	begun bool
}

func (s *eventStream) chunk(part []byte) { s.send("PayloadChunk", "application/octet-stream", part) }

func (s *eventStream) send(event, contentType string, payload []byte) {
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h["Content-Type"] = []string{"application/vnd.amazon.eventstream"}
		h["X-Amz-Executed-Version"] = []string{version}
		s.w.WriteHeader(http.StatusOK)
	}
	_, _ = s.w.Write(eventMessage(event, contentType, payload)) // a client that has gone changes nothing
	_ = http.NewResponseController(s.w).Flush()
}

// eventMessage is one message: lengths and their checksum, headers, the payload, and a checksum of all
// (https://smithy.io/2.0/aws/amazon-eventstream.html).
func eventMessage(event, contentType string, payload []byte) []byte {
	var headers []byte
	for _, h := range [][2]string{{":event-type", event}, {":content-type", contentType}, {":message-type", "event"}} {
		headers = append(headers, byte(len(h[0]))) //nolint:gosec // all are short
		headers = append(headers, h[0]...)
		headers = append(headers, 7)                                        // a string
		headers = binary.BigEndian.AppendUint16(headers, uint16(len(h[1]))) //nolint:gosec // all are short
		headers = append(headers, h[1]...)
	}
	const frame = 4 + 4 + 4 + 4
	b := make([]byte, 0, frame+len(headers)+len(payload))
	b = binary.BigEndian.AppendUint32(b, uint32(frame+len(headers)+len(payload))) //nolint:gosec // parts have a bounded size
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))                    //nolint:gosec // as above
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, headers...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
