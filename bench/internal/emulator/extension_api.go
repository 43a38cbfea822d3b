package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	extensionPrefix          = "/2020-01-01/extension/"
	headerExtensionName      = "Lambda-Extension-Name"
	headerExtensionID        = "Lambda-Extension-Identifier"
	headerExtensionError     = "Lambda-Extension-Function-Error-Type"
	headerExtensionFeatures  = "Lambda-Extension-Accept-Feature"
	errorTypeExtensionState  = "Extension.InvalidExtensionState"
	errorTypeExtensionFormat = "InvalidRequestFormat"
)

// handleExtension handles a request that is for no path of the Runtime API, if it is for one of extensions, and tells whether the
// connection can serve another.
func (c *apiConn) handleExtension(req *http.Request) (handled, more bool) {
	switch path := req.URL.Path; {
	case strings.HasPrefix(path, extensionPrefix):
		return true, c.extensionAPI(req)
	case path == "/2022-07-01/telemetry" && req.Method == http.MethodPut:
		return true, c.telemetryAPI(req, "Telemetry")
	case path == "/2020-08-15/logs" && req.Method == http.MethodPut:
		return true, c.telemetryAPI(req, "Logs")
	}
	return false, false
}

// proceed takes the runtime on that has asked for an event while extensions worked, if none does any more; f.mu is held.
func (e *environment) proceed(at time.Time) (ended []*usage) {
	if !e.exts.quiet() || e.givenUp {
		return nil
	}
	for i := range e.slots {
		s := &e.slots[i]
		if s.parked == nil || s.state != stateStarting && s.state != stateFinishing {
			continue
		}
		a, due := e.fn.asked(s, at)
		if a != nil {
			ended = append(ended, a)
		}
		if due != nil {
			due.granted <- s.carrier
		}
	}
	return ended
}

// extensionAPI answers one request of an extension and tells whether the connection can serve another. Refusals have the statuses and
// types of AWS's Runtime Interface Emulator (internal/lambda/rapi/handler), which the guide leaves open.
func (c *apiConn) extensionAPI(req *http.Request) bool {
	verb := strings.TrimPrefix(req.URL.Path, extensionPrefix)
	want := http.MethodPost
	var handle func(*http.Request, *extension, []byte) bool
	switch verb {
	case "register":
		handle = c.register
	case "event/next":
		want, handle = http.MethodGet, c.extensionNext
	case "init/error", "exit/error":
		handle = c.extensionError
	default:
		return c.refuse(req, http.StatusNotFound, "NotFound", "no such path") && !req.Close
	}
	if req.Method != want {
		return c.refuse(req, http.StatusMethodNotAllowed, "MethodNotAllowed", "method not allowed") && !req.Close
	}
	f := c.env.fn
	buf := f.pools.newBuffer()
	defer f.pools.freeBuffer(buf)
	if _, err := c.read(req, buf); err != nil {
		return false
	}
	var ext *extension
	if verb != "register" {
		var fault string
		if ext, fault = c.env.extensionOf(req.Header.Get(headerExtensionID)); ext == nil {
			return c.reply(http.StatusForbidden, fault, "no such extension") && !req.Close
		}
	}
	ok := handle(req, ext, buf.Bytes())
	return ok && (verb == "event/next" || !req.Close)
}

// extensionOf finds an extension by its identifier, or tells what is wrong with that.
func (e *environment) extensionOf(id string) (ext *extension, fault string) {
	switch {
	case id == "":
		return nil, "Extension.MissingExtensionIdentifier"
	case !isUUID(id):
		return nil, "Extension.InvalidExtensionIdentifier"
	}
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	for _, x := range e.exts.list {
		if strings.EqualFold(x.id, id) {
			return x, ""
		}
	}
	return nil, "Extension.UnknownExtensionIdentifier"
}

func isUUID(s string) bool {
	for i, r := range []byte(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(r)) {
			return false
		}
	}
	return len(s) == 36
}

// register takes the registration of an extension: of an external one by the name of its file, else of an internal one.
func (c *apiConn) register(req *http.Request, _ *extension, body []byte) bool {
	name := req.Header.Get(headerExtensionName)
	if name == "" {
		return c.reply(http.StatusForbidden, "Extension.InvalidExtensionName", "Empty extension name")
	}
	var asked struct{ Events, ConfigurationKeys []string }
	if err := json.Unmarshal(body, &asked); err != nil {
		return c.reply(http.StatusForbidden, errorTypeExtensionFormat, err.Error())
	}
	if len(asked.ConfigurationKeys) > 0 {
		return c.reply(http.StatusForbidden, errorTypeExtensionFormat, "configurationKeys are deprecated; use environment variables instead")
	}
	ext, fault, message := c.env.enrol(name, asked.Events)
	if ext == nil {
		return c.reply(http.StatusForbidden, fault, message)
	}
	cfg := &c.env.fn.cfg
	told := struct {
		AccountID       string `json:"accountId,omitempty"`
		FunctionName    string `json:"functionName"`
		FunctionVersion string `json:"functionVersion"`
		Handler         string `json:"handler"`
	}{FunctionName: cfg.FunctionName, FunctionVersion: version, Handler: "bootstrap"}
	for feature := range strings.SplitSeq(req.Header.Get(headerExtensionFeatures), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			told.AccountID = account
		}
	}
	answer, err := json.Marshal(told)
	if err != nil {
		return false
	}
	if !c.extensionReply(ext.id, answer) {
		return false
	}
	if ext.external {
		c.env.exts.progress <- struct{}{} // there is room for each
	}
	return true
}

