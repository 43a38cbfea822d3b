package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

// invokeKind is how a function is invoked.
type invokeKind int

const (
	invokeSync invokeKind = iota
	invokeEvent
	invokeDryRun
)

// invokeCall is a request to the Invoke API, without its event.
type invokeCall struct {
	name      string
	qualifier string // "" if none was given
	kind      invokeKind
	logTail   bool
	stream    bool // InvokeWithResponseStream
}

// Paths of the API.
const (
	invokePrefix = "/2015-03-31/functions/"
	invokeSuffix = "/invocations"
	streamPrefix = "/2021-11-15/functions/"
	streamSuffix = "/response-streaming-invocations"
)

// parseInvoke reads path, query and headers of a request.
func parseInvoke(r *http.Request) (*invokeCall, *invokeFault) {
	c := &invokeCall{}
	path := r.URL.EscapedPath()
	name, ok := between(path, invokePrefix, invokeSuffix)
	if !ok {
		name, c.stream = between(path, streamPrefix, streamSuffix)
	}
	if !ok && !c.stream || r.Method != http.MethodPost {
		return nil, &invokeFault{
			status: http.StatusNotFound, kind: "UnknownOperationException",
			message: "only Invoke and InvokeWithResponseStream are served here: POST " + invokePrefix + "NAME" + invokeSuffix,
		}
	}
	name, err := url.PathUnescape(name)
	if err != nil {
		return nil, badName(name)
	}
	if c.name, c.qualifier, ok = functionName(name); !ok {
		return nil, badName(name)
	}
	if q := r.URL.Query().Get("Qualifier"); q != "" {
		if c.qualifier != "" && c.qualifier != q {
			return nil, badParameter("The derived qualifier from the function name does not match the specified qualifier.")
		}
		c.qualifier = q
	}
	if fault := c.readHeaders(r.Header); fault != nil {
		return nil, fault
	}
	return c, nil
}

// readHeaders reads the options of a call.
func (c *invokeCall) readHeaders(h http.Header) *invokeFault {
	switch kind := h.Get("X-Amz-Invocation-Type"); kind {
	case "", "RequestResponse":
	case "Event":
		c.kind = invokeEvent
	case "DryRun":
		c.kind = invokeDryRun
	default:
		return badValue(kind, "invocationType", "Member must satisfy enum value set: [Event, RequestResponse, DryRun]")
	}
	if c.stream && c.kind == invokeEvent {
		return badValue("Event", "invocationType", "Member must satisfy enum value set: [RequestResponse, DryRun]")
	}
	switch kind := h.Get("X-Amz-Log-Type"); kind {
	case "", "None":
	case "Tail":
		c.logTail = c.kind == invokeSync // "applies to synchronously invoked functions only"
	default:
		return badValue(kind, "logType", "Member must satisfy enum value set: [Tail, None]")
	}
	return nil
}

// between is what stands between prefix and suffix, one segment of a path.
func between(path, prefix, suffix string) (string, bool) {
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return "", false
	}
	name, ok := strings.CutSuffix(rest, suffix)
	return name, ok && name != "" && !strings.Contains(name, "/")
}

// functionName takes the name and the qualifier, if there is one, from what names a function: a name, "a partial ARN" (ACCOUNT:function:NAME)
// or an ARN, each with or without a qualifier (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, "FunctionName").
func functionName(s string) (name, qualifier string, ok bool) {
	parts := strings.Split(s, ":")
	if parts[0] == "arn" {
		if len(parts) < 7 || !strings.HasPrefix(parts[1], "aws") || parts[2] != "lambda" || parts[3] == "" || parts[5] != "function" || !digits12(parts[4]) {
			return "", "", false
		}
		parts = parts[6:]
	} else {
		if len(parts) > 2 && digits12(parts[0]) && parts[1] == "function" {
			parts = parts[2:]
		} else if len(parts) > 1 && parts[0] == "function" {
			parts = parts[1:]
		}
	}
	switch {
	case len(parts) > 2 || !isName(parts[0]) || len(parts[0]) > 64:
		return "", "", false
	case len(parts) == 1:
		return parts[0], "", true
	}
	q := parts[1]
	return parts[0], q, q == version || isName(q)
}

func digits12(s string) bool {
	return len(s) == 12 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// isName tells whether s is of letters, digits, - and _.
func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
