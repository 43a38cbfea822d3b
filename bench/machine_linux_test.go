package main

import (
	"testing"
	"time"
)

func TestParseMachineTime(t *testing.T) {
	tick := 10 * time.Millisecond
	for text, want := range map[string]machineTime{
		"cpu  1 2 4 100 200 8 16 32 64 128\ncpu0 1 1 1 1\n": {busy: 63, all: 363, each: tick}, // guest time is in user time
		"cpu  1 2 4 100": {busy: 7, all: 107, each: tick},
		"cpu0 1 2 4 100": {}, "cpu 1 2 x 100": {}, "cpu 1 2 4": {}, "": {},
	} {
		if got := parseMachineTime(text); got != want {
			t.Errorf("%q is %+v, expected %+v", text, got, want)
		}
	}
}
