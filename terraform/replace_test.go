package terraform_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What the provider changes in place can stand in the way of what it cannot: a security group in use is not deleted, and neither is a VPC with
// something in it. Terraform sees that only where replace_triggered_by says it, and applies wait for each other until they time out. Nothing
// short of AWS shows it, so that the rules are checked here as they are written.

// stuck are the kinds that stay where they are when their network is replaced, unless they are replaced with what is named.
var stuck = map[string]string{
	"aws_autoscaling_group":             "aws_security_group",
	"aws_elasticache_replication_group": "aws_security_group",
	"aws_elasticache_subnet_group":      "aws_security_group",
	"aws_internet_gateway":              "aws_vpc",
	"aws_lambda_function":               "aws_security_group",
	"aws_lb":                            "aws_security_group",
	"aws_vpc_endpoint.interface":        "aws_security_group",
}

// namesakes are kinds of which a new one has the name of the old: what refers to that name does not notice, and is gone with the old one.
var namesakes = []string{"aws_autoscaling_group", "aws_lambda_alias", "aws_lambda_function"}

func TestNothingStandsInTheWay(t *testing.T) {
	found := map[string]bool{}
	for _, path := range configurations(t) {
		for _, r := range resources(t, path) {
			kind, name := r.Labels[0], r.Labels[0]+"."+r.Labels[1]
			for key, with := range stuck {
				if key != kind && key != name {
					continue
				}
				found[key] = true
				if !triggeredBy(r, with) {
					t.Errorf("%s: %s is not replaced with its %s, which then cannot be deleted", r.Range(), name, with)
				}
			}
		}
	}
	if len(found) != len(stuck) {
		t.Errorf("of %d kinds there are only %d: %v", len(stuck), len(found), found)
	}
}

func TestReplacedWithItsNamesake(t *testing.T) {
	followers := 0
	for _, path := range configurations(t) {
		for _, r := range resources(t, path) {
			var of []string
			for _, a := range r.Body.Attributes {
				for _, v := range a.Expr.Variables() {
					if slices.Contains(namesakes, v.RootName()) && a.Name != "depends_on" && lastName(v) != "version" {
						of = append(of, v.RootName())
					}
				}
			}
			if len(of) == 0 || computedReference(r) {
				continue
			}
			followers++
			if !slices.ContainsFunc(of, func(kind string) bool { return triggeredBy(r, kind) }) {
				t.Errorf("%s: %s.%s is not replaced with its %s", r.Range(), r.Labels[0], r.Labels[1], strings.Join(of, " or "))
			}
		}
	}
	if followers < 6 {
		t.Errorf("only %d resources refer to a namesake", followers)
	}
}

// AWS changes no engine of users that are in a group, nor that of a cache from Valkey to Redis OSS.
func TestEngineIsReplaced(t *testing.T) {
	if n := replacedByInput(t, "the engine", []string{"modules/redis"}, func(r *hclsyntax.Block) bool { return r.Body.Attributes["engine"] != nil }); n < 5 {
		t.Errorf("only %d resources have an engine", n)
	}
}

// The provider sends the policy of ciphers of a listener that had TLS when that gets plain HTTP, and AWS refuses it.
func TestListenersAreReplacedWithTheirProtocol(t *testing.T) {
	if n := replacedByInput(t, "TLS", configurations(t), func(r *hclsyntax.Block) bool { return r.Labels[0] == "aws_lb_listener" }); n < 2 {
		t.Errorf("only %d listeners", n)
	}
}

// replacedByInput demands of the resources that are meant that another input, as terraform_data keeps it, replaces them. It counts them.
func replacedByInput(t *testing.T, input string, paths []string, meant func(*hclsyntax.Block) bool) int {
	t.Helper()
	n := 0
	for _, path := range paths {
		for _, r := range resources(t, path) {
			if !meant(r) {
				continue
			}
			n++
			if !triggeredBy(r, "terraform_data") {
				t.Errorf("%s: %s.%s is not replaced with %s", r.Range(), r.Labels[0], r.Labels[1], input)
			}
		}
	}
	return n
}

// The provider itself gives the public the right to a URL without authentication, in a request that runs beside those of our permissions.
func TestPermissionsOfAPublicURLComeLater(t *testing.T) {
	n := 0
	for _, r := range resources(t, "modules/lambda") {
		principal, ok := r.Body.Attributes["principal"]
		if r.Labels[0] != "aws_lambda_permission" || !ok || literal(principal.Expr) != "*" {
			continue
		}
		n++
		later := false
		if a := r.Body.Attributes["depends_on"]; a != nil {
			for _, v := range a.Expr.Variables() {
				later = later || v.RootName() == "aws_lambda_function_url"
			}
		}
		if !later {
			t.Errorf("%s: %s does not wait for the URL", r.Range(), r.Labels[1])
		}
	}
	if n != 2 {
		t.Errorf("%d permissions are for everybody; want 2", n)
	}
}

// resources are the resource blocks of a configuration.
func resources(t *testing.T, path string) []*hclsyntax.Block {
	t.Helper()
	return slices.DeleteFunc(blocks(t, path), func(b *hclsyntax.Block) bool { return b.Type != "resource" })
}

// triggeredBy says whether a resource is replaced with one of a kind.
func triggeredBy(r *hclsyntax.Block, kind string) bool {
	for _, b := range r.Body.Blocks {
		a := b.Body.Attributes["replace_triggered_by"]
		if b.Type != "lifecycle" || a == nil {
			continue
		}
		for _, v := range a.Expr.Variables() {
			if v.RootName() == kind {
				return true
			}
		}
	}
	return false
}

// computedReference says whether a resource refers to an ARN in an attribute that replaces it by itself when it changes.
func computedReference(r *hclsyntax.Block) bool {
	a, ok := r.Body.Attributes["target_id"]
	if !ok {
		a, ok = r.Body.Attributes["integration_uri"]
	}
	return ok && slices.ContainsFunc(a.Expr.Variables(), func(v hcl.Traversal) bool { return strings.HasSuffix(lastName(v), "arn") })
}

// lastName is the attribute that a reference ends with.
func lastName(v hcl.Traversal) string {
	if a, ok := v[len(v)-1].(hcl.TraverseAttr); ok {
		return a.Name
	}
	return fmt.Sprint(v[len(v)-1])
}
