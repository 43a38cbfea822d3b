package terraform_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// guarded are the parts of a policy, and the attributes of permissions, in which a
// wildcard gives more than a name would.
var guarded = []string{"Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "AWS", "principal", "source_arn"}

// reason is the comment that a wildcard needs, on its line or the one above.
var reason = regexp.MustCompile(`#.*\bwildcard: \S+( \S+)+`)

// The plan does not know most policies, since they name what AWS is still to number; the
// source has them all. Data sources that write policies would hide them from both.
func TestWildcards(t *testing.T) {
	for _, path := range configurations(t) {
		t.Run(path, func(t *testing.T) {
			for _, s := range sources(t, path) {
				for _, fault := range wildcards(s) {
					t.Error(fault)
				}
			}
		})
	}
}

func TestWildcardsFindFaults(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"action", `policy = jsonencode({ Statement = [{ Action = "*" }] })`, `f:1: Action "*"`},
		{"of a service", "policy = jsonencode({\n Action = [\n  \"s3:GetObject\",\n  \"s3:*\",\n ]\n})", `f:4: Action "s3:*"`},
		{"resource in a template", `policy = jsonencode({ Resource = "${aws_s3_bucket.b.arn}/*" })`, `f:1: Resource "/*"`},
		{"quoted key", `policy = jsonencode({ "Principal" = { AWS = "*" } })`, `f:1: Principal "*"`},
		{"principal of a permission", `principal = "*"`, `f:1: principal "*"`},
		{"one for another", "policy = jsonencode({\n # wildcard: X-Ray knows no resources\n Resource = \"*\"\n Sid = \"x\"\n Action = \"*\"\n})", `f:5: Action "*"`},
		{"no reason", "policy = jsonencode({\n # wildcard:\n Resource = \"*\"\n})", `f:3: Resource "*"`},
		{"reason above", "policy = jsonencode({\n # wildcard: X-Ray knows no resources\n Resource = \"*\"\n})", ""},
		{"reason beside", `principal = "*" # wildcard: a public URL, by consent`, ""},
		{"named", `policy = jsonencode({ Action = "s3:GetObject", Resource = aws_s3_bucket.b.arn, Sid = "*" })`, ""},
		{"document", "data \"aws_iam_policy_document\" \"d\" {}\n", "f:1: aws_iam_policy_document: want jsonencode"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := wildcards(parse(t, "f", []byte(tc.text+"\n")))
			if tc.want == "" && len(got) > 0 || tc.want != "" && (len(got) == 0 || !strings.HasPrefix(got[0], tc.want)) {
				t.Errorf("found %q; want %q", got, tc.want)
			}
		})
	}
}

// wildcards returns those that nothing next to them gives a reason for.
func wildcards(s source) []string {
	lines := strings.Split(string(s.text), "\n")
	var faults []string
	look := func(name string, e hclsyntax.Expression) {
		if !slices.Contains(guarded, name) {
			return
		}
		_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
			v, ok := n.(*hclsyntax.LiteralValueExpr)
			if !ok || !strings.Contains(literal(v), "*") {
				return nil
			}
			line := v.Range().Start.Line
			fault := fmt.Sprintf("%s:%d: %s %q needs a comment: # wildcard: REASON", s.path, line, name, literal(v))
			above := line >= 2 && reason.MatchString(lines[line-2]) && strings.HasPrefix(strings.TrimSpace(lines[line-2]), "#")
			if !above && !reason.MatchString(lines[line-1]) && !slices.Contains(faults, fault) {
				faults = append(faults, fault)
			}
			return nil
		})
	}
	_ = hclsyntax.VisitAll(s.body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.Block:
			if n.Type == "data" && n.Labels[0] == "aws_iam_policy_document" {
				faults = append(faults, fmt.Sprintf("%s:%d: aws_iam_policy_document: want jsonencode, which is known when planned", s.path, n.Range().Start.Line))
			}
		case *hclsyntax.Attribute:
			look(n.Name, n.Expr)
		case *hclsyntax.ObjectConsExpr:
			for _, item := range n.Items {
				name := hcl.ExprAsKeyword(item.KeyExpr)
				if name == "" {
					name = literal(item.KeyExpr)
				}
				look(name, item.ValueExpr)
			}
		}
		return nil
	})
	return faults
}
