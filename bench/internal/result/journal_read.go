package result

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxJournalLine is far above what an interval of the longest scenario takes.
const maxJournalLine = 64 << 20

// errCut is a line that is not whole: the last one of a program that was killed or of a machine that lost its power.
var errCut = errors.New("the line is cut off")

// LoadJournal reads DIR/intervals.ndjson as ReadJournal does.
func LoadJournal(dir string) (*Run, error) {
	path := filepath.Join(dir, JournalName)
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := ReadJournal(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// ReadJournal makes a result of a journal, as far as it goes: of histograms that are merged, never of figures that are averaged.
// The run counts as interrupted, and a warning says up to when its figures reach.
//
// A last line that is cut off is ignored, which is said in a warning too. All other faults are errors with their line.
//
// The figures of a turn that had ended are those that the result would have. Of one that had not, the wall time is up to the end
// of its last interval. What a journal does not know is missing: the meter of a local Lambda service (environments, init and
// max_concurrent of cold starts), and the warnings of a run's end. FinishedAt is when the last interval or turn ended, and the
// generator's health is that of the turns that had ended.
func ReadJournal(from io.Reader) (*Run, error) {
	in := &lines{from: bufio.NewReaderSize(from, 64<<10)}
	r := &rebuilt{}
	cut := false
	for {
		line, err := in.next()
		if err == nil {
			err = r.line(line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, errCut) && in.last() {
			cut = true
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", in.number, err)
		}
	}
	return r.finish(cut)
}

// lines reads a journal line by line.
type lines struct {
	from   *bufio.Reader
	number int
	text   []byte
}

// next line without its line break; io.EOF after the last, errCut of one that has no line break.
func (l *lines) next() ([]byte, error) {
	l.text = l.text[:0]
	l.number++
	for {
		part, err := l.from.ReadSlice('\n')
		l.text = append(l.text, part...)
		switch {
		case err == nil:
			return l.text[:len(l.text)-1], nil
		case errors.Is(err, io.EOF) && len(l.text) > 0:
			return nil, errCut
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(l.text) > maxJournalLine:
			return nil, fmt.Errorf("it has more than %d bytes", maxJournalLine)
		}
	}
}

// last says that nothing follows.
func (l *lines) last() bool {
	_, err := l.from.Peek(1)
	return errors.Is(err, io.EOF)
}
