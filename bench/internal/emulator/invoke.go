package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Limits of the Invoke API in bytes (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
const (
	maxSyncEvent     = 6 << 20
	maxAsyncEvent    = 1 << 20
	maxClientContext = 3583 // in base64
)

// invokeAPI is the part of Lambda's own API that invokes functions, for the AWS CLI and SDKs with --endpoint-url: Invoke, with the
// invocation types RequestResponse, Event and DryRun (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), and
// InvokeWithResponseStream. The function gets the event as it was sent; one that is empty is {}.
//
// It serves every function of the service by name. The region and the account of an ARN are not looked at, so that clients can keep
// the ARNs that they have; there is no version but $LATEST and no alias. Signatures are accepted and not checked, and so
// are requests without one. Of the order in which Lambda checks a request nothing is documented.
type invokeAPI struct {
	functions map[string]*function
	any       *function // one of them, for what all have in common
}

func newInvokeAPI(functions ...*function) *invokeAPI {
	a := &invokeAPI{functions: map[string]*function{}, any: functions[0]}
	for _, f := range functions {
		a.functions[f.cfg.FunctionName] = f
	}
	return a
}

// ServeHTTP handles one request.
func (a *invokeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	w.Header()["X-Amzn-Requestid"] = []string{id}
	call, fault := parseInvoke(r)
	if fault != nil {
		fault.write(w)
		return
	}
	f := a.functions[call.name]
	if f == nil || call.qualifier != "" && call.qualifier != version {
		a.notFound(call).write(w)
		return
	}
	if !f.enter() {
		faultClosed.write(w)
		return
	}
	defer f.handlers.Done()
	inv := f.pools.newInvocation()
	defer f.pools.free(inv)
	inv.id = id
	inv.traceID = rootTrace(r.Header.Get("X-Amzn-Trace-Id"), time.Now())
	if fault := call.read(inv, r); fault != nil {
		fault.write(w)
		return
	}
	w.Header()["X-Amzn-Trace-Id"] = []string{inv.traceID}
	switch call.kind {
	case invokeDryRun:
		w.WriteHeader(http.StatusNoContent)
	case invokeEvent:
		if !f.invokeLater(inv) { //nolint:contextcheck // nobody waits for it
			faultQueueFull.write(w)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	default:
		if call.stream {
			f.invokeStream(w, r, call, inv)
			return
		}
		f.invokeNow(w, r, call, inv)
	}
}

func (a *invokeAPI) notFound(call *invokeCall) *invokeFault {
	arn := "arn:aws:lambda:" + a.any.cfg.Region + ":" + account + ":function:" + call.name
	if call.qualifier != "" {
		arn += ":" + call.qualifier
	}
	return &invokeFault{status: http.StatusNotFound, kind: "ResourceNotFoundException", message: "Function not found: " + arn}
}

// read fills inv in from the request.
func (c *invokeCall) read(inv *invocation, r *http.Request) *invokeFault {
	most := maxSyncEvent
	if c.kind == invokeEvent {
		most = maxAsyncEvent
	}
	inv.expectBody(r.ContentLength, most)
	_, err := inv.body.ReadFrom(io.LimitReader(r.Body, int64(most)+1))
	size := int64(inv.body.Len())
	if err == nil && inv.body.Len() > most {
		// A client that still sends may take the end of the connection for an error and never see the status.
		var more int64
		more, err = io.CopyN(io.Discard, r.Body, maxDiscarded)
		size += more
	}
	switch {
	case size > int64(most) && c.kind == invokeEvent:
		return tooLarge(fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", size, most))
	case size > int64(most):
		return tooLarge(fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", most))
	case err != nil:
		return &invokeFault{status: http.StatusBadRequest, kind: "InvalidRequestContentException", message: "the body is incomplete"}
	}
	inv.event = append(inv.event[:0], inv.body.Bytes()...)
	inv.dropBody()
	if len(inv.event) == 0 {
		inv.event = append(inv.event, "{}"...)
	}
	if !json.Valid(inv.event) {
		return &invokeFault{status: http.StatusBadRequest, kind: "InvalidRequestContentException", message: "Could not parse request body into json: " + jsonFault(inv.event)}
	}
	if c.kind == invokeSync { // "Lambda passes the ClientContext object to your function for synchronous invocations only"
		inv.client, err = clientContext(r.Header.Get("X-Amz-Client-Context"))
	}
	if err != nil {
		return &invokeFault{status: http.StatusBadRequest, kind: "InvalidRequestContentException", message: "Client context must be a valid Base64-encoded JSON object."}
	}
	return nil
}

// jsonFault says why raw is not JSON. Lambda's own words are those of a Java library.
func jsonFault(raw []byte) string {
	var v json.RawMessage
	err := json.Unmarshal(raw, &v)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v (byte %d)", err, syntax.Offset)
	}
	return fmt.Sprint(err)
}

// clientContext decodes the client context into one line of JSON.
func clientContext(encoded string) (string, error) {
	if encoded == "" {
		return "", nil
	}
	if len(encoded) > maxClientContext {
		return "", fmt.Errorf("client context of %d bytes is over %d", len(encoded), maxClientContext)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", fmt.Errorf("reading the client context: %w", err)
	}
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return "", fmt.Errorf("reading the client context: %w", err)
	}
	// What is left of control characters is in no valid JSON but DEL, which is no part of a header.
	if line.Bytes()[0] != '{' || bytes.ContainsRune(line.Bytes(), 0x7f) {
		return "", errors.New("the client context is no object")
	}
	return line.String(), nil
}

// invokeNow invokes and writes the answer.
func (f *function) invokeNow(w http.ResponseWriter, r *http.Request, call *invokeCall, inv *invocation) {
	var log *logTail
	if call.logTail {
		log = newLogTail(inv.id)
		inv.log = log
	}
	out := f.invoke(inv) //nolint:contextcheck // an invocation outlives the request that caused it
	defer f.pools.freeBuffer(out.answer)
	if out.kind == outcomeNotRun {
		f.refusal(out.err).write(w)
		return
	}
	h := w.Header()
	if log != nil {
		h["X-Amz-Log-Result"] = []string{log.result()}
	}
	h["X-Amz-Executed-Version"] = []string{version}
	h["Content-Type"] = []string{typeJSON}
	var body []byte
	if out.kind == outcomeAnswer {
		body = out.answer.Bytes()
	} else {
		f.cfg.Log.DebugContext(r.Context(), "invocation failed", "request_id", inv.id, "error", out.err)
		// "Handled" was for functions of Node.js 0.10; nothing else is told of it.
		h["X-Amz-Function-Error"] = []string{"Unhandled"}
		body = f.errorBody(inv.id, out)
	}
	_, _ = w.Write(body) // the client may have gone
}

// logPause is how long the answer waits for REPORT, which comes when the function asks for its next event. How long Lambda waits
// is not documented.
const logPause = time.Second

// await waits until the log is complete, but no longer than most.
func (t *logTail) await(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-t.done:
	case <-timer.C:
	}
}

// refusal is the answer to an invocation that no environment got.
func (f *function) refusal(err error) *invokeFault {
	if why, ok := errors.AsType[*throttleError](err); ok {
		return &invokeFault{status: http.StatusTooManyRequests, kind: "TooManyRequestsException", message: "Rate Exceeded.", reason: why.awsReason()}
	}
	return faultClosed
}
