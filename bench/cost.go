package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/crossover-bench/crossover/bench/internal/cost"
	"github.com/crossover-bench/crossover/bench/internal/numeral"
)

func newCostCommand(std streams) *cobra.Command {
	var o costOptions
	c := &cobra.Command{
		Use:   "cost [DIR]",
		Short: "Say what a load costs on Lambda and on EC2, and at which rate the two cost the same",
		Long: `cost calculates the monthly bills of a function and of instances for the same load from dated list prices, and the rates between
0.01 and 100,000 requests/s at which the cheaper one changes. It needs no AWS account and no network.

What the app needs comes from flags (--duration and --instance-rps), or from a finished run: DIR has the billed time that the local Lambda
service metered or AWS's log says, else an estimate of it, and the capacity that bench run --find-capacity found. Flags take precedence over
DIR.

With --plan it prices a Terraform plan instead, and with --refresh it reads AWS's public price list into a prices file.

A price that is not known gives n/a, never 0. Prices older than 180 days are named.`,
		Example: `  bench cost --duration 20ms --memory 512 --instance-rps 800 --instance-type t4g.small
  bench cost results/20260102-150405-four-phase-20 --region eu-west-1 --front-door http_api
  bench cost --duration 5ms --instance-rps 2000 --duty bursty,20%x4 --savings-plan 30% --json
  bench cost --plan plan.json --scenario four-phase-20
  bench cost --refresh --region eu-west-1 --prices-out prices.json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return oneArg("folder with a result.json")(c, args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runCost(c.Context(), std, &o, c.Flags(), args) },
	}
	c.Flags().SortFlags = false
	o.flags(c.Flags())
	completions(c, map[string]cobra.CompletionFunc{"duty": completeList("duty", []string{"even", "business-hours", "bursty"})})
	return c
}

func runCost(ctx context.Context, std streams, o *costOptions, f *pflag.FlagSet, args []string) error {
	now := time.Now()
	if o.refresh.on {
		if err := errors.Join(only(f, "--refresh", refreshFlags...), noDir("--refresh", args)); err != nil {
			return usageError{err}
		}
		return o.refresh.run(ctx, std, o.region, o.instanceType, now)
	}
	prices, err := priceTable(o.prices)
	if err != nil {
		return usageError{err}
	}
	if o.plan != "" {
		if err := errors.Join(only(f, "--plan", planFlags...), noDir("--plan", args), o.validate(f, prices)); err != nil {
			return usageError{err}
		}
		return o.runPlan(std, prices, now)
	}
	if err := o.validate(f, prices); err != nil {
		return usageError{err}
	}
	q, err := o.question(f, prices, args)
	if err != nil {
		return usageError{err}
	}
	a, err := q.answer(now)
	if err != nil {
		return usageError{err}
	}
	return o.print(std, a)
}

func noDir(flag string, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q with %s", args[0], flag)
	}
	return nil
}

// pricesUsage describes --prices.
const pricesUsage = "prices file; its prices replace the built-in ones of the same region and name, all others stay"

// priceTable is the built-in prices with those of the file of --prices in their place.
func priceTable(file string) (*cost.Table, error) {
	if file == "" {
		return cost.Embedded(), nil
	}
	data, err := readLimited(file, cost.MaxPricesBytes)
	if err != nil {
		return nil, fmt.Errorf("--prices: %w", err)
	}
	t, err := cost.ParsePrices(file, data)
	if err != nil {
		return nil, fmt.Errorf("--prices: %w", err)
	}
	return cost.Embedded().Override(t), nil
}

// readLimited reads a file unless it is larger than anything that is meant.
func readLimited(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %s bytes: at most %s are read", path, numeral.Exact(float64(info.Size())), numeral.Exact(float64(most)))
	}
	return os.ReadFile(path)
}
