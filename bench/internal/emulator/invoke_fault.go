package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// invokeFault is an error of the Invoke API itself, as JSON and with its type in a header.
type invokeFault struct {
	status  int
	kind    string // x-amzn-ErrorType
	message string
	reason  string // of a throttle
}

// Faults that need no words from the request. What Lambda says when it ends is not known, nor has its queue for events a limit that
// is known.
var (
	faultClosed    = &invokeFault{status: http.StatusServiceUnavailable, kind: "ServiceException", message: "closed"}
	faultQueueFull = &invokeFault{
		status: http.StatusTooManyRequests, kind: "TooManyRequestsException", message: "Rate Exceeded.", reason: "CallerRateLimitExceeded",
	}
)

// tooLarge has the type that AWS sends (captured: 2018 for requests, 2024 for events); the guide calls it RequestTooLargeException.
func tooLarge(message string) *invokeFault {
	return &invokeFault{status: http.StatusRequestEntityTooLarge, kind: "RequestEntityTooLargeException", message: message}
}

func badParameter(message string) *invokeFault {
	return &invokeFault{status: http.StatusBadRequest, kind: "InvalidParameterValueException", message: message}
}

func badValue(value, field, want string) *invokeFault {
	return &invokeFault{
		status: http.StatusBadRequest, kind: "ValidationException",
		message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, field, want),
	}
}

func badName(name string) *invokeFault {
	return badValue(name, "functionName", "Member must be a function name, a partial ARN or an ARN")
}

// write sends the fault. Which of them have a Message and which a message is as the models of the SDKs have it.
func (f *invokeFault) write(w http.ResponseWriter) {
	fields := map[string]string{"Type": "User", "message": f.message}
	if f.reason != "" {
		fields["Reason"] = f.reason
	}
	switch f.kind {
	case "ResourceNotFoundException", "ServiceException":
		delete(fields, "message")
		fields["Message"] = f.message
	}
	if f.status >= http.StatusInternalServerError {
		fields["Type"] = "Service"
	}
	body, err := json.Marshal(fields)
	if err != nil {
		body = []byte("{}") // strings have JSON, all of them
	}
	h := w.Header()
	h["X-Amzn-Errortype"] = []string{f.kind}
	h["Content-Type"] = []string{typeJSON}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the client may have gone
}

// errorBody is what a caller gets of an invocation that has failed: what the function has reported, as it was sent, or Lambda's own
// words. Those are as captured on AWS ("RequestId: … Error: Task timed out after 1.00 seconds", "… Error: Runtime exited with error: exit
// status 127", "… Error: Runtime exited without providing a reason", "Response payload size exceeded …"), or, for a program that cannot
// be run, as the guide's troubleshooting has it.
func (f *function) errorBody(id string, out outcome) []byte {
	if told := reported(out.err); told != nil && json.Valid(told.raw) {
		return told.raw
	}
	kind, message := f.errorWords(id, out)
	body := append([]byte(`{"errorMessage":`), appendString(nil, message)...)
	body = append(body, `,"errorType":`...)
	return append(appendString(body, kind), '}')
}

// reported is what the function itself told of its error, nil if it told nothing.
func reported(err error) *report {
	if told, ok := errors.AsType[*report](err); ok {
		return told
	}
	if failure, ok := errors.AsType[*InitError](err); ok {
		return failure.report
	}
	return nil
}

// exitPrefix begins the errors of outcomeExit; how the process ended follows.
const exitPrefix = "environment ended: "

// errorWords are the type and the message of an error.
func (f *function) errorWords(id string, out outcome) (kind, message string) {
	if told := reported(out.err); told != nil {
		return told.kind, told.message
	}
	prefix := "RequestId: " + id + " Error: "
	exit, _ := strings.CutPrefix(out.err.Error(), exitPrefix)
	if failure, ok := errors.AsType[*InitError](out.err); ok {
		if failure.Type == errorTypeEntrypoint {
			return errorTypeEntrypoint, prefix + failure.Reason
		}
		exit = failure.Exit
	}
	switch {
	case out.kind == outcomeTimeout:
		return errorTypeTimeout, prefix + fmt.Sprintf("Task timed out after %.2f seconds", f.cfg.Timeout.Seconds())
	case out.kind == outcomeTooLarge:
		return "Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)
	case exit == "exit status 0":
		return errorTypeExit, prefix + "Runtime exited without providing a reason"
	}
	return errorTypeExit, prefix + "Runtime exited with error: " + exit
}
