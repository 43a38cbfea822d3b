package emulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FrontDoor is a way for HTTP to reach a function. Each has its own shape of events and answers, its own limits and errors.
type FrontDoor string

// The front doors. Each listens on a port of its own; all lead to the same environments.
const (
	// DoorFunctionURL is a Function URL with the invoke mode BUFFERED.
	DoorFunctionURL FrontDoor = "function_url"
	// DoorFunctionURLStream is a Function URL with the invoke mode RESPONSE_STREAM: status and headers reach the client as soon
	// as the function has sent them, then the body as it is written.
	DoorFunctionURLStream FrontDoor = "function_url_stream"
	// DoorHTTPAPI is an API Gateway HTTP API with payload format 2.0 and the route $default.
	DoorHTTPAPI FrontDoor = "http_api"
	// DoorRESTAPI is an API Gateway REST API with proxy resources at its root and all media types (*/*) configured as binary, or none
	// (Config.RESTAPIText).
	DoorRESTAPI FrontDoor = "rest_api"
	// DoorALB is an Application Load Balancer, DoorALBMulti one whose target group has multi-value headers enabled.
	DoorALB      FrontDoor = "alb"
	DoorALBMulti FrontDoor = "alb_multi"
	// DoorInvoke is the Invoke API of Lambda itself, for the AWS CLI and SDKs. Its events are what clients send, not HTTP.
	DoorInvoke FrontDoor = "invoke"
)

// FrontDoors are those that turn HTTP into events: all but DoorInvoke.
func FrontDoors() []FrontDoor {
	return []FrontDoor{DoorFunctionURL, DoorFunctionURLStream, DoorHTTPAPI, DoorRESTAPI, DoorALB, DoorALBMulti}
}

// newDoor returns the front door of that name.
func newDoor(name FrontDoor, cfg *Config) (door, error) {
	switch name {
	case DoorFunctionURL, DoorFunctionURLStream:
		return functionURL{}, nil
	case DoorHTTPAPI:
		return httpAPI{stage: cfg.HTTPAPIStage}, nil
	case DoorRESTAPI:
		return restAPI{stage: cfg.RESTAPIStage, text: cfg.RESTAPIText}, nil
	case DoorALB, DoorALBMulti:
		return loadBalancer{multi: name == DoorALBMulti, targetGroup: fmt.Sprintf(
			"arn:aws:elasticloadbalancing:%s:%s:targetgroup/%s/0123456789abcdef", cfg.Region, account, cfg.FunctionName)}, nil
	case DoorInvoke: // its events are not HTTP
	}
	return nil, noDoor(name)
}

// checkPorts reports ports that cannot be, that two doors have, or that belong to a door that is not opened.
func checkPorts(c *Config) error {
	var errs []error
	doors := map[int]FrontDoor{}
	for _, name := range slices.Sorted(maps.Keys(c.Ports)) {
		port := c.Ports[name]
		other, taken := doors[port]
		switch {
		case port < 0 || port > 65535:
			errs = append(errs, fmt.Errorf("port %d of %s is not between 0 and 65535", port, name))
		case !slices.Contains(c.FrontDoors, name):
			errs = append(errs, fmt.Errorf("the front door %s has a port, %d, and is not opened: name it among the front doors", name, port))
		case taken && port != 0:
			errs = append(errs, fmt.Errorf("%s and %s have the same port, %d", other, name, port))
		}
		doors[port] = name
	}
	return errors.Join(errs...)
}

func noDoor(name FrontDoor) error {
	return fmt.Errorf("there is no front door %q, only %q", name, append(FrontDoors(), DoorInvoke))
}

// checkDoors reports doors that do not exist or are named twice, and stages that cannot be.
func checkDoors(c *Config) error {
	var errs []error
	for i, name := range c.FrontDoors {
		if name != DoorInvoke && !slices.Contains(FrontDoors(), name) {
			errs = append(errs, noDoor(name))
		} else if slices.Contains(c.FrontDoors[:i], name) {
			errs = append(errs, fmt.Errorf("the front door %q is given twice", name))
		}
	}
	errs = append(errs, checkPorts(c))
	for _, stage := range []string{c.HTTPAPIStage, c.RESTAPIStage} {
		// The API Gateway guide, "Amazon API Gateway important notes".
		bad := func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}
		if stage != "" && stage != defaultStage && (strings.ContainsFunc(stage, bad) || len(stage) > 128) {
			errs = append(errs, fmt.Errorf("stage %q is not of letters, digits, - and _, up to 128", stage))
		}
	}
	return errors.Join(errs...)
}
