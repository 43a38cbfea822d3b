package main

import "testing"

func TestPinning(t *testing.T) {
	tests := []struct {
		name           string
		taskset        bool
		allowed        string
		server, client int
	}{
		{"two", true, "0-1", 0, 1},
		{"many", true, "0-15", 0, 15},
		{"list", true, "3,5", 3, 5},
		{"both", true, "2-3,8", 2, 8},
		{"one", true, "4", -1, -1},
		{"a range of one", true, "4-4", -1, -1},
		{"unknown", true, "", -1, -1},
		{"garbage", true, "all", -1, -1},
		{"no taskset", false, "0-1", -1, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, client, reason := pinning(tt.taskset, tt.allowed)
			if server != tt.server || client != tt.client || (reason == "") != (tt.server >= 0) {
				t.Errorf("server on %d, client on %d, reason %q; want %d and %d", server, client, reason, tt.server, tt.client)
			}
		})
	}
}
