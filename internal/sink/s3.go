package sink

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/kfgrab/kfgrab/internal/neterror"
)

const (
	// defaultS3Timeout bounds a Put if S3Options.Timeout is 0, including all attempts
	// and the newest picture's copy.
	defaultS3Timeout = 30 * time.Second
	// s3Attempts bounds the attempts if the store cannot serve a request just now. The
	// waits in between are up to a second, so all are over before the next picture.
	s3Attempts = 3
	// credentialsTimeout is for a metadata server, which is either on the same machine
	// or absent.
	credentialsTimeout = 5 * time.Second

	amazon = "s3.amazonaws.com"

	// maxMetadata bounds one text: stores refuse objects with more than 2 kB of them.
	maxMetadata = 800

	// noCache is for objects that are replaced, so that viewers of the newest picture
	// do not see an old one from a cache.
	noCache = "no-cache"
)

// S3Options are the settings of an S3. The zero value works.
type S3Options struct {
	Template Template
	Latest   Template      // from [ParseLatest]; the zero value is DefaultLatest
	NoLatest bool          // keep no copy of the newest picture
	Timeout  time.Duration // for one Put; 0 means 30 s
}

// S3 stores pictures in a bucket at Amazon or in a store that speaks its protocol.
//
// It deletes nothing: let the bucket's lifecycle rules expire objects below the prefix.
// Each object has the picture's content type and this metadata (x-amz-meta-…): taken and
// media-time (RFC 3339, UTC), stream (its name) and source (its URL, redacted). The last
// two are left out if they are longer than stores allow.
type S3 struct {
	location S3Location
	client   *minio.Client
	http     *http.Transport
	opt      S3Options
	names    recent
}

// OpenS3 returns an S3 for l. It sends nothing yet.
//
// It uses the first credentials of these: AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; MINIO_ROOT_USER and
// MINIO_ROOT_PASSWORD; the file of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials
// (AWS_PROFILE); the role of the task, function or machine. If l has no endpoint or
// region, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION and AWS_DEFAULT_REGION
// set it.
func OpenS3(l *S3Location, o *S3Options) (*S3, error) {
	s := &S3{location: *l}
	if o != nil {
		s.opt = *o
	}
	if s.opt.Latest.text == "" {
		s.opt.Latest.text = DefaultLatest
	}
	if err := s.location.fillFromEnvironment(); err != nil {
		return nil, err
	}

	s.http = newTransport()
	var err error
	if s.client, err = minio.New(s.location.Endpoint, s.clientOptions()); err != nil {
		return nil, fmt.Errorf("%s: %w", s.location.String(), err)
	}
	return s, nil
}

// fillFromEnvironment sets the fields that the user left out.
func (l *S3Location) fillFromEnvironment() error {
	if endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")); l.Endpoint == "" && endpoint != "" {
		if err := l.setEndpoint(endpoint); err != nil {
			return fmt.Errorf("AWS_ENDPOINT_URL: %w", err)
		}
	}

	l.Region = cmp.Or(l.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	switch {
	case l.Endpoint == "":
		l.Endpoint = amazon
	case l.Region == "" && !strings.HasSuffix(l.Endpoint, ".amazonaws.com"):
		l.Region = "us-east-1" // saves a request for the bucket's region
	}
	return nil
}

// HasCredentials reports whether the environment or a file has credentials for OpenS3, or
// the environment names a role.
func HasCredentials() bool {
	for _, name := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	known, err := credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{},
	}).GetWithContext(nil)
	return err == nil && !known.SignerType.IsAnonymous() && known.AccessKeyID != ""
}

func (s *S3) clientOptions() *minio.Options {
	lookup := minio.BucketLookupAuto
	if s.location.PathStyle {
		lookup = minio.BucketLookupPath
	}
	return &minio.Options{
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{},
			&credentials.IAM{Client: &http.Client{Transport: s.http, Timeout: credentialsTimeout}},
		}),
		Secure: !s.location.Insecure, Transport: s.http, Region: s.location.Region,
		BucketLookup: lookup, MaxRetries: s3Attempts,
	}
}

// Put stores p and returns its s3:// URL. If only the newest picture's copy fails, it
// returns both the URL and the error, a *statusError if the store refuses.
func (s *S3) Put(ctx context.Context, p *Picture) (location string, err error) {
	if p.Stream == "" {
		return "", errNoStream
	}

	timeout := cmp.Or(s.opt.Timeout, defaultS3Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, &neterror.TimeoutError{What: "not stored", Limit: timeout})
	defer cancel()

	file, caching := s.opt.Template.Path(p), noCache
	if s.opt.Template.includesTime() {
		file, caching = s.names.distinctPath(file), ""
	}
	key := path.Join(s.location.Prefix, file)
	if err := s.putObject(ctx, key, p, caching); err != nil {
		return "", err
	}
	if !s.opt.NoLatest {
		err = s.putObject(ctx, path.Join(s.location.Prefix, s.opt.Latest.Path(p)), p, noCache)
	}
	return s.objectURL(key), err
}

func (s *S3) objectURL(key string) string { return "s3://" + s.location.Bucket + "/" + key }

func (s *S3) putObject(ctx context.Context, key string, p *Picture, cacheControl string) error {
	_, err := s.client.PutObject(ctx, s.location.Bucket, key, bytes.NewReader(p.Data), int64(len(p.Data)), minio.PutObjectOptions{
		ContentType: p.ContentType, CacheControl: cacheControl, UserMetadata: userMetadata(p),
		DisableMultipart: true,
	})
	return s.wrapError(ctx, key, err)
}

// userMetadata returns ASCII texts, as header fields must be, encoded by RFC 2047.
func userMetadata(p *Picture) map[string]string {
	m := map[string]string{"Taken": p.Time.UTC().Format(time.RFC3339Nano)}
	if !p.MediaTime.IsZero() {
		m["Media-Time"] = p.MediaTime.UTC().Format(time.RFC3339Nano)
	}
	for name, text := range map[string]string{"Stream": encodeASCII(p.Stream), "Source": encodeASCII(p.URL)} {
		if text != "" && len(text) <= maxMetadata {
			m[name] = text
		}
	}
	return m
}

func encodeASCII(s string) string { return mime.QEncoding.Encode("utf-8", s) }

func (s *S3) wrapError(ctx context.Context, key string, err error) error {
	var refusal minio.ErrorResponse
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", s.objectURL(key), context.Cause(ctx))
	case errors.As(err, &refusal) && refusal.StatusCode != 0:
		return &statusError{URL: s.objectURL(key), Code: refusal.StatusCode, Msg: explainRefusal(refusal)}
	}
	return &transferError{s.objectURL(key), err}
}

// explainRefusal adds advice to the store's reason.
func explainRefusal(r minio.ErrorResponse) string {
	advice := ""
	switch r.Code {
	case minio.NoSuchBucket:
		advice = " (check the name of the bucket and the endpoint)"
	case minio.AccessDenied:
		advice = " (check that there are credentials and that they allow s3:PutObject)"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		advice = " (check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
	}
	return neterror.Line(r.Code+": "+r.Message) + advice
}

// Close closes idle connections.
func (s *S3) Close() error {
	s.http.CloseIdleConnections()
	return nil
}
