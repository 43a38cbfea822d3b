// Package scenarios holds the scenarios that bench ships.
package scenarios

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Default is the scenario that runs when none is named.
const Default = "four-phase-20"

// Names of the shipped scenarios, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic("scenarios: the embedded folder cannot be read: " + err.Error())
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Read gives the text of a shipped scenario; false if there is none of that name.
func Read(name string) ([]byte, bool) {
	data, err := files.ReadFile(name + ".yaml")
	return data, err == nil
}

// Describe says in one sentence, without a full stop, what a shipped scenario is for; "" if there is none of that name.
func Describe(name string) string {
	data, _ := Read(name)
	first, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(strings.TrimPrefix(first, "# "), ".")
}
