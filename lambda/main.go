// Command kfgrab-lambda is kfgrab as an AWS Lambda function, on the runtime
// provided.al2023: an event with a stream's URL in, a picture out, or one in S3. As a
// function URL, or behind an HTTP API, it serves pictures to browsers.
//
// It runs within Lambda alone; what it takes is in the README.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	if err := check(os.Getenv); err != nil {
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

func check(getenv func(string) string) error {
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return fmt.Errorf("this runs as an AWS Lambda function, for which make lambda makes the zip; on other machines run kfgrab")
	}
	return nil
}
