package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
	"github.com/crossover-bench/crossover/bench/internal/target"
)

// TestReadme holds the README to the program: its files can be read, its commands and flags exist.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1)
	count := map[string]int{}
	for _, b := range blocks {
		count[b[1]]++
		switch b[1] {
		case "yaml":
			if _, err := scenario.Parse("README.md", []byte(b[2]), os.ReadFile); err != nil {
				t.Error(err)
			}
		case "json":
			if _, err := target.ParseFile("README.md", []byte(b[2])); err != nil {
				t.Error(err)
			}
		}
	}
	if count["yaml"] == 0 || count["json"] == 0 || count["sh"] == 0 {
		t.Errorf("examples found: %v", count)
	}
	root := newRoot(streams{})
	for _, m := range regexp.MustCompile("(?m)(?:^go run \\./bench|`bench) ?([^`\n]*)").FindAllStringSubmatch(string(data), -1) {
		wantCommand(t, root, strings.Fields(m[1]))
	}
}

// wantCommand demands that a command line names a command and flags of it.
func wantCommand(t *testing.T, root *cobra.Command, words []string) {
	t.Helper()
	c := root
	for i, w := range words {
		w = strings.Trim(w, "[]")
		if w == "--" {
			return
		}
		name, isFlag := strings.CutPrefix(w, "--")
		if isFlag && c.Flags().Lookup(name) == nil && name != "help" {
			t.Errorf("README has bench %s: no flag %s", strings.Join(words, " "), w)
		}
		if i > 0 || isFlag {
			continue
		}
		found, _, err := root.Find([]string{w})
		if w != "completion" && (err != nil || found == root) { // cobra adds that one when it runs
			t.Errorf("README has bench %s: no command %s", strings.Join(words, " "), w)
			return
		}
		c = found
	}
}
