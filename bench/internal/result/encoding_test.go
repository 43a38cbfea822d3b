package result_test

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/crossover-bench/crossover/bench/internal/result"
	"github.com/crossover-bench/crossover/bench/internal/result/resulttest"
)

// pack encodes a histogram by hand, from its header and the bytes of its counts.
func pack(t testing.TB, digits uint32, lowest, highest uint64, payload []byte) string {
	t.Helper()
	plain := binary.BigEndian.AppendUint32(nil, 0x1c849313)
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(payload)))
	plain = binary.BigEndian.AppendUint32(plain, 0)
	plain = binary.BigEndian.AppendUint32(plain, digits)
	plain = binary.BigEndian.AppendUint64(plain, lowest)
	plain = binary.BigEndian.AppendUint64(plain, highest)
	plain = binary.BigEndian.AppendUint64(plain, math.Float64bits(1))
	return wrapped(t, append(plain, payload...))
}

// wrapped compresses what a histogram's text holds.
func wrapped(t testing.TB, plain []byte) string {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	out := binary.BigEndian.AppendUint32(nil, 0x1c849314)
	out = binary.BigEndian.AppendUint32(out, uint32(z.Len()))
	return base64.StdEncoding.EncodeToString(append(out, z.Bytes()...))
}

// edited is a valid file but for the histogram of the first target's response times.
func edited(t testing.TB, histogram string) []byte {
	t.Helper()
	run := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2())
	run.Targets[0].Overall.ResponseTime.Histogram = histogram
	return []byte(encoded(t, run))
}

func TestDecodeFindsBrokenHistograms(t *testing.T) {
	t.Parallel()
	good := resulttest.Run(resulttest.FourPhase(20), 1, resulttest.EC2()).Targets[0]
	text := good.Overall.ResponseTime.Histogram
	const hour = 3_600_000_000
	tests := []struct{ name, histogram, want string }{
		{"as it was", text, ""},
		{"no base64", "?", "illegal base64"},
		{"empty", "", "not of the compressed V2"},
		{"cut", text[:len(text)/8*4], "cut"},
		{"another's", good.Phases[0].ResponseTime.Histogram, "holds 400 samples, not 7400"},
		{"a bomb", wrapped(t, make([]byte, 1<<20)), "inflates to more than"},
		{"a header too large", pack(t, 5, 1, hour, nil), "digits"},
		{"a negative range", pack(t, 3, 1, 1<<63, nil), "range"},
		{"no range", pack(t, 3, 5, 9, nil), "range"},
		{"a run of empty buckets too long", pack(t, 3, 1, hour, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "too many buckets"},
		{"a bucket beyond the range", pack(t, 3, 1, hour, append(bytes.Repeat([]byte{0}, 2048+21*1024), 2)), "too many buckets"},
		{"a huge count", pack(t, 3, 1, hour, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), "2^40"},
		{"half a count", pack(t, 3, 1, hour, []byte{0x80}), "cut"},
		{"text without end", strings.Repeat("A", 1<<20), "too many"},
		{"a header cut", wrapped(t, []byte("short")), "cut"},
		{"another length", wrapped(t, append(binary.BigEndian.AppendUint32(nil, 0x1c849313), make([]byte, 50)...)), "says 0"},
		{"another's, of less digits", pack(t, 2, 1, hour, []byte{0, 0, 2}), "holds 1 samples, not 7400"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := result.Decode(edited(t, test.histogram))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "ec2.overall")):
				t.Errorf("error %v, want %q in it", err, test.want)
			}
			s := good.Overall.ResponseTime
			s.Histogram = test.histogram
			if _, err := s.Decode(); (err == nil) != (test.want == "") {
				t.Errorf("of its own: %v", err)
			}
		})
	}
}

