package scenario_test

import (
	"strings"
	"testing"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

const (
	stepKeys     = "name, method, path, content_type, headers, body, body_file, expect, weight, think_time, capture"
	phaseKeys    = "name, workers, rate, arrivals, iterations, duration, warmup"
	scenarioKeys = "name, load, workers, connections, order, arrivals, steps, phases, timeout, grace, protocol, fresh_connections, slo, values, feeder"
	nameWanted   = "expected up to 64 letters, digits, dots, underscores and dashes, got "
	pathWanted   = "expected a path with its query, such as /texts?page=2, in its encoded form, got "
)

func TestFaults(t *testing.T) {
	step := func(fields string) string { return edited(t, "path: /", fields) }
	phase := func(fields string) string { return edited(t, "iterations: 5", fields) }
	whole := func(line string) string { return edited(t, "workers: 20", "workers: 20\n"+line) }
	tests := []struct {
		name string
		text string
		want string // without the file; lines joined
	}{
		// The file.
		{"empty", "", "1: the file is empty: expected a scenario with name, steps and phases"},
		{"only a comment", "\n# nothing\n", "1: the file is empty: expected a scenario with name, steps and phases"},
		{"null", "---\n", "2: expected a mapping with " + scenarioKeys + ", got nothing"},
		{"a text", "four-phase-20", "1: expected a mapping with " + scenarioKeys + `, got "four-phase-20"`},
		{"a list", "- a\n- b\n", "1: expected a mapping with " + scenarioKeys + ", got a list of 2"},
		{"several documents", minimal + "---\nname: more\n", "7: a second YAML document: expected one and nothing after it"},
		{"broken second document", minimal + "---\n{", "8: not valid YAML: did not find expected node content"},
		{"syntax", "name: a\nsteps: [\nphases: }\n", "2: not valid YAML: did not find expected node content"},
		{"syntax on the first line", "{", "1: not valid YAML: did not find expected node content"},
		{"tab", "name: a\n\tload: b\n", "2: not valid YAML: found a tab character that violates indentation"},
		{"not UTF-8", "name: a\n# \xff\n", "2: not valid YAML: byte 0xff is not UTF-8"},
		{"control character", "name: a\n\n# \x01\n", "3: not valid YAML: control character U+0001"},
		{"unknown alias", "name: *a\n", "1: not valid YAML: unknown anchor 'a' referenced"},

		// Keys.
		{"nothing but a key", "name: a", "1: steps: missing: expected a list of 1 to 100\n1: phases: missing: expected a list of 1 to 100"},
		{"unknown key", whole("wokers: 5"), "3: wokers: unknown key, expected one of " + scenarioKeys},
		{"key given twice", whole("name: again"), "3: name: given twice"},
		{"key that no line can hold", whole(`"a\nb": 5`), `3: "a\nb": unknown key, expected one of ` + scenarioKeys},
		{"mapping as key", whole("{a: b}: 5"), "3: expected a text as key, got a mapping"},
		{"merge key", step("<<: {path: /}"), "4: steps[0].<<: unknown key, expected one of " + stepKeys +
			"\n4: steps[0].path: missing: expected a path such as /"},
		{
			"alias", edited(t, "workers: 20", "workers: &n 20", "iterations: 5", "iterations: *n"),
			"6: phases[0].iterations: anchors and aliases are not supported: write the value out" +
				"\n6: phases[0]: expected iterations (per worker and step) or duration",
		},
		{
			"alias in a list", edited(t, "- {name: get", "- &s {name: get", "phases:", "  - *s\nphases:"),
			"5: steps[1]: expected a mapping with " + stepKeys + ", got an alias",
		},
		{"tag", step("method: POST, path: /, body: !!binary aGVsbG8="), "4: steps[0].body: the tag !!binary is not supported: write the value as plain text"},

		// The scenario's own values.
		{"no name", edited(t, "name: short\n", ""), "1: name: missing"},
		{"null name", edited(t, "name: short", "name: null"), "1: name: " + nameWanted + "nothing"},
		{"bad name", edited(t, "name: short", "name: ../a"), "1: name: " + nameWanted + `"../a"`},
		{"long name", edited(t, "name: short", "name: "+strings.Repeat("a", 65)), "1: name: " + nameWanted + `"` + strings.Repeat("a", 60) + `"…`},
		{"load", whole("load: half"), `3: load: expected closed or open, got "half"`},
		{"order", whole("order: [blocks]"), "3: order: expected blocks or interleaved, got a list of 1"},
		{"no worker", edited(t, "workers: 20", "workers: 0"), `2: workers: expected a whole number from 1 to 10000, got "0"`},
		{"many workers", edited(t, "workers: 20", "workers: 10001"), `2: workers: expected a whole number from 1 to 10000, got "10001"`},
		{"half a worker", edited(t, "workers: 20", "workers: 1.5"), `2: workers: expected a whole number from 1 to 10000, got "1.5"`},
		{"workers beyond a number", edited(t, "workers: 20", "workers: 99999999999999999999"), `2: workers: expected a whole number from 1 to 10000, got "99999999999999999999"`},
		{"timeout without unit", whole("timeout: 10"), `3: timeout: expected a duration from 1ms to 1h0m0s such as 250ms or 10s, got "10"`},
		{"timeout of nothing", whole("timeout: 0s"), `3: timeout: expected a duration from 1ms to 1h0m0s such as 250ms or 10s, got "0s"`},
		{"timeout beyond the histogram", whole("timeout: 61m"), `3: timeout: expected a duration from 1ms to 1h0m0s such as 250ms or 10s, got "61m"`},
		{"steps empty", edited(t, "steps:\n  - {name: get, path: /}", "steps: []"), "3: steps: expected a list of 1 to 100, got a list of 0"},
		{"steps as mapping", edited(t, "steps:\n  - {name: get, path: /}", "steps: {a: b}"), "3: steps: expected a list of 1 to 100, got a mapping"},
		{"many phases", minimal + strings.Repeat("  - {name: a, iterations: 1}\n", 100), "6: phases: expected a list of 1 to 100, got a list of 101"},

		// Steps.
		{"step as text", edited(t, "{name: get, path: /}", "get"), "4: steps[0]: expected a mapping with " + stepKeys + `, got "get"`},
		{"step without name and path", edited(t, "{name: get, path: /}", "{method: GET}"), "4: steps[0].name: missing\n4: steps[0].path: missing: expected a path such as /"},
		{"steps of one name", edited(t, "phases:", "  - {name: get, path: /b}\nphases:"), `5: steps[1].name: two steps have the name "get"`},
		{"method", step("path: /, method: G T"), `4: steps[0].method: expected an HTTP method such as GET or POST, got "G T"`},
		{"CONNECT", step("path: /, method: connect"), `4: steps[0].method: expected an HTTP method such as GET or POST, got "connect"`},
		{"null method", step("path: /, method: "), "4: steps[0].method: expected a text, got nothing"},
		{"relative path", step("path: texts"), "4: steps[0].path: " + pathWanted + `"texts"`},
		{"URL as path", step(`path: "http://a/"`), "4: steps[0].path: " + pathWanted + `"http://a/"`},
		{"path with a space", step(`path: "/a b"`), "4: steps[0].path: " + pathWanted + `"/a b"`},
		{"path with a fragment", step(`path: "/a#b"`), "4: steps[0].path: " + pathWanted + `"/a#b"`},
		{"path that breaks the line", step(`path: "/a\r\nX: y"`), "4: steps[0].path: " + pathWanted + `"/a\r\nX: y"`},
		{"path not encoded", step("path: /ä"), "4: steps[0].path: " + pathWanted + `"/ä"`},
		{"path badly encoded", step("path: /%zz"), "4: steps[0].path: " + pathWanted + `"/%zz"`},
		{"content type", step("path: /, content_type: text/"), `4: steps[0].content_type: expected a media type such as text/plain, got "text/"`},
		{"null content type", step("path: /, content_type: "), "4: steps[0].content_type: expected a text, got nothing"},
		{"headers as text", step("path: /, headers: a"), `4: steps[0].headers: expected a mapping of names to values, got "a"`},
		{"header name", step("path: /, headers: {a b: c}"), `4: steps[0].headers: "a b" is no header name`},
		{"header of ours", step("path: /, headers: {Content-Length: 5}"), "4: steps[0].headers.Content-Length: set by bench itself (the type by content_type)"},
		{"header given twice", step(`path: /, headers: {a: "", A: 2}`), "4: steps[0].headers.A: given twice"},
		{"header that breaks the line", step(`path: /, headers: {a: "b\r\nc: d"}`), `4: steps[0].headers.a: expected a printable text, got "b\r\nc: d"`},
		{"header as list", step("path: /, headers: {a: [b]}"), "4: steps[0].headers.a: expected a text, got a list of 1"},
		{"header without value", step("path: /, headers: {a: }"), "4: steps[0].headers.a: expected a text, got nothing"},
		{"body as mapping", step("path: /, body: {a: b}"), "4: steps[0].body: expected a text, got a mapping"},
		{"two bodies", step("path: /, body: a, body_file: b"), "4: steps[0].body_file: given beside body: expected one of the two"},
		{"no body file", step("path: /, body_file: b"), "4: steps[0].body_file: no such file"},
		{"null body file", step("path: /, body_file: "), "4: steps[0].body_file: expected the name of a file, relative to the scenario's folder, got nothing"},
		{"null expectation", step("path: /, expect: "), "4: steps[0].expect: expected a mapping with status, body, content_type, got nothing"},
		{"expected status", step("path: /, expect: {status: 99}"), `4: steps[0].expect.status: expected a whole number from 100 to 599, got "99"`},
		{"expected 2xx", step("path: /, expect: {status: 2xx}"), `4: steps[0].expect.status: expected a whole number from 100 to 599, got "2xx"`},
		{"expected content type", step("path: /, expect: {content_type: /}"), `4: steps[0].expect.content_type: expected a media type such as text/plain, got "/"`},
		{"expected body of HEAD", step("path: /, method: HEAD, expect: {body: a}"), "4: steps[0].expect.body: the answer to HEAD has no body"},
		{"unknown expectation", step("path: /, expect: {header: a}"), "4: steps[0].expect.header: unknown key, expected one of status, body, content_type"},

		// Phases.
		{"phase without an end", phase("warmup: false"), "6: phases[0]: expected iterations (per worker and step) or duration"},
		{"phase with two ends", phase("iterations: 5, duration: 1s"), "6: phases[0].duration: given beside iterations: expected one of the two"},
		{"no iteration", phase("iterations: 0"), `6: phases[0].iterations: expected a whole number from 1 to 1000000000, got "0"`},
		{"too many requests", phase("iterations: 1000000000"), "6: phases[0]: 20000000000 requests: at most 1000000000 fit in a phase"},
		{"duration", phase("duration: -1s"), `6: phases[0].duration: expected a duration from 1ms to 24h0m0s such as 250ms or 10s, got "-1s"`},
		{"long duration", phase("duration: 25h"), `6: phases[0].duration: expected a duration from 1ms to 24h0m0s such as 250ms or 10s, got "25h"`},
		{"share of 0 %", phase("iterations: 5, workers: 0%"), `6: phases[0].workers: expected a share above 0% and up to 100%, got "0%"`},
		{"share above 100 %", phase("iterations: 5, workers: 100.1%"), `6: phases[0].workers: expected a share above 0% and up to 100%, got "100.1%"`},
		{"negative share", phase("iterations: 5, workers: -5%"), `6: phases[0].workers: expected a number of workers from 1 to 10000 or a share such as 50%, got "-5%"`},
		{"more workers than all", phase("iterations: 5, workers: 21"), "6: phases[0].workers: 21 are more than the scenario's 20"},
		{
			"share of nothing", edited(t, "workers: 20\n", "", "iterations: 5", "iterations: 5, workers: 5%"),
			"5: phases[0].workers: a share of the scenario's workers, but the scenario has no key workers",
		},
		{"no workers at all", edited(t, "workers: 20\n", ""), "5: phases[0].workers: missing here and in the scenario: expected a number in one of them"},
		{"warmup", phase("iterations: 5, warmup: yes"), `6: phases[0].warmup: expected true or false, got "yes"`},
		{"null warmup", phase("iterations: 5, warmup: "), "6: phases[0].warmup: expected true or false, got nothing"},
		{"nothing but warmup", phase("iterations: 5, warmup: true"), "6: phases: all of them are warmup: nothing would be counted"},
		{"phases of one name", minimal + "  - {name: only, iterations: 1}\n", `7: phases[1].name: two phases have the name "only"`},
		{"unknown key of a phase", phase("iterations: 5, worker: 3"), "6: phases[0].worker: unknown key, expected one of " + phaseKeys},

		{"everything at once", `name: a/b
load: ajar
workers: -1
order: random
speed: 9
timeout: soon
steps:
  - name: post
    method: "P\nT"
    path: here
    headers:
      a:b: c
    expect:
      status: ok
phases:
  - name: first
    iterations: many
`, "5: speed: unknown key, expected one of " + scenarioKeys + `
1: name: ` + nameWanted + `"a/b"
2: load: expected closed or open, got "ajar"
3: workers: expected a whole number from 1 to 10000, got "-1"
4: order: expected blocks or interleaved, got "random"
6: timeout: expected a duration from 1ms to 1h0m0s such as 250ms or 10s, got "soon"
9: steps[0].method: expected an HTTP method such as GET or POST, got "P\nT"
10: steps[0].path: ` + pathWanted + `"here"
12: steps[0].headers: "a:b" is no header name
14: steps[0].expect.status: expected a whole number from 100 to 599, got "ok"
17: phases[0].iterations: expected a whole number from 1 to 1000000000, got "many"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkFaults(t, tt.text, tt.want, noFiles) })
	}
}

func TestTooLarge(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		_, err := scenario.Parse("f.yaml", []byte(minimal+strings.Repeat("#", scenario.MaxFileBytes)), noFiles)
		const want = "f.yaml:1: a scenario file of 1048672 bytes: at most 1048576 are read"
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
	t.Run("body file", func(t *testing.T) {
		text := edited(t, "path: /", "path: /, body_file: big")
		read := func(n int) error {
			_, err := scenario.Parse("f.yaml", []byte(text), func(string) ([]byte, error) { return make([]byte, n), nil })
			return err
		}
		if err := read(scenario.MaxBodyBytes); err != nil {
			t.Errorf("at the limit: %v", err)
		}
		const want = "f.yaml:4: steps[0].body_file: 6291457 bytes: at most 6291456 can be sent"
		if err := read(scenario.MaxBodyBytes + 1); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	})
	t.Run("faults", func(t *testing.T) {
		text := minimal + strings.Repeat("name: again\n", 1000)
		_, err := scenario.Parse("f.yaml", []byte(text), noFiles)
		if err == nil {
			t.Fatal("accepted")
		}
		lines := strings.Split(err.Error(), "\n")
		if got, want := lines[len(lines)-1], "f.yaml:1: and 900 more faults"; len(lines) != 101 || got != want {
			t.Errorf("%d lines, the last %q, want 101 and %q", len(lines), got, want)
		}
	})
}
