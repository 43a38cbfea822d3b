package scenario_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

func TestTemplateFaults(t *testing.T) {
	const (
		known  = "expected one of counter, random LO HI, random_text N, uuid, a text in quotes"
		random = "expected random LO HI with two whole numbers, the first not above the second, got "
		text   = "expected random_text N with a whole number from 1 to 65536, got "
	)
	values := func(lines string) string {
		return edited(t, "workers: 20", "workers: 20\nvalues:\n  "+strings.ReplaceAll(lines, "\n", "\n  "))
	}
	body := func(template string) string { return edited(t, "path: /", "path: /, method: POST, body: "+template) }
	tests := []struct{ name, text, want string }{
		{"unknown name", body(`"{{.id}}"`), `4: steps[0].body: unknown name ".id": ` + known},
		{"unknown name in a path", edited(t, "path: /", `path: "/{{id}}"`), `4: steps[0].path: unknown name "id": ` + known},
		{"unknown name in a header", edited(t, "path: /", `path: /, headers: {X-A: "{{id}}"}`), `4: steps[0].headers.X-A: unknown name "id": ` + known},
		{"unknown name in an expectation", edited(t, "path: /", `path: /, expect: {body: "{{id}}"}`), `4: steps[0].expect.body: unknown name "id": ` + known},
		{"unknown name beside known ones", values("a: b\nc: \"{{d}}\""), `5: values.c: unknown name "d": ` + known + ", a"},
		{"two faults", body(`"{{a}}{{b}}"`), `4: steps[0].body: unknown name "a": ` + known + "\n" + `4: steps[0].body: unknown name "b": ` + known},
		{"nothing", body(`"{{ }}"`), "4: steps[0].body: nothing between {{ and }}: " + known},
		{"no end", body(`"a{{b"`), `4: steps[0].body: {{ without }} in "{{b" (to send two braces, write {{"{{"}})`},
		{"no quotes", edited(t, "path: /", "path: {{id}}"), "4: steps[0].path: expected a text, got a mapping of mappings (a template has to stand in quotes)"},
		{"half quotes", body(`'{{"a}}'`), `4: steps[0].body: expected a text in quotes such as {{"{{"}}, got "\"a"`},
		{"more than a text", body(`'{{"a" b}}'`), `4: steps[0].body: expected a text in quotes such as {{"{{"}}, got "\"a\" b"`},
		{"counter with argument", body(`"{{counter 1}}"`), `4: steps[0].body: expected counter without arguments, got "counter 1"`},
		{"uuid with argument", body(`"{{uuid 4}}"`), `4: steps[0].body: expected uuid without arguments, got "uuid 4"`},
		{"random without arguments", body(`"{{random}}"`), "4: steps[0].body: " + random + `"random"`},
		{"random with one", body(`"{{random 5}}"`), "4: steps[0].body: " + random + `"random 5"`},
		{"random reversed", body(`"{{random 5 4}}"`), "4: steps[0].body: " + random + `"random 5 4"`},
		{"random with halves", body(`"{{random 0.5 4}}"`), "4: steps[0].body: " + random + `"random 0.5 4"`},
		{"random beyond numbers", body(`"{{random 0 9223372036854775808}}"`), "4: steps[0].body: " + random + `"random 0 9223372036854775808"`},
		{"text of nothing", body(`"{{random_text 0}}"`), "4: steps[0].body: " + text + `"random_text 0"`},
		{"long text", body(`"{{random_text 65537}}"`), "4: steps[0].body: " + text + `"random_text 65537"`},
		{"name with argument", values("a: b\nc: \"{{a 1}}\""), `5: values.c: a takes no arguments, got "a 1"`},
		{
			"expectation that draws", edited(t, "path: /", `path: /, expect: {body: "{{uuid}}"}`),
			"4: steps[0].expect.body: what is drawn here is not what was sent: draw it in values, and name it here and where it is sent",
		},
		{
			"content type", edited(t, "path: /", `path: /, content_type: "{{a}}/b"`),
			`4: steps[0].content_type: no place for a template: expected a text without {{, got "{{a}}/b"`,
		},
		{"path without a slash", edited(t, "path: /", `path: "a{{counter}}"`), "4: steps[0].path: " + pathWanted + `"a{{counter}}"`},
		{"path with a host", edited(t, "path: /", `path: "http://{{counter}}/"`), "4: steps[0].path: " + pathWanted + `"http://{{counter}}/"`},
		{"path not encoded", edited(t, "path: /", `path: "/{{counter}} b"`), "4: steps[0].path: " + pathWanted + `"/{{counter}} b"`},
		{"path with braces not encoded", edited(t, "path: /", `path: '/{{"#"}}'`), "4: steps[0].path: " + pathWanted + `"/{{\"#\"}}"`},
		{"long path", edited(t, "path: /", `path: "/{{random_text 8192}}"`), "4: steps[0].path: a path of up to 8193 bytes: servers take at most 8192"},
		{
			"header that breaks the line", edited(t, "path: /", `path: /, headers: {X-A: '{{"\r"}}'}`),
			`4: steps[0].headers.X-A: expected a printable text in the quotes, got "{{\"\\r\"}}"`,
		},
		{"long body", body(`"` + strings.Repeat("{{random_text 65536}}", 97) + `"`), "4: steps[0].body: up to 6356992 bytes with its values: at most 6291456 can be sent"},

		{"values as list", edited(t, "workers: 20", "workers: 20\nvalues: [a]"), "3: values: expected a mapping of names to texts, got a list of 1"},
		{"no values", edited(t, "workers: 20", "workers: 20\nvalues: {}"), "3: values: expected a mapping of names to texts, got a mapping"},
		{"value without text", values("a:"), "4: values.a: expected a text, got nothing"},
		{"value given twice", values("a: b\na: c"), "5: values.a: given twice"},
		{"value of a function's name", values("uuid: b"), `4: values: "uuid" is the name of a function: expected another`},
		{"bad name", values("a-b: c"), `4: values: expected as name up to 64 letters, digits and underscores that do not begin with a digit, got "a-b"`},
		{"value of a later one", values("a: \"{{b}}\"\nb: c"), `4: values.a: "b" is not known yet: a value can use those above it`},
		{"value of itself", values("a: \"{{a}}\""), `4: values.a: "a" is not known yet: a value can use those above it`},
		{"long values", values("a: \"{{random_text 65536}}\"\n" + doubled('a', 'f')), "8: values.e: the values up to here have up to 2031616 bytes: expected at most 1048576"},
		{"fault that hides a name", values("a-b: c\nd: \"{{a}}\""), `4: values: expected as name up to 64 letters, digits and underscores that do not begin with a digit, got "a-b"`},

		{
			"capture used before", edited(t, "{name: get, path: /}", `{name: get, path: "/{{id}}", capture: {id: {json: id}}}`),
			`4: steps[0].path: "id" is not known yet: steps[0] captures it, for the steps after it`,
		},
		{
			"capture in a value", edited(t, "workers: 20", "workers: 20\nvalues: {a: \"{{id}}\"}", "path: /", `path: /, capture: {id: {json: id}}`),
			`3: values.a: "id" is not known yet: steps[0] captures it, for the steps after it`,
		},
		{
			"capture of a value's name", edited(t, "workers: 20", "workers: 20\nvalues: {id: a}", "path: /", `path: /, capture: {id: {json: id}}`),
			`5: steps[0].capture: "id" is already the name of a value: expected another`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkFaults(t, tt.text, tt.want, noFiles) })
	}
}

