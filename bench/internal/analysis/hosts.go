package analysis

import (
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/result"
)

// opaque is true for URLs that bench was given: only of what it started itself does it know that it is here.
func opaque(t *result.Target) bool {
	return loopback(t.URL) && t.Provenance == result.Measured && t.Kind != "process" && t.Kind != "bootstrap"
}

// loopback is a look at the text alone: this package resolves no names.
func loopback(url string) bool {
	_, rest, found := strings.Cut(url, "://")
	if !found {
		rest = url
	}
	host, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(host, "@"); at >= 0 {
		host = host[at+1:]
	}
	if strings.HasPrefix(host, "[::1]") {
		return true
	}
	host, _, _ = strings.Cut(host, ":")
	return host == "localhost" || strings.HasPrefix(host, "127.") && strings.Trim(host, "0123456789.") == ""
}
