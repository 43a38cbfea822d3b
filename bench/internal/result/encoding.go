package result

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The V2 HDR encoding: base64 of a cookie, a length, and that many bytes of zlib. Those hold a header and, for each bucket up
// to the highest one in use, a ZigZag varint of at most nine bytes: a count, or the negative length of a run of empty buckets.
const (
	compressedCookie = 0x1c849304
	plainCookie      = 0x1c849303
	outerHeader      = 8
	innerHeader      = 40
	longestVarint    = 9

	// At three digits the first 2,048 values have a bucket each, and each doubling of the range after them takes 1,024. The
	// range of this program ends in the 21st of them; the longest possible one is below mostBuckets.
	ownBuckets  = 2048 + 21*1024
	mostBuckets = 64 * 1024
	mostPlain   = innerHeader + longestVarint*mostBuckets
	// zlib makes what cannot be compressed hardly longer, and base64 takes four characters for three bytes.
	mostText = (mostPlain + mostPlain/100 + 1024) / 3 * 4
)

var errHistogram = errors.New("the histogram is broken")

// encoders are kept: one takes nearly a megabyte, and a run makes some of each second's histograms.
var encoders = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, zlib.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &encoder{zlib: w}
}}

// encoder writes histograms one after the other with the same memory.
type encoder struct {
	zlib    *zlib.Writer
	payload []byte
	out     bytes.Buffer
}

// encode is the text of a histogram, byte by byte that of the library, which takes a buffer and a call for each count.
func encode(counts *hdrhistogram.Histogram) string {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.payload = appendCounts(e.payload[:0], counts.Export().Counts)
	head := make([]byte, innerHeader)
	binary.BigEndian.PutUint32(head, plainCookie|0x10)
	binary.BigEndian.PutUint32(head[4:], uint32(len(e.payload))) //nolint:gosec // below mostPlain
	binary.BigEndian.PutUint32(head[12:], SignificantDigits)     // all histograms here have one geometry
	binary.BigEndian.PutUint64(head[16:], uint64(MinValue/time.Microsecond))
	binary.BigEndian.PutUint64(head[24:], uint64(MaxValue/time.Microsecond))
	binary.BigEndian.PutUint64(head[32:], math.Float64bits(1)) // a ratio that we do not use

	e.out.Reset()
	e.out.Write(make([]byte, outerHeader))
	e.zlib.Reset(&e.out)
	_, _ = e.zlib.Write(head) // into memory: there is no error
	_, _ = e.zlib.Write(e.payload)
	_ = e.zlib.Close()
	out := e.out.Bytes()
	binary.BigEndian.PutUint32(out, compressedCookie|0x10)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-outerHeader)) //nolint:gosec // below mostPlain
	return base64.StdEncoding.EncodeToString(out)
}

// appendCounts writes counts up to the last that is not 0. Of two zeros or more in a row, their negative number is written.
func appendCounts(to []byte, counts []int64) []byte {
	last := len(counts) - 1
	for last > 0 && counts[last] == 0 {
		last--
	}
	for i := 0; i <= last; i++ {
		n := counts[i]
		if n == 0 {
			zeros := int64(1)
			for ; i < last && counts[i+1] == 0; i++ {
				zeros++
			}
			if zeros > 1 {
				n = -zeros
			}
		}
		to = binary.AppendUvarint(to, uint64(n<<1^n>>63)) //nolint:gosec // ZigZag; the same as the format's below 2^56
	}
	return to
}

// inflater reads histograms one after the other with the same memory.
type inflater struct {
	zlib  io.ReadCloser
	plain bytes.Buffer
}

// count adds up the samples in a histogram's text and says whether it has the range and precision of this program's. Of those
// it finds every text that the library would not read; of all it finds what takes more memory than any histogram of three
// digits: a few bytes of zlib can stand for gigabytes.
func (f *inflater) count(text string) (total int64, own bool, err error) {
	if len(text) > mostText {
		return 0, false, fmt.Errorf("%w: %d characters are too many", errHistogram, len(text))
	}
	if err := f.inflate(text); err != nil {
		return 0, false, err
	}
	plain := f.plain.Bytes()
	if len(plain) < innerHeader {
		return 0, false, fmt.Errorf("%w: it is cut", errHistogram)
	}
	field := func(at int) uint32 { return binary.BigEndian.Uint32(plain[at:]) }
	digits := field(12)
	lowest, highest := binary.BigEndian.Uint64(plain[16:]), binary.BigEndian.Uint64(plain[24:])
	switch payload := plain[innerHeader:]; {
	case field(0)&^0xf0 != plainCookie:
		return 0, false, fmt.Errorf("%w: it is not of the V2 encoding", errHistogram)
	case int64(field(4)) != int64(len(payload)):
		return 0, false, fmt.Errorf("%w: it has %d bytes of counts, and says %d", errHistogram, len(payload), field(4))
	case digits > SignificantDigits:
		return 0, false, fmt.Errorf("%w: it has %d digits; at most %d can be read", errHistogram, digits, SignificantDigits)
	case lowest > math.MaxInt64 || highest > math.MaxInt64 || highest < 2*max(lowest, 1):
		return 0, false, fmt.Errorf("%w: its range is impossible", errHistogram)
	default:
		own = digits == SignificantDigits && lowest == uint64(MinValue/time.Microsecond) && highest == uint64(MaxValue/time.Microsecond)
		most := int64(mostBuckets)
		if own {
			most = ownBuckets
		}
		total, err = sum(payload, most)
		return total, own, err
	}
}

