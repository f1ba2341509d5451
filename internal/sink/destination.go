package sink

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Destination is a place for pictures that a user wrote: one of the three.
type Destination struct {
	Dir string      // for OpenDir; may be empty
	S3  *S3Location // for OpenS3
	Tar bool        // for NewTar, on standard output
}

// ParseDestination reads "-" as a tar stream on standard output and s3://… as
// [ParseS3] does. Anything else that is not a URL is a directory.
func ParseDestination(text string) (Destination, error) {
	scheme, _, isURL := strings.Cut(text, "://")
	switch {
	case text == "":
		return Destination{}, errors.New(`no destination: give a directory, s3://bucket/prefix or "-"`)
	case text == "-":
		return Destination{Tar: true}, nil
	case isURL && strings.EqualFold(scheme, "s3"):
		location, err := ParseS3(text)
		return Destination{S3: location}, err
	case isURL:
		return Destination{}, fmt.Errorf("cannot store pictures at %s://: give a directory, s3://bucket/prefix or \"-\"", scheme)
	}
	return Destination{Dir: text}, nil
}

// String returns the text that a user would write, without credentials.
func (d Destination) String() string {
	switch {
	case d.Tar:
		return "-"
	case d.S3 != nil:
		return d.S3.String()
	}
	return d.Dir
}

// S3Location is a place in an S3-compatible object store.
type S3Location struct {
	Bucket, Prefix string // Prefix without slashes around it; "" for none

	Endpoint  string // host or host:port; "" for the one in the environment, else Amazon's
	Insecure  bool   // HTTP instead of HTTPS
	Region    string // "" for the one in the environment, else us-east-1 unless Endpoint is Amazon's
	PathStyle bool   // the bucket in the path, not in the host name
}

// ParseS3 reads s3://bucket/prefix with these optional parameters:
//
//	endpoint=https://host:port   of a store other than Amazon's; http:// is without TLS
//	region=eu-central-1
//	path-style=true              for a store that has no host name for each bucket
//
// It refuses credentials in the URL, because they come from the environment.
func ParseS3(text string) (*S3Location, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("s3: invalid URL: write s3://bucket/prefix")
	case u.User != nil:
		return nil, errors.New("s3: the URL must not contain credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case u.Host == "":
		return nil, errors.New("s3: no bucket: write s3://bucket/prefix")
	case u.Port() != "":
		return nil, errors.New("s3: a bucket has no port: write s3://bucket/prefix?endpoint=https://host:port")
	}

	l := &S3Location{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("s3://%s: invalid parameters", l.Bucket)
	}
	for name, values := range query {
		if err := l.setParameter(name, values[len(values)-1]); err != nil {
			return nil, fmt.Errorf("s3://%s: %w", l.Bucket, err)
		}
	}
	return l, nil
}

func (l *S3Location) setParameter(name, value string) error {
	switch name {
	case "region":
		l.Region = value
	case "path-style":
		if value != "true" && value != "false" {
			return errors.New("path-style must be true or false")
		}
		l.PathStyle = value == "true"
	case "endpoint":
		return l.setEndpoint(value)
	default:
		return fmt.Errorf("unknown parameter %q: known are endpoint, region and path-style", name)
	}
	return nil
}

// setEndpoint accepts a host, host:port or a URL with nothing else in it.
func (l *S3Location) setEndpoint(value string) error {
	if !strings.Contains(value, "://") {
		value = "https://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" ||
		(u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("endpoint must be a host or host:port, with http:// before it for a store without TLS")
	}
	l.Endpoint, l.Insecure = u.Host, u.Scheme == "http"
	return nil
}

// String returns the URL of bucket and prefix, with the endpoint if it is set.
func (l *S3Location) String() string {
	s := "s3://" + l.Bucket
	if l.Prefix != "" {
		s += "/" + l.Prefix
	}
	if l.Endpoint != "" {
		scheme := "https://"
		if l.Insecure {
			scheme = "http://"
		}
		s += "?" + url.Values{"endpoint": {scheme + l.Endpoint}}.Encode()
	}
	return s
}