// TestDecodeChecksEveryHistogram breaks one after the other.
func TestDecodeChecksEveryHistogram(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*result.Run) *result.Summary{
		"lambda.overall.service_time_us":      func(r *result.Run) *result.Summary { return &r.Targets[1].Overall.ServiceTime },
		"lambda.overall.error_time_us":        func(r *result.Run) *result.Summary { return &r.Targets[1].Overall.ErrorTime },
		"lambda.overall.connect_time_us":      func(r *result.Run) *result.Summary { return &r.Targets[1].Overall.ConnectTime },
		"lambda.phases[3].response_time_us":   func(r *result.Run) *result.Summary { return &r.Targets[1].Phases[3].ResponseTime },
		"lambda.steps[1].response_time_us":    func(r *result.Run) *result.Summary { return &r.Targets[1].Steps[1].ResponseTime },
		"lambda.cold_starts.response_time_us": func(r *result.Run) *result.Summary { return &r.Targets[1].ColdStarts.ResponseTime },
		"lambda.cold_starts.init_us":          func(r *result.Run) *result.Summary { return r.Targets[1].ColdStarts.Init },
		"generator.send_lag_us":               func(r *result.Run) *result.Summary { return r.Generator.SendLag },
	}
	for name, of := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := sample()
			some := run.Targets[1].Overall.ResponseTime
			first, second, third := some, some, some
			run.Targets[1].ColdStarts = &result.ColdStarts{Requests: first.Count, ResponseTime: first, Init: &second}
			run.Generator.SendLag = &third
			if _, err := result.Decode([]byte(encoded(t, run))); err != nil {
				t.Fatal(err)
			}
			of(run).Histogram = "broken"
			_, err := result.Decode([]byte(encoded(t, run)))
			if err == nil || !strings.Contains(err.Error(), name+": the histogram is broken") {
				t.Errorf("error %v, want %s in it", err, name)
			}
		})
	}
}

// FuzzHistogram compares the check with the library: what it lets pass, the library reads, with as many samples.
func FuzzHistogram(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 7))
	var geometry []byte // digits, lowest and highest value
	for _, n := range []int{1, 100} {
		h := hdrhistogram.New(1, time.Hour.Microseconds(), 3)
		for range n {
			if err := h.RecordValue(1 + r.Int64N(time.Hour.Microseconds())); err != nil {
				f.Fatal(err)
			}
		}
		// The text without its base64 and zlib, which a fuzzer cannot get through.
		text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			f.Fatal(err)
		}
		plain := unwrapped(f, text)
		geometry = plain[12:32]
		f.Add(plain, int64(n))
	}
	f.Add([]byte("\x1c\x84\x93\x13\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x03\x80\xff\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\xd6\x93\xa4\x00?\xf0\x00\x00\x00\x00\x00\x00\xdf\xe9\x02\x02"), int64(1))
	f.Fuzz(func(t *testing.T, plain []byte, count int64) {
		if count <= 0 {
			return
		}
		one := 1.0
		s := result.Summary{Count: count, Min: &one, Mean: &one, Max: &one, Histogram: wrapped(t, plain)}
		library, libraryErr := hdrhistogram.Decode([]byte(s.Histogram))
		h, err := s.Decode()
		switch {
		case err != nil:
		case libraryErr != nil:
			t.Errorf("let pass what the library refuses: %v", libraryErr)
		case h.Count() != count || library.TotalCount() != count:
			t.Errorf("%d samples and %d, want %d", h.Count(), library.TotalCount(), count)
		}
		// The other way round, of our own range and precision nothing is refused. The library itself cannot be asked for them: it takes a
		// negative lowest value for 1.
		if libraryErr == nil && library.TotalCount() == count && bytes.Equal(plain[12:32], geometry) && count <= 1<<40 && err != nil {
			t.Errorf("refused what the library reads: %v", err)
		}
	})
}

func unwrapped(t testing.TB, text []byte) []byte {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zlib.NewReader(bytes.NewReader(packed[8:]))
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return plain.Bytes()
}

// The text of a histogram is that of the library, byte by byte, so that every program that reads its files reads ours.
func TestEncodesAsTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 10, 1000, 100_000} {
		ours := result.NewHistogram()
		theirs := hdrhistogram.New(result.MinValue.Microseconds(), result.MaxValue.Microseconds(), result.SignificantDigits)
		for range n {
			us := 1 + int64(math.Exp(r.Float64()*22))
			ours.Record(time.Duration(us) * time.Microsecond)
			if err := theirs.RecordValue(min(us, result.MaxValue.Microseconds())); err != nil {
				t.Fatal(err)
			}
		}
		want, err := theirs.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			t.Fatal(err)
		}
		if got := ours.Summary().Histogram; got != string(want) {
			t.Errorf("%d samples: got %.80s…\nwant %.80s…", n, got, want)
		}
	}
}

// BenchmarkSummary is what each second of a run costs for each histogram, beside what the library takes to encode it.
func BenchmarkSummary(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	ours := result.NewHistogram()
	theirs := hdrhistogram.New(result.MinValue.Microseconds(), result.MaxValue.Microseconds(), result.SignificantDigits)
	for range 5000 {
		us := 100 + int64(r.ExpFloat64()*1000)
		ours.Record(time.Duration(us) * time.Microsecond)
		_ = theirs.RecordValue(us)
	}
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			ours.Summary()
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := theirs.Encode(hdrhistogram.V2CompressedEncodingCookieBase); err != nil {
				b.Fatal(err)
			}
		}
	})
}
