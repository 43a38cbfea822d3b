// Command schemaprovider is a Terraform provider for tests alone. It serves the
// schema of hashicorp/aws 6.66.0 under that provider's name, so that terraform
// init, validate, test and plan work with no network and no account. It creates
// nothing: apply is refused.
//
//	go run ./terraform/internal/schemaprovider -install DIR
//	export TF_CLI_CONFIG_FILE=DIR/terraform.tfrc
//
// installs it into DIR as a filesystem mirror that terraform takes all providers
// from, and prints the path of the configuration file that says so. Without
// arguments it is what terraform starts.
//
// What is known at plan time is what the configuration says, and tags_all and region,
// which follow from the provider's own configuration; all else that the schema calls
// computed is unknown. Defaults that the real provider fills in from its code are not in a
// schema and stay null. Beyond types, only the few rules in validate.go are checked.
// Some data sources answer with made-up values of the right form (data.go has them
// all): account 123456789012, zones a to c. All others are an error.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("schemaprovider", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("install", "", "install the provider into this `folder` and print the path of its terraform.tfrc")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return 2
	}
	if *dir != "" {
		path, err := install(*dir)
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "schemaprovider:", err)
			return 1
		}
		_, _ = fmt.Fprintln(stdout, path)
		return 0
	}
	p, err := newProvider()
	if err == nil {
		err = tf5server.Serve(address, func() tfprotov5.ProviderServer { return p })
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "schemaprovider:", err)
		return 1
	}
	return 0
}