// inflate fills f.plain.
func (f *inflater) inflate(text string) error {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%w: %w", errHistogram, err)
	}
	if len(packed) < outerHeader || binary.BigEndian.Uint32(packed)&^0xf0 != compressedCookie {
		return fmt.Errorf("%w: it is not of the compressed V2 encoding", errHistogram)
	}
	length := int64(binary.BigEndian.Uint32(packed[4:]))
	if length > int64(len(packed)-outerHeader) {
		return fmt.Errorf("%w: it is cut", errHistogram)
	}
	in := bytes.NewReader(packed[outerHeader : outerHeader+length])
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(in)
	} else if again, ok := f.zlib.(zlib.Resetter); ok {
		err = again.Reset(in, nil)
	}
	if err != nil {
		f.zlib = nil
		return fmt.Errorf("%w: %w", errHistogram, err)
	}
	f.plain.Reset()
	n, err := io.Copy(&f.plain, io.LimitReader(f.zlib, mostPlain+1))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errHistogram, err)
	case n > mostPlain:
		return fmt.Errorf("%w: it inflates to more than %d bytes", errHistogram, mostPlain)
	}
	return nil
}

// sum adds up the counts of a payload of at most so many buckets.
func sum(payload []byte, most int64) (int64, error) {
	total, buckets := int64(0), int64(0)
	for len(payload) > 0 {
		n, used := varint(payload)
		if used == 0 {
			return 0, fmt.Errorf("%w: its last count is cut", errHistogram)
		}
		payload = payload[used:]
		empty := min(n, 0)
		if n >= 0 {
			buckets++
		}
		// Each limit is checked before the sum can overflow.
		if empty < -most || buckets-empty > most {
			return 0, fmt.Errorf("%w: it has too many buckets", errHistogram)
		}
		buckets -= empty
		if n > maxCount || total+max(n, 0) > maxCount {
			return 0, fmt.Errorf("%w: it holds more than 2^40 samples", errHistogram)
		}
		total += max(n, 0)
	}
	return total, nil
}

// varint reads one number and says how many bytes it took; 0 if it is cut. The ninth byte has eight bits of the number, unlike
// the varints of other formats.
func varint(b []byte) (n int64, used int) {
	value := uint64(0)
	for i, c := range b {
		if i == longestVarint-1 {
			value |= uint64(c) << 56
			return int64(value>>1) ^ -int64(value&1), longestVarint
		}
		value |= uint64(c&0x7f) << (7 * i)
		if c&0x80 == 0 {
			return int64(value>>1) ^ -int64(value&1), i + 1
		}
	}
	return 0, 0
}

// check holds the histogram of a summary against its count, and says whether it is of this program's range and precision.
func (f *inflater) check(s *Summary) (own bool, err error) {
	if s.Count == 0 {
		if strings.TrimSpace(s.Histogram) != "" {
			return false, fmt.Errorf("%w: there is one of no samples", errHistogram)
		}
		return true, nil
	}
	got, own, err := f.count(s.Histogram)
	switch {
	case err != nil:
		return false, err
	case got != s.Count:
		return false, fmt.Errorf("%w: it holds %d samples, not %d", errHistogram, got, s.Count)
	}
	return own, nil
}

// agrees holds the figures of a summary against its histogram, the one that check read last, which must be of this program's range and
// precision: each figure is in the bucket of its rank, and the mean between those of all lowest and of all highest values.
func (f *inflater) agrees(s *Summary) error {
	if s.Count == 0 {
		return nil
	}
	figures := []struct {
		name  string
		value float64
		rank  int64
	}{
		{"min", *s.Min, 1},
		{"p50", *s.P50, rankOf(s.Count, 500)},
		{"p90", *s.P90, rankOf(s.Count, 900)},
		{"p95", *s.P95, rankOf(s.Count, 950)},
		{"p99", *s.P99, rankOf(s.Count, 990)},
		{"p99_9", *s.P999, rankOf(s.Count, 999)},
		{"max", *s.Max, s.Count},
	}
	bucket, total := int64(0), int64(0)
	least, most := 0.0, 0.0 // the sum of all samples
	for payload := f.plain.Bytes()[innerHeader:]; len(payload) > 0; {
		n, used := varint(payload)
		payload = payload[used:]
		if n < 0 {
			bucket -= n
			continue
		}
		lowest, highest := bucketRange(bucket)
		bucket++
		total += n
		least, most = least+float64(n)*lowest, most+float64(n)*highest
		for ; len(figures) > 0 && figures[0].rank <= total; figures = figures[1:] {
			if v := figures[0].value; v < lowest || v > highest {
				return fmt.Errorf("%s is %g, but by its histogram it is from %g to %g", figures[0].name, v, lowest, highest)
			}
		}
	}
	const blur = 1e-9 // of adding and dividing
	count := float64(s.Count)
	if *s.Mean < least/count*(1-blur) || *s.Mean > most/count*(1+blur) {
		return fmt.Errorf("mean is %g, but by its histogram it is from %g to %g", *s.Mean, least/count, most/count)
	}
	return nil
}

// bucketRange is the lowest and the highest value of a bucket, in µs.
func bucketRange(bucket int64) (lowest, highest float64) {
	if bucket < 2048 {
		return float64(bucket), float64(bucket)
	}
	doublings := bucket/1024 - 1
	first := (1024 + bucket%1024) << doublings
	return float64(first), float64(first + 1<<doublings - 1)
}
