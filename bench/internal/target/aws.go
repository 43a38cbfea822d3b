package target

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/crossover-bench/crossover/bench/internal/emulator"
)

// validateHosting checks what only targets on AWS have.
func (s *Spec) validateHosting(fault func(format string, args ...any)) {
	if s.Kind != KindEC2 && (s.AutoScalingGroup != "" || s.MaxInstances != 0 || s.InstanceID != "") {
		fault("autoscaling_group, max_instances and instance_id belong to the kind %s", KindEC2)
	}
	if s.Kind != KindLambda &&
		(s.FunctionName != "" || s.LogGroup != "" || s.Qualifier != "" || s.Package != "" || s.ProvisionedConcurrency != 0 || s.ConcurrencyLimit != 0) {
		fault("function_name, log_group, qualifier, package, provisioned_concurrency and concurrency_limit belong to the kind %s", KindLambda)
	}
	if s.Package != "" && s.Package != "zip" && s.Package != "image" {
		fault("package: expected zip or image, got %q", s.Package)
	}
	if s.Instances < 0 || s.ProvisionedConcurrency < 0 || s.ConcurrencyLimit < 0 {
		fault("instances, provisioned_concurrency and concurrency_limit: expected 0 or more, got %d, %d and %d",
			s.Instances, s.ProvisionedConcurrency, s.ConcurrencyLimit)
	}
	if s.MaxInstances != 0 && s.MaxInstances < s.Instances {
		fault("max_instances: expected instances, %d, or more, got %d", s.Instances, s.MaxInstances)
	}
}

// authIAM asks for requests that are signed.
const authIAM = "AWS_IAM"

var regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)

func (s *Spec) validateAuth(fault func(format string, args ...any)) {
	switch s.Auth {
	case "", "NONE":
		return
	case authIAM:
	default:
		fault("auth: expected NONE or AWS_IAM, got %q", s.Auth)
		return
	}
	switch {
	case s.Kind != KindLambda && s.Kind != KindURL:
		fault("auth: AWS_IAM belongs to the kinds %s and %s", KindLambda, KindURL)
	case s.SigningService() == "":
		fault("auth: AWS_IAM is what function URLs, HTTP APIs and REST APIs can have, not the front door %s", s.FrontDoor)
	case !regionForm.MatchString(s.Region):
		fault("region: auth AWS_IAM needs the function's region, such as us-east-1, got %q", s.Region)
	}
}

// Signed says whether requests must be signed with AWS credentials.
func (s *Spec) Signed() bool { return s.Auth == authIAM }

// Services that check signatures, by the names that they have in them,
// https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html and
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
const (
	serviceLambda     = "lambda"
	serviceExecuteAPI = "execute-api"
)

// SigningService is the service that a signature must be for to open the front door; empty where the door knows no signatures. If the door
// is not given, the URL tells: API Gateway's own names have execute-api in them, and else it is a function URL.
func (s *Spec) SigningService() string {
	switch emulator.FrontDoor(s.FrontDoor) {
	case emulator.DoorFunctionURL, emulator.DoorFunctionURLStream:
		return serviceLambda
	case emulator.DoorHTTPAPI, emulator.DoorRESTAPI:
		return serviceExecuteAPI
	case "":
		if u, err := url.Parse(s.URL); err == nil && strings.Contains(u.Hostname(), "."+serviceExecuteAPI+".") {
			return serviceExecuteAPI
		}
		return serviceLambda
	default:
		return ""
	}
}
