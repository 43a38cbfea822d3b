package scenario_test

import (
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

const users = "user,town\nann,Rome\n\"b,o\nb\",\ncy,Oslo\n"

// templated is a scenario with all that templates can name.
func templated(t *testing.T, order string) *scenario.Scenario {
	t.Helper()
	text := `
name: templated
workers: 1
feeder: {file: users.csv, order: ` + order + `}
values:
  text: "{{random_text 12}}"
  twice: "{{text}}/{{ text }}/{{user}}"
steps:
  - {name: post, method: POST, path: /, body: "{{text}}", capture: {id: {header: Location}}}
  - {name: get, path: "{{id}}", headers: {X-User: "{{town}}"}, expect: {body: "{{text}}{{counter}}"}, capture: {id: {json: a}, more: {json: b}}}
  - {name: last, path: "/{{more}}?id={{id}}"}
phases: [{name: only, iterations: 1}]
`
	s, err := scenario.Parse("test.yaml", []byte(text), func(name string) ([]byte, error) {
		if name != "users.csv" {
			return nil, errNoFile
		}
		return []byte("\xef\xbb\xbf" + users), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// render gives a text with the values of an iteration.
func render(s *scenario.Scenario, v *scenario.Variables, text string) string {
	return string(s.Template(text).Append(nil, v))
}

func TestTemplate(t *testing.T) {
	s := templated(t, "sequential")
	v := s.NewVariables()
	tests := []struct {
		text, want string // want as a regular expression
		static     bool
	}{
		{"", "", true},
		{"plain", "plain", true},
		{"} }} {", "} }} {", true},
		{`{{"{{"}}a{{"}}"}}`, `\{\{a\}\}`, true},
		{`{{ "\"\u00e4\n" }}`, "\"ä\n", true},
		{`{{""}}`, "", true},
		{"{{counter}}", "4", false},
		{"a{{ counter }}b{{counter}}c", "a4b4c", false},
		{"{{random 5 5}}", "5", false},
		{"{{random -3 -1}}", "-[123]", false},
		{"{{random 0 9}}{{random 0 9}}", "[0-9]{2}", false},
		{"{{random -9223372036854775808 9223372036854775807}}", "-?[0-9]{1,19}", false},
		{"{{random_text 1}}", "[0-9A-Za-z]", false},
		{"{{random_text 65536}}", "[0-9A-Za-z]{1000}.*", false},
		{"{{uuid}}", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", false},
		{"{{user}} of {{town}}", "ann of Rome", false},
		{"{{id}}", "/texts/1", false},
		{"{{more}}", "", false},
		{"{{text}}", "[0-9A-Za-z]{12}", false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			template := s.Template(tt.text)
			v.Begin(1, 2, 4) // the fourth iteration has the first row again
			v.Capture("id", []byte("/texts/1"))
			v.Capture("nobody", []byte("asked for it"))
			got := template.Append([]byte("before "), v)
			if !regexp.MustCompile("^before " + tt.want + "$").Match(got) {
				t.Errorf("got %.200q, want %s", got, tt.want)
			}
			if template.Static() != tt.static {
				t.Errorf("static is %v", template.Static())
			}
			got = got[len("before "):]
			v.Begin(1, 2, 4)
			v.Capture("id", []byte("/texts/1"))
			if !template.Matches(got, v) {
				t.Error("it does not match itself")
			}
			if template.Matches(append(got, 'x'), v) || len(got) > 0 && template.Matches(got[:len(got)-1], v) {
				t.Error("it matches a longer or a shorter text")
			}
			if len(got) > 0 {
				v.Begin(1, 2, 4)
				v.Capture("id", []byte("/texts/1"))
				got[0] ^= 1
				if template.Matches(got, v) {
					t.Error("it matches another text")
				}
			}
		})
	}
	if got := (scenario.Template{}); !got.Static() || !got.Matches(nil, v) || got.Matches([]byte("a"), v) {
		t.Error("the zero template is not the empty text")
	}
}

// TestValuesOnce checks that a value is the same wherever it is used in an iteration, and another in the next.
func TestValuesOnce(t *testing.T) {
	s := templated(t, "sequential")
	v := s.NewVariables()
	v.Begin(1, 1, 1)
	text := render(s, v, "{{text}}")
	if got, want := render(s, v, "{{twice}}"), text+"/"+text+"/ann"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !s.Template(*s.Steps[1].Expect.Body).Matches([]byte(text+"1"), v) {
		t.Error("the value does not match itself")
	}
	v.Begin(1, 2, 2)
	if got := render(s, v, "{{text}}"); got == text {
		t.Errorf("%q once more", got)
	}
	if got, want := render(s, v, "{{user}}{{town}}"), "b,o\nb"; got != want {
		t.Errorf("second row: got %q, want %q", got, want)
	}
}

func TestCapture(t *testing.T) {
	s := templated(t, "sequential")
	v := s.NewVariables()
	v.Begin(1, 1, 1)
	value := []byte("first")
	v.Capture("id", value)
	copy(value, "xxxxx")
	if got := render(s, v, s.Steps[1].Path); got != "first" {
		t.Errorf("got %q: it is no copy", got)
	}
	v.Capture("id", []byte("2"))
	v.Capture("more", []byte("3"))
	if got := render(s, v, s.Steps[2].Path); got != "/3?id=2" {
		t.Errorf("captured anew: got %q", got)
	}
	v.Begin(1, 2, 2)
	if got := render(s, v, s.Steps[2].Path); got != "/?id=" {
		t.Errorf("the next iteration has %q of the last", got)
	}
}

// TestRepeatable checks that an iteration has the same values whoever does it and whatever was done before.
func TestRepeatable(t *testing.T) {
	s := templated(t, "random")
	a, b := s.NewVariables(), s.NewVariables()
	const text = "{{twice}} {{user}} {{uuid}} {{random 0 1000000}} {{random_text 20}}"
	seen := map[string]bool{}
	for n := range uint64(50) {
		a.Begin(7, n, 1)
		b.Begin(99, n, 3)
		b.Think(scenario.Think{To: scenario.Duration(time.Second)})
		b.Begin(7, n, 1)
		got, want := render(s, a, text), render(s, b, text)
		if got != want {
			t.Fatalf("iteration %d has %q and %q", n, got, want)
		}
		b.Begin(7, n, 2) // the counter has no part in what is drawn
		if got := render(s, b, text); got != want {
			t.Fatalf("iteration %d with another counter has %q, want %q", n, got, want)
		}
		b.Begin(8, n, 1)
		if got := render(s, b, text); got == want {
			t.Fatalf("another stream has the same %q", got)
		}
		if seen[want] {
			t.Fatalf("%q a second time", want)
		}
		seen[want] = true
	}
}

func TestFeederOrder(t *testing.T) {
	s := templated(t, "sequential")
	v := s.NewVariables()
	for counter, want := range []string{"ann", "ann", "b,o\nb", "cy", "ann"} { // 0 is the check before the load
		v.Begin(1, 5, uint64(counter))
		if got := render(s, v, "{{user}}"); got != want {
			t.Errorf("iteration %d has %q, want %q", counter, got, want)
		}
	}
	s = templated(t, "random")
	v = s.NewVariables()
	counts := map[string]int{}
	const many = 3000
	for n := range uint64(many) {
		v.Begin(1, n, 1)
		counts[render(s, v, "{{user}}")]++
	}
	for user, n := range counts {
		checkShare(t, user, n, many, 1.0/3)
	}
	if len(counts) != 3 {
		t.Errorf("%d of 3 rows were drawn", len(counts))
	}
}

// checkShare checks that n of many is within five standard deviations of the share.
func checkShare(t *testing.T, what string, n, many int, share float64) {
	t.Helper()
	mean := share * float64(many)
	if off := math.Abs(float64(n)-mean) / math.Sqrt(mean*(1-share)); off > 5 {
		t.Errorf("%s: %d of %d, %.1f standard deviations from %.1f", what, n, many, off, mean)
	}
}

// TestStep checks the shares of steps over consecutive iterations of several workers, as a closed load numbers them.
func TestStep(t *testing.T) {
	s := parse(t, edited(t, "- {name: get, path: /}", `- {name: a, path: /, weight: 1}
  - {name: b, path: "/{{random 1 9}}", weight: 70}
  - {name: c, path: /, weight: 29}`))
	v, other := s.NewVariables(), s.NewVariables()
	counts := make([]int, 3)
	const many = 200_000
	for i := range uint64(many) {
		n := i%4<<40 | i/4
		v.Begin(42, n, 1)
		counts[v.Step()]++
		if i%1000 == 0 {
			other.Begin(42, n, 77)
			render(s, other, s.Steps[1].Path)
			other.Think(scenario.Think{To: 5})
			if v.Step() != other.Step() {
				t.Fatalf("iteration %d is step %d, and %d after other draws", n, v.Step(), other.Step())
			}
		}
	}
	for i, share := range []float64{0.01, 0.70, 0.29} {
		checkShare(t, s.Steps[i].Name, counts[i], many, share)
	}
	for _, steps := range [][]scenario.Step{nil, {{}}} {
		v := (&scenario.Scenario{Steps: steps}).NewVariables()
		if v.Begin(1, 1, 1); v.Step() != 0 {
			t.Errorf("step %d of %d without weights", v.Step(), len(steps))
		}
	}
}

func TestDrawsAreEven(t *testing.T) {
	s := &scenario.Scenario{}
	v := s.NewVariables()
	characters, numbers := map[rune]int{}, map[string]int{}
	const many = 20_000
	text, number := s.Template("{{random_text 10}}"), s.Template("{{random -2 4}}")
	for n := range uint64(many) {
		v.Begin(3, n, 1)
		for _, c := range string(text.Append(nil, v)) {
			characters[c]++
		}
		numbers[string(number.Append(nil, v))]++
	}
	if len(characters) != 62 || len(numbers) != 7 {
		t.Fatalf("%d characters and %d numbers, want 62 and 7", len(characters), len(numbers))
	}
	for c, n := range characters {
		checkShare(t, string(c), n, 10*many, 1.0/62)
	}
	for number, n := range numbers {
		checkShare(t, number, n, many, 1.0/7)
	}
}

func TestThink(t *testing.T) {
	v := (&scenario.Scenario{}).NewVariables()
	v.Begin(1, 1, 1)
	if got := v.Think(scenario.Think{From: 5, To: 5}); got != 5 {
		t.Errorf("got %s, want 5ns", got)
	}
	counts := make([]int, 5)
	for range 10_000 {
		got := v.Think(scenario.Think{From: 3, To: 7})
		if got < 3 || got > 7 {
			t.Fatalf("%s is outside of 3 to 7 ns", got)
		}
		counts[got-3]++
	}
	for i, n := range counts {
		checkShare(t, strconv.Itoa(i+3), n, 10_000, 0.2)
	}
}

func TestNoAllocations(t *testing.T) {
	s := templated(t, "random")
	v := s.NewVariables()
	template := s.Template("/{{text}}/{{twice}}/{{user}}/{{counter}}/{{random 1 9}}/{{random_text 9}}/{{uuid}}/{{id}}")
	buffer, n, id := make([]byte, 0, 1024), uint64(0), []byte("/texts/1")
	iteration := func() {
		n++
		v.Begin(1, n, n)
		v.Capture("id", id)
		buffer = template.Append(buffer[:0], v)
		template.Matches(buffer, v)
		v.Step()
		v.Think(scenario.Think{To: 9})
	}
	for range 10 {
		iteration()
	}
	if got := testing.AllocsPerRun(1000, iteration); got != 0 {
		t.Errorf("%v allocations an iteration, want none", got)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"", "a", "{{counter}}", `{{"{{"}}`, "{{random 1 9}}", "{{random -9223372036854775808 9223372036854775807}}", "{{random_text 9}}", "{{uuid}}", "{{",
		"{{text}}{{user}}{{id}}", "}}{{}}", `{{"\xff"}}`, "{{\"}}", "{{ text }", "{{{{counter}}}}", "{{random 9 1}}", "{{counter\u00a0}}",
	} {
		f.Add(seed)
	}
	s := &scenario.Scenario{
		Values: []scenario.Value{{Name: "text", Text: "<{{random_text 5}}>"}},
		Feeder: &scenario.Feeder{Columns: []string{"user"}, Rows: [][]string{{"ann"}, {""}}},
		Steps:  []scenario.Step{{Capture: []scenario.Capture{{Name: "id"}}}},
	}
	v := s.NewVariables()
	f.Fuzz(func(t *testing.T, text string) {
		template := s.Template(text)
		begin := func(n uint64) {
			v.Begin(1, n, n)
			v.Capture("id", []byte("{{id}}"))
		}
		for n := range uint64(3) {
			begin(n)
			got := template.Append(nil, v)
			begin(n)
			if !template.Matches(got, v) {
				t.Fatalf("%q gives %q and does not match it", text, got)
			}
			begin(n)
			if template.Matches(append(got, 0), v) {
				t.Fatalf("%q gives %q and matches more", text, got)
			}
			if template.Static() && n > 0 {
				begin(0)
				if !template.Matches(got, v) {
					t.Fatalf("%q is said to be static and changes to %q", text, got)
				}
			}
		}
		if !strings.Contains(text, "{{") && !template.Matches([]byte(text), v) {
			t.Fatalf("%q is not sent as it stands", text)
		}
		// Parse says so if the text is no template. JSON is YAML.
		quoted, err := json.Marshal(text)
		if err != nil || strings.ContainsAny(text, "\x7f\u2028\u2029") {
			return
		}
		_, err = scenario.Parse("f.yaml", []byte(edited(t, "path: /", "path: /, method: POST, body: "+string(quoted))), noFiles)
		var faults interface{ Unwrap() []error }
		if err != nil && !errors.As(err, &faults) && !strings.Contains(err.Error(), "not valid YAML") {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil && !strings.Contains(text, "{{") && !strings.Contains(err.Error(), "not valid YAML") {
			t.Fatalf("%q is no template and refused: %v", text, err)
		}
	})
}

func BenchmarkTemplate(b *testing.B) {
	s := &scenario.Scenario{Values: []scenario.Value{{Name: "text", Text: "{{random_text 64}}"}}}
	v, template := s.NewVariables(), s.Template("/texts/{{counter}}?n={{random 1 1000}}&t={{text}}")
	buffer, n := make([]byte, 0, 1024), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		v.Begin(1, n, n)
		buffer = template.Append(buffer[:0], v)
	}
}