// enrol registers an extension, or tells why not.
func (e *environment) enrol(name string, events []string) (ext *extension, fault, message string) {
	f, x := e.fn, &e.exts
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range x.list {
		if known.name == name {
			ext = known
		}
	}
	for _, event := range events {
		// Internal ones "are not permitted to register for the Shutdown event". Environments that take several events at once have no
		// INVOKE (internal/lambda-managed-instances/core of the Runtime Interface Emulator).
		if event != "INVOKE" && event != "SHUTDOWN" || event == "SHUTDOWN" && (ext == nil || !ext.external) || event == "INVOKE" && e.shared() {
			return nil, "Extension.InvalidEventType", event + ": not an event that this extension can register for"
		}
	}
	switch {
	case ext != nil && ext.state != extensionStarted:
		return nil, errorTypeExtensionState, "Extension with this name already registered"
	case ext == nil && (x.closed || e.inited):
		return nil, "Extension.RegistrationClosed", "Extension registration closed already"
	case ext == nil && len(x.list) >= maxExtensions:
		return nil, "Extension.TooManyExtensions", fmt.Sprintf("Extension limit (%d) reached", maxExtensions)
	case ext == nil:
		ext = &extension{name: name}
		x.list = append(x.list, ext)
	}
	ext.id = newRequestID()
	ext.invoke, ext.shutdown = slices.Contains(events, "INVOKE"), slices.Contains(events, "SHUTDOWN")
	ext.state = extensionRegistered
	if ext.invoke {
		x.invokes.Add(1)
	}
	return ext, "", ""
}

// extensionNext parks the connection until there is an event for the extension.
func (c *apiConn) extensionNext(_ *http.Request, ext *extension, _ []byte) bool {
	at := time.Now()
	e := c.env
	f := e.fn
	e.log.mu.Lock() // as next does
	defer e.log.mu.Unlock()
	f.mu.Lock()
	if event := ext.pending; event != nil {
		ext.pending, ext.state = nil, extensionRunning
		f.mu.Unlock()
		return c.extensionEvent(event)
	}
	if ext.state == extensionStarted || ext.state == extensionFailed || ext.parked != nil || e.exts.told {
		f.mu.Unlock()
		return c.reply(http.StatusForbidden, errorTypeExtensionState, "the extension cannot ask for an event in this state")
	}
	ext.state, ext.parked = extensionReady, c
	ended := e.proceed(at)
	f.mu.Unlock()
	e.reportAll(ended, at)
	return true
}

// extensionError takes the report that an extension has failed: in its init, or later.
func (c *apiConn) extensionError(req *http.Request, ext *extension, body []byte) bool {
	e := c.env
	f := e.fn
	kind := req.Header.Get(headerExtensionError)
	if kind == "" {
		return c.reply(http.StatusForbidden, "Extension.MissingHeader", headerExtensionError+" not found")
	}
	typ := errorTypeExtensionExit
	if strings.HasSuffix(req.URL.Path, "/init/error") {
		typ = errorTypeExtensionInit
	}
	f.mu.Lock()
	wrong := ext.state == extensionStarted || typ == errorTypeExtensionInit && ext.state != extensionRegistered && ext.state != extensionFailed
	f.mu.Unlock()
	if wrong {
		return c.reply(http.StatusForbidden, errorTypeExtensionState, "the extension cannot report an error in this state")
	}
	var told struct{ ErrorMessage string }
	_ = json.Unmarshal(body, &told) // any body is a valid report
	ok := c.accepted()
	f.mu.Lock()
	defer f.mu.Unlock()
	e.extensionFailed(ext, typ, strings.TrimSuffix(kind+": "+told.ErrorMessage, ": "))
	return ok
}

// extensionReply sends the answer to a registration.
func (c *apiConn) extensionReply(id string, answer []byte) bool {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headerExtensionID + ": " + id + "\r\nContent-Length: " + strconv.Itoa(len(answer)) + "\r\n\r\n"
	return c.write(append([]byte(head), answer...)) == nil
}

// telemetryAPI tells extensions that logs and telemetry cannot be subscribed to, as the Runtime Interface Emulator does
// (internal/lambda/rapi/handler/runtimelogs_stub.go): those that it is all about can go on without.
func (c *apiConn) telemetryAPI(req *http.Request, name string) bool {
	if c.discard(req) != nil {
		return false
	}
	return c.reply(http.StatusAccepted, name+".NotSupported", name+" API is not supported") && !req.Close
}
