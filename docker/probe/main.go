// Command probe is the health check of the local Lambda service in docker: it asks
// the Invoke API for a dry run, which invokes nothing, and exits with 0 if the function
// could be invoked. The argument is the port of the Invoke API, 9001 without, and the
// name of the function, "function" without.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	port, name := "9001", "function"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	if len(os.Args) > 2 {
		name = os.Args[2]
	}
	os.Exit(probe(net.JoinHostPort("127.0.0.1", port), name, os.Stderr))
}

// probe is the exit code: 0 well, 1 not.
func probe(addr, name string, stderr io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	url := "http://" + addr + "/2015-03-31/functions/" + name + "/invocations"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err == nil {
		req.Header.Set("X-Amz-Invocation-Type", "DryRun")
		var resp *http.Response
		if resp, err = http.DefaultClient.Do(req); err == nil {
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode == http.StatusNoContent {
				return 0
			}
			err = fmt.Errorf("%s answers %s; want 204", url, resp.Status)
		}
	}
	_, _ = fmt.Fprintln(stderr, "probe:", err)
	return 1
}
