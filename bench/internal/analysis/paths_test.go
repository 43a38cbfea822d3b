package analysis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

func TestUnequalPaths(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	ec2 := func(url string, s result.Spec) result.Target {
		return result.Target{Name: "ec2", Kind: "ec2", URL: url, Spec: s}
	}
	lambda := func(url string, s result.Spec) result.Target {
		return result.Target{Name: "lambda", Kind: "lambda", URL: url, Spec: s}
	}
	const tls = "Unequal paths: lambda was called with TLS, ec2 without. Handshakes and encryption are in the figures of one side only."
	for name, tt := range map[string]struct {
		a, b result.Target
		want []string
	}{
		"both behind one ALB": {ec2("http://x", result.Spec{FrontDoor: "alb"}), lambda("http://y", result.Spec{FrontDoor: "alb"}), nil},
		"TLS and front doors": {
			ec2("http://x", result.Spec{FrontDoor: "alb"}), lambda("https://y", result.Spec{FrontDoor: "function_url"}),
			[]string{tls, "Unequal paths: ec2 stood behind a load balancer, lambda (function url) did not. The difference of these paths is part of each ratio."},
		},
		"an instance alone": {
			ec2("https://x", result.Spec{}), lambda("https://y", result.Spec{FrontDoor: "alb"}),
			[]string{"Unequal paths: lambda stood behind a load balancer, ec2 (nothing in front) did not. The difference of these paths is part of each ratio."},
		},
		"neither has an ALB": {ec2("https://x", result.Spec{}), lambda("https://y", result.Spec{FrontDoor: "http_api"}), nil},
		"TLS told otherwise": {ec2("http://x", result.Spec{TLS: &no, FrontDoor: "alb"}), lambda("http://y", result.Spec{TLS: &yes, FrontDoor: "alb"}), []string{tls}},
		"started here":       {result.Target{Name: "ec2", Kind: "process", URL: "http://x"}, result.Target{Name: "lambda", Kind: "bootstrap", URL: "https://x", Spec: result.Spec{FrontDoor: "alb"}}, nil},
		"URLs of unknown doors": {
			result.Target{Name: "a", Kind: "url", URL: "https://x"},
			result.Target{Name: "b", Kind: "url", URL: "http://x", Spec: result.Spec{FrontDoor: "alb"}},
			[]string{"Unequal paths: a was called with TLS, b without. Handshakes and encryption are in the figures of one side only."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := runOf(statsOf(1, time.Millisecond), statsOf(1, time.Millisecond))
			for i, from := range []result.Target{tt.a, tt.b} {
				to := &run.Targets[i]
				to.Name, to.Kind, to.URL, to.Spec = from.Name, from.Kind, from.URL, from.Spec
			}
			var got []string
			for _, c := range compare(t, run).Caveats {
				if strings.HasPrefix(c, "Unequal paths") {
					got = append(got, c)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("caveats differ (-want +got):\n%s", diff)
			}
		})
	}
}
