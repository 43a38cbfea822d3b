package target

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOutputKeepsTheTail(t *testing.T) {
	o := newOutput(nil)
	for i := range 10_000 {
		if _, err := fmt.Fprintf(o, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	got := o.last()
	if !strings.HasSuffix(got, "line 9999") || strings.Count(got, "\n") != 11 || len(o.tail) > maxTail {
		t.Errorf("%d bytes kept, the last lines are %q", len(o.tail), got)
	}
}

func TestOutputFindsALine(t *testing.T) {
	var record struct{ Msg, Addr string }
	o := newOutput(func(line []byte) bool { return json.Unmarshal(line, &record) == nil && record.Msg == "listening" })
	whole := "starting\n{\"msg\":\"other\"}\n{\"msg\":\"listening\",\"addr\":\"127.0.0.1:1\"}\n{\"msg\":\"listening\",\"addr\":\"later\"}\n"
	// A pipe cuts where it likes.
	for i := range len(whole) {
		if _, err := o.Write([]byte{whole[i]}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-o.found:
	default:
		t.Fatal("the line was not found")
	}
	if record.Addr != "127.0.0.1:1" {
		t.Errorf("found %q, expected the first match", record.Addr)
	}
}

func TestOutputBoundsALine(t *testing.T) {
	o := newOutput(func([]byte) bool { return false })
	block := make([]byte, 1<<20)
	for range 4 {
		if _, err := o.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.line) > maxLine+len(block) || len(o.tail) > maxTail {
		t.Errorf("a line without an end takes %d bytes, the tail %d", len(o.line), len(o.tail))
	}
}

func TestWithoutUser(t *testing.T) {
	for in, want := range map[string]string{
		"redis://user:secret@h:1/2?password=secret#secret": "redis://h:1/2",
		"rediss://:secret@h":  "rediss://h",
		"redis://127.0.0.1:1": "redis://127.0.0.1:1",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutUser(u); got != want {
			t.Errorf("withoutUser(%q) = %q, expected %q", in, got, want)
		}
	}
}

func TestCheckout(t *testing.T) {
	root, err := Checkout(".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "adapters", "lambda", "main.go")); err != nil {
		t.Errorf("%s is not the checkout: %v", root, err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "go.mod"), []byte("module example.test/app\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Checkout(other); !errors.Is(err, ErrNoCheckout) {
		t.Errorf("another module: %v, expected %v", err, ErrNoCheckout)
	}
}
