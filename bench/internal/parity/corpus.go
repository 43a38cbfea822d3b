package parity

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
)

// The shipped corpora.
const (
	// CorpusApp is for the project's own app and the default of `bench parity`.
	CorpusApp = "app"
	// CorpusMirror is for the fixture that answers with what a handler sees of a request.
	CorpusMirror = "mirror"
)

//go:embed corpora/*.yaml
var corpora embed.FS

// Builtin returns a shipped corpus, CorpusApp or CorpusMirror.
func Builtin(name string) (*Corpus, error) {
	file := "corpora/" + name + ".yaml"
	data, err := corpora.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("there is no corpus %q, only %s and %s", name, CorpusApp, CorpusMirror)
	}
	return Parse(name+".yaml", data)
}

// Corpus is a list of requests that are sent in order. Parse makes it.
type Corpus struct {
	Name      string
	Requests  []Request
	Normalise []Normaliser
}

// Request is one request, in the pieces that are written to the socket.
type Request struct {
	// Name is unique in its corpus.
	Name string
	// Method, Target and Proto are the request line. Target is sent byte for byte, after the base path of the target.
	Method, Target, Proto string
	// Headers are lines of the form "Name: value", sent in this order and as they are. A Host comes before them, and a
	// Content-Length or Transfer-Encoding after them, unless the list has one or it would be wrong.
	Headers []string
	// Body is what is sent as the body, nil for none; empty sends Content-Length: 0.
	Body []byte
	// ChunkBytes is the size of the chunks of a chunked body in bytes; 0 sends a Content-Length.
	ChunkBytes int
	// Continue sends Expect: 100-continue and holds the body back until the server asks for it.
	Continue bool
	// Status is what the left target must answer, 0 for any. It keeps a corpus from agreeing on nothing but 404.
	Status int
	// Captures take values from the answer for later requests.
	Captures []Capture
}

// Capture takes the first group of Pattern, matched against a header of the answer, as a variable: {{Name}} in the target,
// headers or body of later requests. Each target has variables of its own. A header that does not match leaves the variable
// empty.
type Capture struct {
	Name, Header string
	Pattern      *regexp.Regexp
}

// Normaliser replaces what no two answers have in common, such as random ids: in the fields that match Field of the
// requests that match Request, each match of Pattern by As. See Compare for the names of fields; * stands for any text.
//
// {{host}} and {{port}} in the pattern stand for those of the target that has answered.
type Normaliser struct {
	Request, Field string
	Pattern        string
	As             string
	Why            string

	whole *regexp.Regexp // for patterns without variables
	uses  *atomic.Int64
}

// Uses is how often it has changed a value.
func (n *Normaliser) Uses() int64 { return n.uses.Load() }

// expand returns the pattern for one target.
func (n *Normaliser) expand(vars map[string]string) *regexp.Regexp {
	if n.whole != nil {
		return n.whole
	}
	// It has been compiled with other values before, and quoted values cannot break it.
	return regexp.MustCompile(substitute(n.Pattern, vars, regexp.QuoteMeta))
}

func (n *Normaliser) compile() error {
	probe, err := regexp.Compile(substitute(n.Pattern, map[string]string{"host": "h", "port": "1"}, regexp.QuoteMeta))
	if err != nil {
		return err // the caller adds file and line
	}
	if !strings.Contains(n.Pattern, "{{") {
		n.whole = probe
	}
	n.uses = new(atomic.Int64)
	return nil
}

var variable = regexp.MustCompile(`\{\{([a-z][a-z0-9_]*)\}\}`)

// substitute replaces variables by their values, each passed through quote.
func substitute(s string, vars map[string]string, quote func(string) string) string {
	if !strings.Contains(s, "{{") {
		return s
	}
	return variable.ReplaceAllStringFunc(s, func(m string) string {
		v, ok := vars[m[2:len(m)-2]]
		if !ok {
			return m
		}
		return quote(v)
	})
}

func verbatim(s string) string { return s }

// Matches tells whether name is what glob stands for; * in glob stands for any text.
func Matches(glob, name string) bool {
	first, rest, found := strings.Cut(glob, "*")
	if !found {
		return glob == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for {
		var part string
		part, rest, found = strings.Cut(rest, "*")
		if !found {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
}
