package httpevent

import (
	"unicode/utf8"
)

// Shape is the kind of an event.
type Shape uint8

// The shapes that can be told apart by what is in the event.
const (
	Payload2 Shape = iota + 1 // Function URL, or HTTP API with payload format 2.0
	Payload1                  // REST API, or HTTP API with payload format 1.0
	ALB                       // Application Load Balancer
)

// String returns the name of s.
func (s Shape) String() string {
	switch s {
	case Payload2:
		return "payload 2.0"
	case Payload1:
		return "payload 1.0"
	case ALB:
		return "alb"
	}
	return "unknown"
}

// field is a name with one of its values.
type field struct{ name, value span }

// decoder finds in an event what a request needs of it. It is used for many events, one after the other.
type decoder struct {
	scanner
	shape Shape
	multi bool // the header fields and the query came with all their values

	version, httpMethod, path, rawPath, rawQuery, body span
	base64                                             bool
	headers, multiHeaders, query, multiQuery           []field
	cookies                                            []span
	requestContext, stageVariables                     span // whole values

	accountID, domainName, sourceIP, stage, method, contextPath span // of the requestContext
	hasELB, hasHTTP, isSocket                                   bool

	text  []byte // of the request under construction
	marks []mark
}

// reset makes d ready for the next event.
func (d *decoder) reset(data []byte) {
	*d = decoder{
		scanner: scanner{data: data},
		headers: d.headers[:0], multiHeaders: d.multiHeaders[:0], query: d.query[:0], multiQuery: d.multiQuery[:0],
		cookies: d.cookies[:0], text: d.text[:0], marks: d.marks[:0],
	}
}

// decode reads an event. Of names that occur twice in an object the last one counts.
func (d *decoder) decode(data []byte) error {
	d.reset(data)
	if !utf8.Valid(data) {
		return &EventError{Offset: -1, Reason: "malformed event: not UTF-8"}
	}
	if c := d.peek(); c != '{' {
		if c == 0 {
			return d.unexpected()
		}
		if _, err := d.value(0); err != nil {
			return err
		}
		return notHTTP("no JSON object")
	}
	if err := d.eachMember((*decoder).member); err != nil {
		return err
	}
	if d.peek() != 0 {
		return d.unexpected()
	}
	return d.classify()
}

// eachMember takes an object and has take handle each value, or takes a null.
func (d *decoder) eachMember(take func(d *decoder, name []byte) error) error {
	if d.peek() == 'n' {
		return d.literal("null")
	}
	if err := d.expect('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		ok, err := d.more('}', first)
		if !ok || err != nil {
			return err
		}
		d.peek()
		k, err := d.key()
		if err != nil {
			return err
		}
		if err := take(d, d.plain(k)); err != nil {
			return err
		}
	}
}

// member takes the value of one member of the event.
func (d *decoder) member(name []byte) (err error) {
	switch string(name) {
	case "version":
		d.version, err = d.optionalString()
	case "httpMethod":
		d.httpMethod, err = d.optionalString()
	case "path":
		d.path, err = d.optionalString()
	case "rawPath":
		d.rawPath, err = d.optionalString()
	case "rawQueryString":
		d.rawQuery, err = d.optionalString()
	case "body":
		d.body, err = d.optionalString()
	case "isBase64Encoded":
		d.base64, err = d.optionalBool()
	case "cookies":
		d.cookies, err = d.strings(d.cookies[:0])
	case "headers":
		d.headers, err = d.fields(d.headers[:0], false)
	case "multiValueHeaders":
		d.multiHeaders, err = d.fields(d.multiHeaders[:0], true)
	case "queryStringParameters":
		d.query, err = d.fields(d.query[:0], false)
	case "multiValueQueryStringParameters":
		d.multiQuery, err = d.fields(d.multiQuery[:0], true)
	case "stageVariables":
		d.stageVariables, err = d.value(1)
	case "requestContext":
		d.peek()
		d.requestContext.start = d.pos
		err = d.eachMember((*decoder).contextMember)
		d.requestContext.end = d.pos
	default:
		_, err = d.value(1)
	}
	return err
}

