package terraform_test

import (
	"encoding/json"
	"fmt"
	"slices"
)

// knownPolicies sees the documents that hold no name that only AWS will know; TestWildcards
// sees all in the source.
func knownPolicies(p *plan) (faults []string) {
	for _, r := range p.resources {
		for _, name := range []string{"policy", "assume_role_policy"} {
			text := r.text(name)
			if text == "" {
				continue
			}
			var document struct{ Statement any }
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				faults = append(faults, fmt.Sprintf("%s: %s: %v", r.address, name, err))
				continue
			}
			for _, s := range many(document.Statement) {
				if find(s, "Effect") != "Allow" {
					continue
				}
				for _, key := range []string{"Action", "Principal", "NotAction"} {
					if key == "Principal" && r.kind == "aws_vpc_endpoint" {
						continue // its policy narrows what roles allow, and gives nothing
					}
					if slices.Contains(many(find(s, key)), any("*")) {
						faults = append(faults, fmt.Sprintf("%s: %s allows %s *", r.address, name, key))
					}
				}
			}
		}
	}
	return faults
}

// many is a list, or the list of the one that stands for it.
func many(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func functionCallers(p *plan) (faults []string) {
	// Variables are as they came from the command line: texts.
	variable := func(name string) string {
		if v := p.Variables[name]; v != nil {
			return fmt.Sprint(v.Value)
		}
		return ""
	}
	public := variable("lambda_auth") == "NONE" && variable("lambda_public_url_consent") == "true"
	for _, r := range p.of("aws_lambda_function_url") {
		if want := map[bool]string{false: "AWS_IAM", true: "NONE"}[public]; r.text("authorization_type") != want {
			faults = append(faults, fmt.Sprintf("%s has the authorization type %s; want %s", r.address, r.text("authorization_type"), want))
		}
	}
	var open []string
	for _, r := range p.of("aws_lambda_permission") {
		switch {
		case r.text("principal") == "*" && public:
			open = append(open, fmt.Sprintf("%s %s %s", r.text("action"), r.text("function_url_auth_type"), r.text("invoked_via_function_url")))
		case r.text("principal") == "*":
			faults = append(faults, r.address+" is for everybody")
		case !r.given("source_arn"):
			faults = append(faults, r.address+" is not bound to one caller")
		}
	}
	slices.Sort(open)
	if want := []string{"lambda:InvokeFunction  true", "lambda:InvokeFunctionUrl NONE "}; public && !slices.Equal(open, want) {
		faults = append(faults, fmt.Sprintf("everybody may %q; want %q", open, want))
	}
	return faults
}

func bounded(p *plan) (faults []string) {
	for _, r := range p.of("aws_lambda_function") {
		if n, ok := r.get("reserved_concurrent_executions").(float64); !ok || n < 1 {
			faults = append(faults, r.address+" has no reserved concurrency")
		}
	}
	return faults
}
