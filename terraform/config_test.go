package terraform_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// providerVersion is the constraint of every module: 6.29 brought the permission that
// public function URLs need.
const providerVersion = ">= 6.29, < 7.0"

func TestFormat(t *testing.T) {
	needTerraform(t)
	out, err := terraform(t.Context(), ".", "fmt", "-check", "-diff", "-recursive", "-no-color")
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestValidate(t *testing.T) {
	needTerraform(t)
	for _, path := range configurations(t) {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			dir, err := root()
			if path != "." {
				// Alone: the folder is copied with its siblings, and nothing else of the root.
				dir = t.TempDir()
				if err = copyConfiguration("modules", filepath.Join(dir, "modules")); err == nil {
					dir = filepath.Join(dir, path)
					_, err = terraform(t.Context(), dir, "init", "-no-color", "-backend=false")
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if out, err := terraform(t.Context(), dir, "validate", "-no-color"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// Each module can be used alone, so each says what it needs, and all need the same.
func TestProviderAlone(t *testing.T) {
	for _, path := range configurations(t) {
		t.Run(path, func(t *testing.T) {
			required := map[string]string{}
			core := ""
			for _, b := range blocks(t, path) {
				switch b.Type {
				case "terraform":
					if a := b.Body.Attributes["required_version"]; a != nil {
						core = literal(a.Expr)
					}
					for _, inner := range b.Body.Blocks {
						if inner.Type == "required_providers" {
							for name, a := range inner.Body.Attributes {
								v, _ := a.Expr.Value(nil)
								required[name] = attribute(v, "source") + " " + attribute(v, "version")
							}
						}
					}
				case "resource", "data":
					// terraform_data is part of terraform itself.
					if !strings.HasPrefix(b.Labels[0], "aws_") && b.Labels[0] != "terraform_data" {
						t.Errorf("%s: %s is not of the provider aws", b.Range(), b.Labels[0])
					}
				}
			}
			if diff := cmp.Diff(map[string]string{"aws": "hashicorp/aws " + providerVersion}, required); diff != "" {
				t.Errorf("required_providers differ (-want +got):\n%s", diff)
			}
			if core != ">= 1.11" {
				t.Errorf("required_version = %q; want >= 1.11", core)
			}
		})
	}
}

// A module that others can use has the files that they look for, and says what every
// variable and output is.
func TestModuleFiles(t *testing.T) {
	for _, path := range configurations(t) {
		t.Run(path, func(t *testing.T) {
			for _, name := range []string{"README.md", "main.tf", "variables.tf", "outputs.tf", "versions.tf"} {
				if _, err := os.Stat(filepath.Join(path, name)); err != nil {
					t.Errorf("no %s", name)
				}
			}
			for _, b := range blocks(t, path) {
				if b.Type != "variable" && b.Type != "output" {
					continue
				}
				if a := b.Body.Attributes["description"]; a == nil || literal(a.Expr) == "" {
					t.Errorf("%s: %s %s has no description", b.Range(), b.Type, b.Labels[0])
				}
				if b.Type == "variable" && b.Body.Attributes["type"] == nil {
					t.Errorf("%s: variable %s has no type", b.Range(), b.Labels[0])
				}
			}
		})
	}
}

// source is a parsed file.
type source struct {
	path string
	text []byte
	body *hclsyntax.Body
}

// sources parses the .tf files of one folder.
func sources(t *testing.T, dir string) []source {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no configuration in %s", dir)
	}
	var out []source
	for _, path := range paths {
		out = append(out, parse(t, path, readFile(t, path)))
	}
	return out
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t *testing.T, path string, text []byte) source {
	t.Helper()
	f, diags := hclparse.NewParser().ParseHCL(text, path)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("%s is not in native syntax", path)
	}
	return source{path, text, body}
}

func blocks(t *testing.T, dir string) []*hclsyntax.Block {
	t.Helper()
	var out []*hclsyntax.Block
	for _, s := range sources(t, dir) {
		out = append(out, s.body.Blocks...)
	}
	return out
}

// literal is the text of an expression, empty if it is not a constant one.
func literal(e hcl.Expression) string {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

func attribute(v cty.Value, name string) string {
	if v.Type().IsObjectType() && v.Type().HasAttribute(name) {
		if a := v.GetAttr(name); a.Type() == cty.String && !a.IsNull() {
			return a.AsString()
		}
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