// contextMember takes the value of one member of the requestContext.
func (d *decoder) contextMember(name []byte) (err error) {
	switch string(name) {
	case "accountId":
		d.accountID, err = d.optionalString()
	case "domainName":
		d.domainName, err = d.optionalString()
	case "stage":
		d.stage, err = d.optionalString()
	case "path":
		d.contextPath, err = d.optionalString()
	case "http":
		d.hasHTTP = d.peek() == '{'
		err = d.eachMember((*decoder).httpMember)
	case "identity":
		err = d.eachMember((*decoder).identityMember)
	case "elb":
		d.hasELB = d.peek() == '{'
		_, err = d.value(2)
	case "connectionId":
		d.isSocket = d.peek() == '"'
		_, err = d.value(2)
	default:
		_, err = d.value(2)
	}
	return err
}

// httpMember takes the value of one member of requestContext.http.
func (d *decoder) httpMember(name []byte) (err error) {
	switch string(name) {
	case "method":
		d.method, err = d.optionalString()
	case "path":
		d.contextPath, err = d.optionalString()
	case "sourceIp":
		d.sourceIP, err = d.optionalString()
	default:
		_, err = d.value(3)
	}
	return err
}

// identityMember takes the value of one member of requestContext.identity.
func (d *decoder) identityMember(name []byte) (err error) {
	if string(name) == "sourceIp" {
		d.sourceIP, err = d.optionalString()
		return err
	}
	_, err = d.value(3)
	return err
}

// optionalString takes a string, or a null as one that is not there.
func (d *decoder) optionalString() (span, error) {
	if d.peek() == 'n' {
		return span{}, d.literal("null")
	}
	return d.str()
}

func (d *decoder) optionalBool() (bool, error) {
	switch d.peek() {
	case 't':
		return true, d.literal("true")
	case 'n':
		return false, d.literal("null")
	}
	return false, d.literal("false")
}

// strings takes an array of strings, or null.
func (d *decoder) strings(list []span) ([]span, error) {
	if d.peek() == 'n' {
		return list, d.literal("null")
	}
	if err := d.expect('['); err != nil {
		return list, err
	}
	for first := true; ; first = false {
		ok, err := d.more(']', first)
		if !ok || err != nil {
			return list, err
		}
		sp, err := d.optionalString()
		if err != nil {
			return list, err
		}
		if sp.present() {
			list = append(list, sp)
		}
	}
}

// fields takes an object whose values are strings, or arrays of strings if multi is set. Nulls are left out.
func (d *decoder) fields(list []field, multi bool) ([]field, error) {
	if d.peek() == 'n' {
		return list, d.literal("null")
	}
	if err := d.expect('{'); err != nil {
		return list, err
	}
	for first := true; ; first = false {
		ok, err := d.more('}', first)
		if !ok || err != nil {
			return list, err
		}
		name, err := d.key()
		if err != nil {
			return list, err
		}
		if multi && d.peek() == '[' {
			list, err = d.values(list, name)
		} else {
			var value span
			if value, err = d.optionalString(); value.present() {
				list = append(list, field{name, value})
			}
		}
		if err != nil {
			return list, err
		}
	}
}

// values takes an array with the values of one name.
func (d *decoder) values(list []field, name span) ([]field, error) {
	d.pos++
	for first := true; ; first = false {
		ok, err := d.more(']', first)
		if !ok || err != nil {
			return list, err
		}
		value, err := d.optionalString()
		if err != nil {
			return list, err
		}
		if value.present() {
			list = append(list, field{name, value})
		}
	}
}

// classify finds the shape of the event.
func (d *decoder) classify() error {
	switch {
	case d.isSocket:
		return notHTTP("it belongs to a WebSocket API")
	case !d.requestContext.present():
		return notHTTP("it has no requestContext")
	case d.hasELB:
		d.shape, d.multi = ALB, len(d.multiHeaders) > 0
		d.method = d.httpMethod
	case d.hasHTTP:
		if string(d.plain(d.version)) != "2.0" {
			return notHTTP("its version is not 2.0")
		}
		d.shape = Payload2
	case d.httpMethod.present():
		d.shape, d.multi = Payload1, true
		d.method = d.httpMethod
	default:
		return notHTTP("its requestContext has neither http nor elb, and it has no httpMethod")
	}
	if d.method.len() == 0 {
		return notHTTP("it has no HTTP method")
	}
	if len(d.multiHeaders) > 0 {
		d.headers, d.multiHeaders = d.multiHeaders, d.headers
	}
	if len(d.multiQuery) > 0 {
		d.query, d.multiQuery = d.multiQuery, d.query
	}
	return nil
}
