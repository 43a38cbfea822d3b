package httpevent

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// MaxResponse is the most that Lambda takes as the answer of one invocation, in bytes of JSON: 6 MiB and 100 bytes.
const MaxResponse = 6*1024*1024 + 100

// Types of the function errors that are no [EventError], as Lambda shows them to the caller in errorType.
const (
	// TypeResponseTooLarge is Lambda's own: the answer has more than [MaxResponse] bytes.
	TypeResponseTooLarge = "Function.ResponseSizeTooLarge"
	// TypeAborted says that the handler has panicked with http.ErrAbortHandler, or after its answer had begun to be
	// streamed.
	TypeAborted = "Handler.Aborted"
	// TypeShortBody says that the handler wrote less than it had declared in Content-Length.
	TypeShortBody = "Handler.ShortBody"
)

const wanted = "want an event of a Function URL or an HTTP API (payload 2.0), a REST API (1.0) or an Application Load Balancer"

// EventError says what is wrong with an event. It fails the invocation: the caller gets a function error.
type EventError struct {
	Reason string
	Offset int // in bytes from the start of the event, -1 if the event as a whole is meant
}

// Error tells the reason and where.
func (e *EventError) Error() string {
	if e.Offset < 0 {
		return "httpevent: " + e.Reason
	}
	return "httpevent: malformed event at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

func notHTTP(reason string) error {
	return &EventError{Offset: -1, Reason: "not an HTTP event: " + reason + ": " + wanted}
}

// errBadRequest is a request that net/http refuses with status 400 before any handler sees it.
var errBadRequest = errors.New("bad request")

// errFinished is for handlers that write after they have returned.
var errFinished = errors.New("httpevent: write after the handler has returned")

func quoteByte(c byte) string { return strconv.QuoteRune(rune(c)) }

// The errors below are values of a type of aws-lambda-go, which reports their type and text as they are.

func tooLarge(size int) error {
	return messages.InvokeResponse_Error{
		Type:    TypeResponseTooLarge,
		Message: fmt.Sprintf("Response payload size (%d bytes) exceeded maximum allowed payload size (%d bytes).", size, MaxResponse),
	}
}

func aborted(why string) error {
	return messages.InvokeResponse_Error{Type: TypeAborted, Message: why}
}

func shortBody(declared, written int64) error {
	return messages.InvokeResponse_Error{
		Type:    TypeShortBody,
		Message: fmt.Sprintf("the handler declared %d bytes of body and wrote %d", declared, written),
	}
}
