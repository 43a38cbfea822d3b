package analysis

import (
	"fmt"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// pathCaveats say what lay between the load generator and one target and not another, so that a ratio holds more than the targets.
// What bench started here has no such path; a URL tells of TLS and of nothing else.
func (m *Model) pathCaveats() []string {
	var encrypted, plain, balanced, other []string
	doors := map[string]string{}
	for i := range m.Run.Targets {
		t := &m.Run.Targets[i]
		if t.Kind == "process" || t.Kind == "bootstrap" {
			continue
		}
		if overTLS(t) {
			encrypted = append(encrypted, t.Name)
		} else {
			plain = append(plain, t.Name)
		}
		switch {
		case strings.HasPrefix(t.Spec.FrontDoor, "alb"):
			balanced = append(balanced, t.Name)
		case t.Spec.FrontDoor != "" && t.Spec.FrontDoor != "none":
			doors[t.Name] = strings.ReplaceAll(t.Spec.FrontDoor, "_", " ")
			other = append(other, t.Name)
		case t.Kind == "ec2" || t.Kind == "lambda":
			doors[t.Name] = "nothing in front"
			other = append(other, t.Name)
		}
	}
	var caveats []string
	if len(encrypted) > 0 && len(plain) > 0 {
		caveats = append(caveats, fmt.Sprintf("Unequal paths: %s %s called with TLS, %s without. Handshakes and encryption are in the figures of one side only.",
			and(encrypted), choose(len(encrypted), "was", "were"), and(plain)))
	}
	if len(balanced) > 0 && len(other) > 0 {
		var kinds []string
		for _, name := range other {
			kinds = append(kinds, name+" ("+doors[name]+")")
		}
		caveats = append(caveats, fmt.Sprintf("Unequal paths: %s stood behind a load balancer, %s did not. The difference of these paths is part of each ratio.",
			and(balanced), and(kinds)))
	}
	return caveats
}

// overTLS says whether requests to the target were encrypted.
func overTLS(t *result.Target) bool {
	if t.Spec.TLS != nil {
		return *t.Spec.TLS
	}
	return strings.HasPrefix(strings.ToLower(t.URL), "https://")
}
