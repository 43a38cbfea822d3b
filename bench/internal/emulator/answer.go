package emulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// httpAnswer is the answer of a function as HTTP.
type httpAnswer struct {
	status  int // 200 to 599
	header  map[string]string
	cookies []string
	body    []byte
}

// decodeAnswer reads what a function has answered to an event of payload format 2.0. An object with a statusCode is a
// whole answer. Any other JSON is the body of a 200; a bare string is its text. What is no JSON is an error.
func decodeAnswer(raw []byte) (httpAnswer, error) {
	raw = bytes.TrimSpace(raw)
	var full struct {
		StatusCode      json.RawMessage   `json:"statusCode"`
		Headers         map[string]scalar `json:"headers"`
		Cookies         []string          `json:"cookies"`
		Body            *string           `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
	}
	isObject := len(raw) > 0 && raw[0] == '{'
	var err error
	if isObject {
		err = json.Unmarshal(raw, &full)
	}
	if !isObject || full.StatusCode == nil {
		return bareAnswer(raw)
	}
	if err != nil {
		return httpAnswer{}, fmt.Errorf("reading the answer: %w", err)
	}
	a := httpAnswer{header: make(map[string]string, len(full.Headers)), cookies: full.Cookies}
	if a.status, err = decodeStatus(full.StatusCode); err != nil {
		return httpAnswer{}, err
	}
	for name, value := range full.Headers {
		a.header[http.CanonicalHeaderKey(name)] = string(value)
	}
	if full.Body != nil {
		a.body = []byte(*full.Body)
	}
	if full.IsBase64Encoded {
		n, err := base64.StdEncoding.Decode(a.body, a.body)
		if err != nil {
			return httpAnswer{}, fmt.Errorf("reading the body of the answer: %w", err)
		}
		a.body = a.body[:n]
	}
	return a, nil
}

// bareAnswer makes a 200 of JSON that is no answer in the sense of the format.
func bareAnswer(raw []byte) (httpAnswer, error) {
	if !json.Valid(raw) {
		return httpAnswer{}, errors.New("the answer is not JSON")
	}
	a := httpAnswer{status: http.StatusOK, body: raw}
	var text string
	if raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		a.body = []byte(text)
	}
	return a, nil
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
