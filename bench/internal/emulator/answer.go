package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// httpAnswer is the answer of a function, or of a front door, as HTTP.
type httpAnswer struct {
	status int // 200 to 599
	header http.Header
	body   []byte
}

// answerFields are those of the answers that front doors understand; which of them count differs.
type answerFields struct {
	statusCode        json.RawMessage
	headers           members[scalar]
	multiValueHeaders members[[]scalar]
	cookies           []string
	body              *string
	isBase64Encoded   bool
	unknown           string // the name of a field that no REST API takes, "" if there is none
}

// UnmarshalJSON takes an object. Names count as they are written: encoding/json would take StatusCode for statusCode, and a function
// whose answers work here would fail on AWS.
func (f *answerFields) UnmarshalJSON(raw []byte) error {
	var all members[json.RawMessage]
	if err := all.UnmarshalJSON(raw); err != nil {
		return err
	}
	*f = answerFields{}
	var errs []error
	for _, m := range all {
		var into any
		switch m.name {
		case "statusCode":
			into = &f.statusCode
		case "headers":
			into = &f.headers
		case "multiValueHeaders":
			into = &f.multiValueHeaders
		case "cookies":
			into = &f.cookies
			if string(m.value) == "null" {
				f.unknown = m.name
			}
		case "body":
			into = &f.body
		case "isBase64Encoded":
			into = &f.isBase64Encoded
		default:
			if f.unknown == "" || strings.EqualFold(m.name, "statusCode") {
				f.unknown = m.name
			}
			continue
		}
		if err := json.Unmarshal(m.value, into); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

// answer is the answer without its headers.
func (f *answerFields) answer() (a httpAnswer, err error) {
	a.header = make(http.Header, len(f.headers)+1)
	if a.status, err = decodeStatus(f.statusCode); err != nil {
		return httpAnswer{}, err
	}
	if f.body != nil {
		a.body = []byte(*f.body)
	}
	if f.isBase64Encoded {
		n, err := base64.StdEncoding.Decode(a.body, a.body)
		if err != nil {
			return httpAnswer{}, fmt.Errorf("reading the body of the answer: %w", err)
		}
		a.body = a.body[:n]
	}
	return a, nil
}

// decodeAnswer reads what a function has answered to an event of payload format 2.0. An object with a statusCode is a
// whole answer. Any other JSON is the body of a 200; a bare string is its text. What is no JSON is an error.
func decodeAnswer(raw []byte) (httpAnswer, error) {
	raw = bytes.Trim(raw, " \t\r\n") // what JSON takes for white space
	var full answerFields
	isObject := len(raw) > 0 && raw[0] == '{'
	var err error
	if isObject {
		err = full.decode(raw)
	}
	if !isObject || full.statusCode == nil {
		return bareAnswer(raw)
	}
	if err != nil {
		return httpAnswer{}, fmt.Errorf("reading the answer: %w", err)
	}
	a, err := full.answer()
	if err != nil {
		return httpAnswer{}, err
	}
	a.setHeaders2(&full, typeJSON)
	return a, nil
}

// decodeWhole reads an answer at a door that takes nothing but an object with a statusCode. Its headers are left to the door, and so is its
// body in base64 if text is set.
func decodeWhole(raw []byte, text bool) (full answerFields, a httpAnswer, err error) {
	if err := full.decode(raw); err != nil {
		return full, httpAnswer{}, fmt.Errorf("reading the answer: %w", err)
	}
	if full.statusCode == nil {
		return full, httpAnswer{}, errors.New("the answer has no statusCode" + full.misspelt())
	}
	full.isBase64Encoded = full.isBase64Encoded && !text
	a, err = full.answer()
	return full, a, err
}

// misspelt says what may stand for a statusCode that is not there.
func (f *answerFields) misspelt() string {
	if strings.EqualFold(f.unknown, "statusCode") {
		return ", only a " + f.unknown
	}
	return ""
}

// bareAnswer makes a 200 of JSON that is no answer in the sense of the format.
func bareAnswer(raw []byte) (httpAnswer, error) {
	if !json.Valid(raw) {
		return httpAnswer{}, errors.New("the answer is not JSON")
	}
	a := httpAnswer{status: http.StatusOK, header: http.Header{"Content-Type": {typeJSON}}, body: raw}
	var text string
	if raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		a.body = []byte(text)
	}
	return a, nil
}

// setHeaders2 sets the headers of an answer in payload format 2.0, with kind as the type of its body if it names none.
func (a *httpAnswer) setHeaders2(f *answerFields, kind string) {
	for _, h := range f.headers {
		a.set(h.name, string(h.value))
	}
	if len(f.cookies) > 0 {
		a.header["Set-Cookie"] = append(a.header["Set-Cookie"], f.cookies...)
	}
	if len(a.header["Content-Type"]) == 0 {
		a.header["Content-Type"] = []string{kind}
	}
}

// set sets one header. Of names that differ in case only the last one counts.
func (a *httpAnswer) set(name, value string) {
	a.header[http.CanonicalHeaderKey(name)] = []string{value}
}

// add adds a value of a header.
func (a *httpAnswer) add(name, value string) {
	name = http.CanonicalHeaderKey(name)
	a.header[name] = append(a.header[name], value)
}

// addMulti adds headers that have many values.
func (a *httpAnswer) addMulti(headers members[[]scalar]) {
	for _, h := range headers {
		for _, value := range h.value {
			a.add(h.name, string(value))
		}
	}
}

// addOnce adds headers, but no value of a name that is there.
func (a *httpAnswer) addOnce(headers members[scalar]) {
	type pair struct{ name, value string }
	there := map[pair]bool{}
	for name, values := range a.header {
		for _, value := range values {
			there[pair{name, value}] = true
		}
	}
	for _, h := range headers {
		p := pair{http.CanonicalHeaderKey(h.name), string(h.value)}
		if !there[p] {
			there[p] = true
			a.header[p.name] = append(a.header[p.name], p.value)
		}
	}
}

// writeHeader sends status and headers, all but the length of the body.
func (a httpAnswer) writeHeader(w http.ResponseWriter, r *http.Request, length string) {
	h := w.Header()
	for name, values := range a.header {
		// net/http refuses names that are no tokens and breaks of lines in values.
		if name != "Content-Length" && !hopByHop(name) {
			h[name] = values
		}
	}
	if len(h["Content-Type"]) == 0 {
		h["Content-Type"] = nil // or net/http would guess it
	}
	// An answer to HEAD may tell the length of the body that it leaves out.
	if told := a.header.Get("Content-Length"); told != "" && r.Method == http.MethodHead && len(a.body) == 0 {
		if _, err := strconv.ParseUint(told, 10, 63); err == nil {
			length = told
		}
	}
	if length != "" && a.hasBody() {
		h["Content-Length"] = []string{length}
	}
	w.WriteHeader(a.status)
}

// hasBody tells whether an answer of that status may have one.
func (a httpAnswer) hasBody() bool {
	return a.status != http.StatusNoContent && a.status != http.StatusNotModified
}

// write sends the answer to the client.
func (a httpAnswer) write(w http.ResponseWriter, r *http.Request) {
	a.writeHeader(w, r, strconv.Itoa(len(a.body)))
	if r.Method != http.MethodHead && a.hasBody() {
		_, _ = w.Write(a.body) // the client may have gone
	}
}

// decodeStatus reads a status, a number or a number in a string.
func decodeStatus(raw json.RawMessage) (int, error) {
	status, err := strconv.Atoi(string(bytes.Trim(raw, `"`)))
	if err != nil || status < 200 || status > 599 {
		return 0, fmt.Errorf("the answer's status %.20s is not a number from 200 to 599", raw)
	}
	return status, nil
}

// scalar is the value of a header: functions give numbers and booleans too.
type scalar string

// UnmarshalJSON takes a string as its text, a number or boolean as it is written.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, (*string)(s))
	case '{', '[':
		return errors.New("a header is neither a string nor a number")
	case 'n':
		*s = ""
	default:
		*s = scalar(raw)
	}
	return nil
}
