package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/scenario"
)

// completeList completes the next item of a flag that takes a list with commas: what is in the list already, or was given by the same flag
// before, is left out. An item that ends with an = is a name that a value belongs to. The items in alone are no part of a list: where one is
// given nothing more is offered.
func completeList(flag string, items []string, alone ...string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before, last := "", typed
		if i := strings.LastIndexByte(typed, ','); i >= 0 {
			before, last = typed[:i+1], typed[i+1:]
		}
		given := strings.Split(strings.TrimSuffix(before, ","), ",")
		if f := c.Flags().Lookup(flag); f != nil && f.Changed {
			if list, ok := f.Value.(pflag.SliceValue); ok {
				given = append(given, list.GetSlice()...)
			}
		}
		for i, item := range given {
			given[i], _, _ = strings.Cut(strings.TrimSpace(item), "=")
		}
		offered := items
		switch {
		case slices.ContainsFunc(given, func(item string) bool { return slices.Contains(alone, item) }):
			offered = nil
		case !slices.ContainsFunc(given, func(item string) bool { return item != "" }):
			offered = slices.Concat(items, alone)
		}
		var out []cobra.Completion
		for _, item := range offered {
			if strings.HasPrefix(item, last) && !slices.Contains(given, strings.TrimSuffix(item, "=")) {
				out = append(out, before+item)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace // a comma may follow
	}
}

// completions registers how flags are completed. It panics where a flag does not exist.
func completions(c *cobra.Command, flags map[string]cobra.CompletionFunc) {
	for flag, complete := range flags {
		if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err)
		}
	}
}

// completeOne completes a flag that takes one of these, or something else such as a file.
func completeOne(items ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(items, cobra.ShellCompDirectiveDefault)
}

// completeSLO completes the names of --slo.
func completeSLO() cobra.CompletionFunc {
	names := scenario.SLONames()
	for i := range names {
		names[i] += "="
	}
	return completeList("slo", names)
}