// doubled has a value for each letter after the first, each twice the one before.
func doubled(from, to rune) string {
	lines := make([]string, 0, to-from)
	for c := from + 1; c <= to; c++ {
		lines = append(lines, fmt.Sprintf("%c: \"{{%c}}{{%c}}\"", c, c-1, c-1))
	}
	return strings.Join(lines, "\n")
}

// checkFaults checks that a text is refused with just these faults, each without the file.
func checkFaults(t *testing.T, text, want string, readFile func(string) ([]byte, error)) {
	t.Helper()
	s, err := scenario.Parse("f.yaml", []byte(text), readFile)
	if err == nil {
		t.Fatalf("accepted as %+v:\n%s", s, text)
	}
	want = "f.yaml:" + strings.ReplaceAll(want, "\n", "\nf.yaml:")
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Errorf("-want +got:\n%s\nof:\n%s", d, text)
	}
}

func TestFeederFaults(t *testing.T) {
	feeder := func(feeder string) string { return edited(t, "workers: 20", "workers: 20\nfeeder: "+feeder) }
	const name = "expected as name up to 64 letters, digits and underscores that do not begin with a digit, got "
	yaml := []struct{ name, text, want string }{
		{"text", feeder("users.csv"), `3: feeder: expected a mapping with file, order, got "users.csv"`},
		{"no file", feeder("{order: random}"), "3: feeder.file: missing: expected the name of a CSV file, relative to the scenario's folder"},
		{"empty name", feeder(`{file: ""}`), `3: feeder.file: expected the name of a CSV file, relative to the scenario's folder, got ""`},
		{"order", feeder("{file: users.csv, order: shuffled}"), `3: feeder.order: expected sequential or random, got "shuffled"`},
		{"unreadable", edited(t, "workers: 20", "workers: 20\nfeeder: {file: no.csv}", "path: /", `path: "/{{user}}"`), "3: feeder.file: no such file"},
		{"column of a value's name", feeder("{file: users.csv}\nvalues: {user: a}"), `4: values: "user" is already the name of a column of the feeder: expected another`},
	}
	for _, tt := range yaml {
		t.Run(tt.name, func(t *testing.T) {
			checkFaults(t, tt.text, tt.want, func(name string) ([]byte, error) {
				if name != "users.csv" {
					return nil, errNoFile
				}
				return []byte(users), nil
			})
		})
	}
	rows := []struct{ name, csv, want string }{
		{"empty", "", "u.csv:1: the file is empty: expected a line with the names of the columns, and rows"},
		{"no rows", "a,b\n", "u.csv:1: no rows below the names of the columns: expected 1 to 1000000"},
		{"short row", "a,b\n1,2\n3\n", "u.csv:3: expected 2 fields, as there are columns, got 1"},
		{"long row", "a\n\n1,2\n", "u.csv:3: expected 1 fields, as there are columns, got 2"},
		{"quote", "a\n1\n\"2\n", `u.csv:3: not valid CSV: extraneous or missing " in quoted-field`},
		{"column name", "a,b c\n1,2\n", "u.csv:1: " + name + `"b c"`},
		{"no column name", "a,\n1,2\n", "u.csv:1: " + name + `""`},
		{"columns of one name", "a,a\n1,2\n", `u.csv:1: "a" is already the name of a column of the feeder: expected another`},
		{"column of a function's name", "uuid\n1\n", `u.csv:1: "uuid" is the name of a function: expected another`},
		{"many columns", strings.Repeat("a,", 100) + "a\n", "u.csv:1: 101 columns: expected at most 100"},
		{"many rows", "a\n" + strings.Repeat("1\n", scenario.MaxFeederRows+1), "u.csv:1000002: more than 1000000 rows"},
		{"large", "a\n" + strings.Repeat("1", scenario.MaxFeederBytes), "u.csv: 67108866 bytes: at most 67108864 are read"},
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			checkFaults(t, feeder("{file: u.csv}"), "3: feeder.file: "+tt.want, func(string) ([]byte, error) { return []byte(tt.csv), nil })
		})
	}
}
