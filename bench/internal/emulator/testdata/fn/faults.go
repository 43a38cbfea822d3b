package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

var (
	requests int        // of /third so far
	leaked   []*os.File // held for good
	idle     []net.Conn // likewise
)

// fault ends badly in ways that take a moment; ok tells whether the path is for one.
func fault(e event) (result any, ok bool) {
	switch e.RawPath {
	case "/third":
		if requests++; requests == 3 {
			os.Exit(4)
		}
		return text("not yet"), true
	case "/exit-zero":
		os.Exit(0)
	case "/exit-mid": // with a part of the answer sent
		return io.MultiReader(strings.NewReader(`{"statusCode":200,"body":"`+strings.Repeat("x", 1<<20)), exiting{}), true
	case "/leak":
		for range 200 {
			f, err := os.Open(os.DevNull)
			if err != nil {
				break
			}
			leaked = append(leaked, f)
		}
		return text(fmt.Sprint(len(leaked))), true
	case "/leak-api": // connections to the Runtime API
		for range 300 {
			conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
			if err != nil {
				break
			}
			idle = append(idle, conn)
		}
		return text(fmt.Sprint(len(idle))), true
	}
	return nil, false
}

type exiting struct{}

func (exiting) Read([]byte) (int, error) {
	os.Exit(6)
	return 0, nil
}
