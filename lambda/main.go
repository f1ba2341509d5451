// Command kfgrab-lambda is kfgrab as an AWS Lambda function, for the runtime
// provided.al2023. It takes an event with a stream's URL and returns a picture or
// stores it in S3. Behind a function URL or an HTTP API it serves pictures to browsers.
//
// It runs only inside Lambda; docs/lambda.md describes its events and settings.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	if err := checkRuntime(os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "kfgrab-lambda:", err)
		os.Exit(1)
	}
	s, err := readSettings(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kfgrab-lambda:", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(newFunction(s, lambdacontext.NewLogger()))
}

func checkRuntime(getenv func(string) string) error {
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return fmt.Errorf("this program runs only as an AWS Lambda function: make lambda builds its zip; elsewhere run kfgrab")
	}
	return nil
}
