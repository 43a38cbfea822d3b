package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/crossover-bench/crossover/adapters/internal/boot"
	"github.com/crossover-bench/crossover/app"
)

// ownApp returns the project's own app in place of the mirror, for MIRROR_OF=app, made as its two mains make it.
func ownApp(getenv func(string) string, logger *slog.Logger) (http.Handler, error) {
	c, err := boot.Load(func(name string) string {
		if strings.HasPrefix(name, "LAMBDA_") {
			return "" // chosen here
		}
		return getenv(name)
	}, 2)
	if err != nil {
		return nil, fmt.Errorf("reading the environment: %w", err)
	}
	var opts []app.Option
	if getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		opts = append(opts, app.WithInit(func() time.Duration { return time.Millisecond }))
	}
	a, _ := boot.Open(c, logger, opts...) // the store lives as long as the process
	return a, nil
}
