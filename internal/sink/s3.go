package sink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
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
	// DefaultS3Timeout bounds a Put where S3Options.Timeout is 0, its attempts and
	// the newest picture's copy included.
	DefaultS3Timeout = 30 * time.Second
	// s3Attempts of a request that the store cannot serve just now: with waits of up
	// to a second between them they are through long before the next picture.
	s3Attempts = 3
	// credentialsTimeout is for a metadata server, which is on the same machine or
	// not there at all.
	credentialsTimeout = 5 * time.Second

	amazon = "s3.amazonaws.com"

	// maxMetadata is of one text: stores refuse an object with more than 2 kB of them.
	maxMetadata = 800

	// noCache is for what is replaced: whoever shows the newest picture is not to show
	// one from a cache.
	noCache = "no-cache"
)

// S3Options says how pictures are put into an object store. The zero value works.
type S3Options struct {
	Template Template
	Latest   Template      // of [ParseLatest]; the zero value is DefaultLatest
	NoLatest bool          // keep no copy of the newest picture
	Timeout  time.Duration // for one Put; 0 means DefaultS3Timeout
	TLS      *tls.Config   // nil: the system's authorities
}

// S3 puts pictures into a bucket: of Amazon, or of a store that speaks its protocol.
//
// Nothing is deleted there: have the bucket's lifecycle rules expire what is below the
// prefix. Each object has the picture's content type, and as metadata (x-amz-meta-…)
// taken and media-time (RFC 3339, UTC), stream (its name) and source (its
// URL, redacted), the last two where they are not longer than stores take.
type S3 struct {
	location S3Location
	client   *minio.Client
	http     *http.Transport
	opt      S3Options
	names    recent
}

// OpenS3 prepares for l and sends nothing yet.
//
// The credentials are the first that are found: AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; MINIO_ROOT_USER and
// MINIO_ROOT_PASSWORD; the file of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials
// (AWS_PROFILE); the role of the task, function or machine. Where l has no endpoint
// or region, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION and
// AWS_DEFAULT_REGION give it.
func OpenS3(l *S3Location, o *S3Options) (*S3, error) {
	s := &S3{location: *l}
	if o != nil {
		s.opt = *o
	}
	if s.opt.Latest.text == "" {
		s.opt.Latest.text = DefaultLatest
	}
	if err := s.location.fromEnvironment(); err != nil {
		return nil, err
	}
	s.http = newTransport(s.opt.TLS)
	var err error
	if s.client, err = minio.New(s.location.Endpoint, s.clientOptions()); err != nil {
		return nil, fmt.Errorf("%s: %w", s.location.String(), err)
	}
	return s, nil
}

// fromEnvironment fills in what the user left out.
func (l *S3Location) fromEnvironment() error {
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
		l.Region = "us-east-1" // spares a request for the bucket's
	}
	return nil
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

// Put stores p and returns its s3:// URL. Where only the newest picture's copy has
// failed, it returns both the URL and the error.
//
// The error is a *[StatusError] where the store refuses.
func (s *S3) Put(ctx context.Context, p *Picture) (location string, err error) {
	if p.Stream == "" {
		return "", errNoStream
	}
	timeout := cmp.Or(s.opt.Timeout, DefaultS3Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, &neterror.TimeoutError{What: "not stored", Limit: timeout})
	defer cancel()
	file, caching := s.opt.Template.Path(p), noCache
	if s.opt.Template.tellsTime() {
		file, caching = s.names.distinct(file), ""
	}
	key := path.Join(s.location.Prefix, file)
	if err := s.store(ctx, key, p, caching); err != nil {
		return "", err
	}
	if !s.opt.NoLatest {
		err = s.store(ctx, path.Join(s.location.Prefix, s.opt.Latest.Path(p)), p, noCache)
	}
	return s.url(key), err
}

func (s *S3) url(key string) string { return "s3://" + s.location.Bucket + "/" + key }

// store is one PUT.
func (s *S3) store(ctx context.Context, key string, p *Picture, cacheControl string) error {
	_, err := s.client.PutObject(ctx, s.location.Bucket, key, bytes.NewReader(p.Data), int64(len(p.Data)), minio.PutObjectOptions{
		ContentType: p.ContentType, CacheControl: cacheControl, UserMetadata: userMetadata(p),
		DisableMultipart: true,
	})
	return s.fail(ctx, key, err)
}

// userMetadata is ASCII, as header fields are, by RFC 2047 where it has to be.
func userMetadata(p *Picture) map[string]string {
	m := map[string]string{"Taken": p.Time.UTC().Format(time.RFC3339Nano)}
	if !p.MediaTime.IsZero() {
		m["Media-Time"] = p.MediaTime.UTC().Format(time.RFC3339Nano)
	}
	for name, text := range map[string]string{"Stream": ascii(p.Stream), "Source": ascii(p.URL)} {
		if text != "" && len(text) <= maxMetadata {
			m[name] = text
		}
	}
	return m
}

func ascii(s string) string { return mime.QEncoding.Encode("utf-8", s) }

func (s *S3) fail(ctx context.Context, key string, err error) error {
	var refusal minio.ErrorResponse
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", s.url(key), context.Cause(ctx))
	case errors.As(err, &refusal) && refusal.StatusCode != 0:
		return &StatusError{URL: s.url(key), Code: refusal.StatusCode, Msg: explain(refusal)}
	}
	return &transferError{s.url(key), err}
}

// explain adds what to do to what the store says.
func explain(r minio.ErrorResponse) string {
	advice := ""
	switch r.Code {
	case minio.NoSuchBucket:
		advice = " (is the bucket's name right, and its endpoint?)"
	case minio.AccessDenied:
		advice = " (are there credentials, and may they do s3:PutObject?)"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		advice = " (check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
	}
	return neterror.Line(r.Code+": "+r.Message) + advice
}

// Close closes the connections that are kept.
func (s *S3) Close() error {
	s.http.CloseIdleConnections()
	return nil
}
