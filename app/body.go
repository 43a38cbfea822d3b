package app

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// MaxBodyBytes is the longest request body that is accepted, in bytes.
const MaxBodyBytes = 1 << 20

// firstRead bounds the buffer that is made on the word of a Content-Length alone.
const firstRead = 64 << 10

// checkTextType accepts text/plain in UTF-8 or its subset ASCII, with any other
// parameters, and also a request that names no type: RFC 9110 section 8.3 lets the
// recipient look at the data then, and the data is checked to be UTF-8 anyway.
func checkTextType(h http.Header) error {
	unsupported := func() error {
		return newProblem(http.StatusUnsupportedMediaType, "The body must be text/plain in UTF-8.")
	}
	values := h[echo.HeaderContentType]
	if len(values) > 1 {
		return unsupported()
	}
	if len(values) == 0 || values[0] == "" || values[0] == "text/plain" || values[0] == mimeText {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(values[0])
	if err != nil || mediaType != "text/plain" {
		return unsupported()
	}
	switch cs, ok := params["charset"]; {
	case !ok, strings.EqualFold(cs, "utf-8"), strings.EqualFold(cs, "us-ascii"):
		return nil
	}
	return unsupported()
}

// readBody reads a body of at most MaxBodyBytes, whether or not its length was
// announced. It reads up to the end of a body that fits, which is also what makes
// net/http notice a client that goes away later.
func readBody(r *http.Request) ([]byte, error) {
	tooLarge := func() error {
		return newProblem(http.StatusRequestEntityTooLarge, "The body is longer than 1 MiB.")
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > MaxBodyBytes {
		return nil, tooLarge()
	}
	// One byte more than announced, so that the end is seen without growing.
	size := 512
	if r.ContentLength >= 0 {
		size = int(min(r.ContentLength, firstRead)) + 1
	}
	buf := make([]byte, 0, size)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > MaxBodyBytes {
			return nil, tooLarge()
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, readProblem(err)
		}
	}
}

// readProblem words a body that could not be read: the sender's fault, not ours.
func readProblem(err error) error {
	var (
		timeout net.Error
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &tooLong):
		return newProblem(http.StatusRequestEntityTooLarge, "The body is too long.")
	case errors.As(err, &timeout) && timeout.Timeout():
		return newProblem(http.StatusRequestTimeout, "The body came too slowly.")
	}
	return newProblem(http.StatusBadRequest, "The body ended early or could not be read.")
}
