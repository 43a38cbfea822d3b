package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxConfigFile is the greatest file that is read, in bytes.
const maxConfigFile = 1 << 20

// maxConfigFaults is how many faults are reported one by one.
const maxConfigFaults = 100

// ParseConfig reads the text of a file that describes several functions. file is its name in errors, and the paths
// in it are relative to its folder. base has what a function does not say. lookup finds variables without a value in the environment
// of the caller.
//
// All faults are reported at once, joined, each as "file:line: key: what was expected".
func ParseConfig(file string, data []byte, base Config, lookup func(name string) (string, bool)) (*AccountConfig, error) {
	if len(data) > maxConfigFile {
		return nil, fmt.Errorf("%s:1: a file of %d bytes: at most %d are read", file, len(data), maxConfigFile)
	}
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: the file is empty: expected functions", file)
	case err != nil:
		return nil, configSyntax(file, err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("%s:%d: a second YAML document: expected one and nothing after it", file, second.Line)
	case !errors.Is(err, io.EOF):
		return nil, configSyntax(file, err)
	}
	p := &configParser{file: file, base: base, lookup: lookup}
	c := p.account(doc.Content[0])
	if err := p.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// configSyntax turns the YAML library's "yaml: line 3: did not find …" into our form. It gives no line for faults on the first.
func configSyntax(file string, err error) error {
	line, text := "1", strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, what, ok := strings.Cut(rest, ": "); ok {
			line, text = number, what
		}
	}
	return fmt.Errorf("%s:%s: not valid YAML: %s", file, line, text)
}

// account reads the whole file.
func (p *configParser) account(n *yaml.Node) *AccountConfig {
	c := &AccountConfig{MaxConcurrency: p.base.MaxConcurrency, Host: p.base.Host}
	setDefault(&c.MaxConcurrency, defaultMaxConcurrency)
	p.fields(n, "", map[string]func(*yaml.Node, string){
		"account_concurrency": func(n *yaml.Node, at string) { c.MaxConcurrency = p.number(n, at, 1, 1_000_000) },
		"region": func(n *yaml.Node, at string) {
			p.base.Region = p.text(n, at)
			if err := checkNames(&Config{Region: p.base.Region}); err != nil {
				p.fault(n, at, "%s", err)
			}
		},
		"invoke_port": func(n *yaml.Node, at string) { c.InvokePort = p.port(n, at) },
		// What follows is read when the above is known.
		"functions": func(*yaml.Node, string) {},
		"apis":      func(*yaml.Node, string) {},
	}, "functions")
	functions := p.value(n, "functions")
	p.each(functions, "functions", func(n *yaml.Node, at string) {
		fn := p.function(n, at)
		for _, other := range c.Functions {
			if other.FunctionName == fn.FunctionName && fn.FunctionName != "" {
				p.fault(n, at+".name", "another function has the name %s", fn.FunctionName)
			}
		}
		c.Functions = append(c.Functions, fn)
	})
	apis := p.value(n, "apis")
	p.each(apis, "apis", func(n *yaml.Node, at string) {
		r := p.router(n, at, c)
		if slices.ContainsFunc(c.Routers, func(o Router) bool { return o.Name == r.Name && r.Name != "" }) {
			p.fault(n, at+".name", "another API has the name %s", r.Name)
		}
		c.Routers = append(c.Routers, r)
	})
	if len(p.faults) == 0 {
		p.check(c, functions)
	}
	return c
}

