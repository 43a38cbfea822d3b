package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// Client sends requests one after the other on one connection, whose deadlines hold for it. It measures servers on its own machine: it
// does by hand what net/http does with goroutines, which would compete with what is measured. It is for one goroutine.
type Client struct {
	net.Conn
	reader *bufio.Reader
	body   []byte
}

// Dial makes a client of the server at addr, a host and a port. It is to be closed.
func Dial(ctx context.Context, addr string) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return NewClient(conn), nil
}

// NewClient makes a client of the server at the other end of conn.
func NewClient(conn net.Conn) *Client { return &Client{Conn: conn, reader: bufio.NewReader(conn)} }

// Do sends the bytes of a whole request, and returns the status of its answer and its body, which is valid until the next call. An
// answer must give its length, and lines of its head must be shorter than 4 KiB; any other is an error, after which the client is of
// no use.
func (c *Client) Do(request []byte) (status int, body []byte, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, nil, fmt.Errorf("sending a request: %w", err)
	}
	status, length, err := c.head()
	if err != nil {
		return 0, nil, fmt.Errorf("reading the head of an answer: %w", err)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.reader, c.body); err != nil {
		return 0, nil, fmt.Errorf("reading the body of an answer: %w", err)
	}
	return status, c.body, nil
}

// head reads the head of an answer.
func (c *Client) head() (status, length int, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	code, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(code) < 3 {
		return 0, 0, fmt.Errorf("%q is no status line", line)
	}
	if status, err = strconv.Atoi(string(code[:3])); err != nil {
		return 0, 0, fmt.Errorf("%q is no status line", line)
	}
	length = -1
	for {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) <= len("\r\n") {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 10, 31)
			if err != nil {
				return 0, 0, fmt.Errorf("length of the body: %w", err)
			}
			length = int(n)
		}
	}
	if length < 0 {
		return 0, 0, errors.New("it has no Content-Length")
	}
	return status, length, nil
}
