package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// maxObjectBytes is above all result files of runs that end.
const maxObjectBytes = 512 << 20

// store is one run's folder in a bucket.
type store struct {
	client *s3.Client
	place  place
}

// open finds credentials and makes clients' configuration.
func open(ctx context.Context, region string) (aws.Config, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithAppID("crossover"))
	if err != nil {
		return aws.Config{}, fmt.Errorf("looking for AWS credentials: %w", err)
	}
	return c, nil
}

func openStore(c aws.Config, p place) *store {
	return &store{place: p, client: s3.NewFromConfig(c, func(o *s3.Options) {
		// A bucket is part of the host name on AWS, and of the path elsewhere, such as on MinIO.
		o.UsePathStyle = o.BaseEndpoint != nil || os.Getenv("AWS_ENDPOINT_URL") != "" || os.Getenv("AWS_ENDPOINT_URL_S3") != ""
		o.DisableLogOutputChecksumValidationSkipped = true // parts of an object have none
	})}
}

func (s *store) put(ctx context.Context, object string, data []byte) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.place.bucket, Key: aws.String(s.place.key(object)), Body: bytes.NewReader(data),
	})
	if err != nil {
		return fmt.Errorf("writing %s/%s: %w", s.place, object, err)
	}
	return nil
}

// errNoObject is wrapped by get where there is no such object. Who may not list a bucket is told instead that access is denied.
var errNoObject = errors.New("no such object")

// get reads an object from a byte on. One that is not longer than that has nothing more.
func (s *store) get(ctx context.Context, object string, from int64) ([]byte, error) {
	in := &s3.GetObjectInput{Bucket: &s.place.bucket, Key: aws.String(s.place.key(object))}
	if from > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		if coded, ok := errors.AsType[interface {
			error
			ErrorCode() string
		}](err); ok && coded.ErrorCode() == "InvalidRange" {
			return nil, nil
		}
		if _, ok := errors.AsType[*types.NoSuchKey](err); ok {
			err = errNoObject
		}
		return nil, fmt.Errorf("reading %s/%s: %w", s.place, object, err)
	}
	defer func() { _ = out.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxObjectBytes+1))
	if err != nil || len(data) > maxObjectBytes {
		return nil, fmt.Errorf("reading %s/%s, of which %d bytes came: %w", s.place, object, len(data), errors.Join(err, io.ErrUnexpectedEOF))
	}
	return data, nil
}
