package emulator_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// crowd connects so many clients, lets all send a request at the same time, and prints how often there was which status. It is a
// process of its own, for one has not descriptors enough for both ends.
func crowd(addr, clients string) int {
	n, _ := strconv.Atoi(clients)
	conns, dialing := make([]net.Conn, n), make(chan struct{}, 64)
	var wg sync.WaitGroup
	for i := range conns {
		dialing <- struct{}{}
		wg.Go(func() {
			conn, err := net.DialTimeout("tcp", addr, time.Minute) //nolint:noctx // a process of its own
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			conns[i] = conn
			<-dialing
		})
	}
	wg.Wait()
	var mu sync.Mutex
	tally := map[string]int{}
	for _, conn := range conns {
		wg.Go(func() {
			status := "none"
			if conn != nil {
				_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
				_, _ = conn.Write([]byte("GET /pid HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
				if line, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
					status = strings.Fields(line)[1]
				}
			}
			mu.Lock()
			tally[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if json.NewEncoder(os.Stdout).Encode(tally) != nil {
		return 1
	}
	return 0
}

// Far more clients than environments: each gets an answer, 200 or 429, and nothing is left of them.
func TestManyClients(t *testing.T) {
	s := start(t, func(c *emulator.Config) { c.MaxConcurrency = 10 })
	get(t, s, "/pid")
	addr := strings.TrimPrefix(s.URL(emulator.DoorFunctionURL), "http://")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "crowd", addr, strconv.Itoa(manyClients))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	tally := map[string]int64{}
	if err := json.Unmarshal(out, &tally); err != nil {
		t.Fatal(err)
	}
	m := s.Meter()
	if tally["200"]+tally["429"] != manyClients || tally["200"] < 10 || m.Throttles != tally["429"] || m.Invocations != tally["200"]+1 {
		t.Errorf("answers by status %v, meter %+v", tally, m)
	}
	if m.MaxEnvironments > 10 || m.Errors != 0 {
		t.Errorf("meter: %+v", m)
	}
}
