package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

// holdBytes is how much of a body of unknown length is held back: one that is no longer gets a length. net/http holds as much.
const holdBytes = 2048

// response writes the answer to one request after the other. It has what the handlers of this project use: neither trailers nor
// transfer codings of their own, no status below 200, and no header but Connection: close for the connection.
type response struct {
	out    *bufio.Writer
	header http.Header
	req    *http.Request

	status   int            // 0 until it is given; from then on changes of header have no effect
	head     bytes.Buffer   // status and header, while begun is false
	typed    bool           // nobody is to guess the type of the body
	dated    bool           // there is a Date
	length   int64          // of the body; -1 if it is unknown
	measured bool           // the handler has not told the length
	written  int64          // of the body
	held     []byte         // of the body, while begun is false
	begun    bool           // the head is sent
	chunks   *bufio.Writer  // of a body of unknown length, into coded
	coded    io.WriteCloser // makes chunks
	last     bool           // the connection ends with this answer
}

// reset makes w ready for the answer to req.
func (w *response) reset(req *http.Request, last bool) {
	clear(w.header)
	w.head.Reset()
	*w = response{out: w.out, header: w.header, req: req, head: w.head, held: w.held[:0], length: -1, last: last || req.Close}
}

// Header is the header that will be sent.
func (w *response) Header() http.Header { return w.header }

// What is not copied from the header that a handler has set: what concerns the connection, a length that is none, and what an
// answer without a body has not.
var (
	hopHeaders  = map[string]bool{"Connection": true, "Transfer-Encoding": true}
	noLength    = map[string]bool{"Connection": true, "Transfer-Encoding": true, "Content-Length": true}
	notModified = map[string]bool{"Connection": true, "Transfer-Encoding": true, "Content-Length": true, "Content-Type": true}
	crlf        = []byte("\r\n")
)

// WriteHeader gives the status. Only the first one counts, and none below 200.
func (w *response) WriteHeader(status int) {
	if w.status != 0 || status < http.StatusOK {
		return
	}
	w.status = status
	w.head.WriteString("HTTP/1.1 ")
	w.head.WriteString(strconv.Itoa(status))
	if text := http.StatusText(status); text != "" {
		w.head.WriteByte(' ')
		w.head.WriteString(text)
	} else {
		w.head.WriteString(" status code ")
		w.head.WriteString(strconv.Itoa(status))
	}
	w.head.Write(crlf)
	w.inspect()
}

// inspect notes what the header that the handler has set says, and copies it.
func (w *response) inspect() {
	h := w.header
	_, w.typed = h["Content-Type"]
	w.typed = w.typed || h.Get("Content-Encoding") != ""
	_, w.dated = h["Date"]
	exclude := hopHeaders
	if length := h["Content-Length"]; len(length) > 0 {
		n, err := strconv.ParseInt(length[0], 10, 64)
		if err != nil || n < 0 {
			exclude = noLength
		} else if w.length = n; w.bodiless() {
			exclude = noLength
		}
	}
	if w.status == http.StatusNotModified {
		exclude = notModified
	}
	w.last = w.last || h.Get("Connection") == "close"
	_ = h.WriteSubset(&w.head, exclude) // into memory
}

// bodiless tells whether an answer of that status has never a body.
func (w *response) bodiless() bool {
	return w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// Write adds to the body.
func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	if w.bodiless() {
		return 0, http.ErrBodyNotAllowed
	}
	w.written += int64(len(p))
	if w.length >= 0 && w.written > w.length {
		return 0, http.ErrContentLength
	}
	if !w.begun && w.length < 0 && len(w.held)+len(p) <= holdBytes {
		w.held = append(w.held, p...)
		return len(p), nil
	}
	w.begin(p)
	return w.pass(p)
}

// begin sends the head and what is held of the body, of which next is the part that follows.
func (w *response) begin(next []byte) {
	if w.begun {
		return
	}
	w.begun = true
	_, _ = w.out.Write(w.head.Bytes()) // a bufio.Writer keeps its error
	first := w.held
	if len(first) == 0 {
		first = next
	}
	if !w.dated {
		var date [len(http.TimeFormat)]byte
		w.line("Date: ", string(time.Now().UTC().AppendFormat(date[:0], http.TimeFormat)))
	}
	if w.measured {
		w.line("Content-Length: ", strconv.FormatInt(w.length, 10))
	}
	if !w.typed && len(first) > 0 {
		w.line("Content-Type: ", http.DetectContentType(first))
	}
	if w.last {
		w.line("Connection: ", "close")
	}
	if w.length < 0 && !w.bodiless() && w.req.Method != http.MethodHead {
		w.line("Transfer-Encoding: ", "chunked")
		w.coded = httputil.NewChunkedWriter(w.out)
		w.chunks = bufio.NewWriterSize(w.coded, holdBytes)
	}
	_, _ = w.out.Write(crlf)
	_, _ = w.pass(w.held)
}

// line adds a line to the head.
func (w *response) line(name, value string) {
	_, _ = w.out.WriteString(name)
	_, _ = w.out.WriteString(value)
	_, _ = w.out.Write(crlf)
}

// pass sends a part of the body.
func (w *response) pass(p []byte) (int, error) {
	switch {
	case w.req.Method == http.MethodHead || len(p) == 0:
		return len(p), nil
	case w.chunks != nil:
		return w.chunks.Write(p) //nolint:wrapcheck // as a handler expects it
	}
	return w.out.Write(p) //nolint:wrapcheck // as a handler expects it
}

// FlushError sends what has been written so far. [http.ResponseController] calls it.
func (w *response) FlushError() error {
	w.WriteHeader(http.StatusOK)
	w.begin(nil)
	if w.chunks != nil {
		_ = w.chunks.Flush() // w.out keeps the error
	}
	return w.out.Flush() //nolint:wrapcheck // as a handler expects it
}

// end sends the rest when the handler has returned. It tells whether the connection can go on.
func (w *response) end() bool {
	w.WriteHeader(http.StatusOK)
	if !w.begun && w.length < 0 && !w.bodiless() && (w.req.Method != http.MethodHead || len(w.held) > 0) {
		w.length, w.measured = int64(len(w.held)), true
	}
	w.begin(nil)
	if w.chunks != nil {
		_ = w.chunks.Flush()
		_ = w.coded.Close()
		_, _ = w.out.Write(crlf)
	}
	whole := w.length < 0 || w.written == w.length || w.req.Method == http.MethodHead || w.bodiless()
	return w.out.Flush() == nil && whole && !w.last
}
