package terraform_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Every input but a truth value says what is allowed, by its name, and each of these rules is broken by a run block at least once.
func TestEveryInputIsChecked(t *testing.T) {
	broken := brokenInputs(t)
	for _, path := range configurations(t) {
		t.Run(path, func(t *testing.T) {
			for _, b := range blocks(t, path) {
				if b.Type != "variable" {
					continue
				}
				name, rules := b.Labels[0], 0
				for _, inner := range b.Body.Blocks {
					if inner.Type != "validation" {
						continue
					}
					rules++
					if text := leading(inner.Body.Attributes["error_message"].Expr); !strings.HasPrefix(text, name) {
						t.Errorf("%s: the message is %q; want the name first", inner.Range(), text)
					}
				}
				if kind := hcl.ExprAsKeyword(b.Body.Attributes["type"].Expr); rules == 0 && kind != "bool" {
					t.Errorf("%s: %s has no validation", b.Range(), name)
				}
				if n := broken[path][name]; n < rules {
					t.Errorf("%s: %s has %d validations, and run blocks break %d", b.Range(), name, rules, n)
				}
			}
		})
	}
}

// Null is what a caller writes for "not set": then the default holds, and where there is none terraform says that it is missing. Only where the
// default itself is null may the configuration see it.
func TestNullIsNotSet(t *testing.T) {
	for _, path := range configurations(t) {
		for _, b := range blocks(t, path) {
			if b.Type != "variable" {
				continue
			}
			nullable := true
			if a := b.Body.Attributes["nullable"]; a != nil {
				v, diags := a.Expr.Value(nil)
				nullable = diags.HasErrors() || v.True()
			}
			ofNull := false
			if a := b.Body.Attributes["default"]; a != nil {
				v, _ := a.Expr.Value(nil)
				ofNull = v.IsNull()
			}
			if nullable != ofNull {
				t.Errorf("%s: %s: nullable is %t; want %t", b.Range(), b.Labels[0], nullable, ofNull)
			}
		}
	}
}

// leading is the constant text that an expression begins with.
func leading(e hclsyntax.Expression) string {
	if template, ok := e.(*hclsyntax.TemplateExpr); ok && len(template.Parts) > 0 {
		e = template.Parts[0]
	}
	return literal(e)
}

// brokenInputs counts in how many run blocks an input is expected to be refused, by configuration and name.
func brokenInputs(t *testing.T) map[string]map[string]int {
	t.Helper()
	files, err := filepath.Glob("tests/*.tftest.hcl")
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]map[string]int{}
	for _, file := range files {
		for _, run := range parse(t, file, readFile(t, file)).body.Blocks {
			expected := run.Body.Attributes["expect_failures"]
			if run.Type != "run" || expected == nil {
				continue
			}
			of := "."
			for _, b := range run.Body.Blocks {
				if b.Type == "module" {
					of = filepath.Clean(literal(b.Body.Attributes["source"].Expr))
				}
			}
			if broken[of] == nil {
				broken[of] = map[string]int{}
			}
			for _, traversal := range expected.Expr.Variables() {
				if attribute, ok := traversal[len(traversal)-1].(hcl.TraverseAttr); ok && traversal.RootName() == "var" {
					broken[of][attribute.Name]++
				}
			}
		}
	}
	return broken
}