// check finds what no key alone tells.
func (p *configParser) check(c *AccountConfig, functions *yaml.Node) {
	shared := unreserved{size: c.MaxConcurrency}
	for i, fn := range c.Functions {
		fn.MaxConcurrency = c.MaxConcurrency
		full, err := fn.withDefaults()
		shared.take(&full)
		if err != nil {
			p.fault(functions.Content[i], fmt.Sprintf("functions[%d]", i), "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if shared.size < 0 {
		p.fault(functions, "functions", "reserved and provisioned concurrency together are %d over account_concurrency, which is %d", -shared.size, c.MaxConcurrency)
	}
	ports := map[int]string{}
	once := func(port int, what string) {
		if before := ports[port]; port != 0 && before != "" {
			p.fault(functions, "", "%s and %s have the same port, %d", before, what, port)
		}
		ports[port] = what
	}
	once(c.InvokePort, "invoke_port")
	for _, fn := range c.Functions {
		for _, door := range fn.FrontDoors {
			once(fn.Ports[door], fn.FunctionName+"."+string(door))
		}
	}
	for _, r := range c.Routers {
		once(r.Port, r.Name)
	}
}

// function reads one function.
func (p *configParser) function(n *yaml.Node, at string) Config {
	c := p.base
	c.FrontDoors, c.Addr = nil, ""
	span := func(to *time.Duration, lowest, highest time.Duration) func(*yaml.Node, string) {
		return func(n *yaml.Node, at string) { *to = p.duration(n, at, lowest, highest) }
	}
	number := func(to *int, lowest, highest int) func(*yaml.Node, string) {
		return func(n *yaml.Node, at string) { *to = p.number(n, at, lowest, highest) }
	}
	pointer := func(to **int, lowest, highest int) func(*yaml.Node, string) {
		return func(n *yaml.Node, at string) { v := p.number(n, at, lowest, highest); *to = &v }
	}
	flag := func(to *bool) func(*yaml.Node, string) {
		return func(n *yaml.Node, at string) { *to = p.boolean(n, at) }
	}
	p.fields(n, at, map[string]func(*yaml.Node, string){
		"name": func(n *yaml.Node, at string) {
			if c.FunctionName = p.text(n, at); !isName(c.FunctionName) || len(c.FunctionName) > 64 {
				p.fault(n, at, "expected letters, digits, - and _, up to 64, got %q", c.FunctionName)
			}
		},
		"bootstrap":               func(n *yaml.Node, at string) { c.Bootstrap = p.path(n, at) },
		"args":                    func(n *yaml.Node, at string) { c.Args = p.texts(n, at) },
		"env":                     func(n *yaml.Node, at string) { c.Env = p.env(n, at) },
		"memory_mb":               number(&c.MemoryMB, 128, 10240),
		"tmp_mb":                  number(&c.TmpMB, minTmpMB, maxTmpMB),
		"timeout":                 span(&c.Timeout, time.Millisecond, maxTimeout),
		"init_timeout":            span(&c.InitTimeout, time.Millisecond, maxTimeout),
		"idle_timeout":            span(&c.IdleTimeout, 0, 24*time.Hour),
		"reserved_concurrency":    pointer(&c.ReservedConcurrency, 0, 1_000_000),
		"provisioned":             number(&c.Provisioned, 0, 1_000_000),
		"environment_concurrency": number(&c.EnvironmentConcurrency, 1, maxEnvironmentConcurrency),
		"scale_rate":              number(&c.ScaleRate, 1, 1_000_000),
		"request_quota":           flag(&c.RateQuota),
		"freeze":                  flag(&c.Freeze),
		"limits":                  flag(&c.Limits),
		"watch":                   flag(&c.Watch),
		"log_lines":               flag(&c.LogLines),
		"log_format": func(n *yaml.Node, at string) {
			if c.LogFormat = LogFormat(p.text(n, at)); c.LogFormat != LogText && c.LogFormat != LogJSON {
				p.fault(n, at, "expected %s or %s, got %q", LogText, LogJSON, c.LogFormat)
			}
		},
		"extensions":       func(n *yaml.Node, at string) { c.Extensions = p.path(n, at) },
		"async_retries":    pointer(&c.AsyncRetries, 0, defaultAsyncRetries),
		"async_retry_wait": span(&c.AsyncRetryWait, time.Millisecond, time.Hour),
		"async_max_age":    span(&c.AsyncMaxAge, time.Millisecond, defaultAsyncMaxAge),
		"front_doors":      func(n *yaml.Node, at string) { c.FrontDoors, c.Ports = p.doors(n, at) },
		"http_api_stage":   func(n *yaml.Node, at string) { c.HTTPAPIStage = p.text(n, at) },
		"rest_api_stage":   func(n *yaml.Node, at string) { c.RESTAPIStage = p.text(n, at) },
		"rest_api_text":    flag(&c.RESTAPIText),
	}, "name", "bootstrap")
	return c
}

// router reads a front door of several functions.
func (p *configParser) router(n *yaml.Node, at string, c *AccountConfig) Router {
	var r Router
	p.fields(n, at, map[string]func(*yaml.Node, string){
		"name": func(n *yaml.Node, at string) { r.Name = p.text(n, at) },
		"type": func(n *yaml.Node, at string) {
			if r.Door = FrontDoor(p.text(n, at)); r.Door != DoorHTTPAPI && r.Door != DoorALB && r.Door != DoorALBMulti {
				p.fault(n, at, "expected %s, %s or %s, got %q", DoorHTTPAPI, DoorALB, DoorALBMulti, r.Door)
			}
		},
		"port":   func(n *yaml.Node, at string) { r.Port = p.port(n, at) },
		"stage":  func(n *yaml.Node, at string) { r.Stage = p.text(n, at) },
		"routes": func(*yaml.Node, string) {},
	}, "name", "type", "routes")
	known := func(name string) bool {
		return slices.ContainsFunc(c.Functions, func(f Config) bool { return f.FunctionName == name })
	}
	routes := p.value(n, "routes")
	if routes == nil {
		return r
	}
	before := len(p.faults)
	p.pairs(routes, at+".routes", func(key, value *yaml.Node, at string) {
		route := Route{Match: key.Value, Function: p.text(value, at)}
		if err := r.checkRoute(route, known); err != nil {
			p.fault(key, at, "%s", strings.TrimPrefix(err.Error(), fmt.Sprintf("route %q: ", route.Match)))
		}
		r.Routes = append(r.Routes, route)
	})
	if len(p.faults) == before {
		if err := r.check(known); err != nil {
			p.fault(n, at, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return r
}
