package cloudwatch

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseLine has lines as they are in AWS's documents and in public logs.
func TestParseLine(t *testing.T) {
	t.Parallel()
	const id = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
	tests := []struct {
		name, text string
		want       *line // nil is no line of a report
	}{
		{
			// https://docs.aws.amazon.com/lambda/latest/dg/golang-logging.html
			"cold", "REPORT RequestId: " + id + "\tDuration: 38.66 ms\tBilled Duration: 39 ms\tMemory Size: 128 MB\tMax Memory Used: 54 MB\tInit Duration: 203.69 ms\t\n",
			&line{kind: invocationLine, requestID: id, duration: 38.66, billed: 39, memorySize: 128, maxMemoryUsed: 54, hasInit: true, init: 203.69},
		},
		{
			"warm", "REPORT RequestId: " + id + "\tDuration: 1.05 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 54 MB\t",
			&line{kind: invocationLine, requestID: id, duration: 1.05, billed: 2, memorySize: 128, maxMemoryUsed: 54},
		},
		{
			"traced", "REPORT RequestId: " + id + "\tDuration: 38.66 ms\tBilled Duration: 39 ms\tMemory Size: 128 MB\tMax Memory Used: 54 MB\tInit Duration: 203.69 ms\t\n" +
				"XRAY TraceId: 1-5e34a614-10bdxmplf1fb44f07bc535a1\tSegmentId: 07f5xmpl2d1f6f85\tSampled: true\t\n",
			&line{kind: invocationLine, requestID: id, duration: 38.66, billed: 39, memorySize: 128, maxMemoryUsed: 54, hasInit: true, init: 203.69},
		},
		{
			"timed out", "REPORT RequestId: " + id + "\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 35 MB\tStatus: timeout",
			&line{kind: invocationLine, requestID: id, duration: 3000, billed: 3000, memorySize: 128, maxMemoryUsed: 35, failure: "timeout"},
		},
		{
			"out of memory", "REPORT RequestId: " + id + "\tDuration: 120.00 ms\tBilled Duration: 120 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory",
			&line{kind: invocationLine, requestID: id, duration: 120, billed: 120, memorySize: 128, maxMemoryUsed: 128, failure: "Runtime.OutOfMemory"},
		},
		{
			// What is billed has the billed part of the restoring in it: 306.34 and 303 ms.
			"restored", "REPORT RequestId: b771fecc-1b53-4faf-922d-1d74357b1676\tDuration: 306.34 ms\tBilled Duration: 610 ms\tMemory Size: 3009 MB\tMax Memory Used: 155 MB\tRestore Duration: 511.25 ms\tBilled Restore Duration: 303 ms\t",
			&line{kind: invocationLine, requestID: "b771fecc-1b53-4faf-922d-1d74357b1676", duration: 306.34, billed: 610, memorySize: 3009, maxMemoryUsed: 155, hasInit: true, init: 511.25},
		},
		{
			// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
			"JSON", `{"time": "2022-10-12T00:01:15.000Z", "type": "platform.report", "record": {"metrics": {"billedDurationMs": 694, "durationMs": 693.92, "initDurationMs": 397.68,
				"maxMemoryUsedMB": 84, "memorySizeMB": 128}, "requestId": "` + id + `", "status": "success"}}`,
			&line{kind: invocationLine, requestID: id, duration: 693.92, billed: 694, memorySize: 128, maxMemoryUsed: 84, hasInit: true, init: 397.68},
		},
		{
			"JSON, timed out", `{"time":"2024-03-13T18:56:24.046Z","type":"platform.report","record":{"requestId":"` + id + `","metrics":{"durationMs":3000.0,"billedDurationMs":3000,"memorySizeMB":128,"maxMemoryUsedMB":35},"status":"timeout"}}`,
			&line{kind: invocationLine, requestID: id, duration: 3000, billed: 3000, memorySize: 128, maxMemoryUsed: 35, failure: "timeout"},
		},
		{
			"JSON, error", `{"type":"platform.report","record":{"requestId":"` + id + `","metrics":{"durationMs":3.5,"billedDurationMs":4,"memorySizeMB":128,"maxMemoryUsedMB":35},"status":"error","errorType":"Runtime.ExitError"}}`,
			&line{kind: invocationLine, requestID: id, duration: 3.5, billed: 4, memorySize: 128, maxMemoryUsed: 35, failure: "Runtime.ExitError"},
		},
		{
			"JSON, restored", `{"type":"platform.report","record":{"requestId":"` + id + `","metrics":{"durationMs":306.34,"billedDurationMs":610,"restoreDurationMs":511.25,"billedRestoreDurationMs":303,"memorySizeMB":3009,"maxMemoryUsedMB":155},"status":"success"}}`,
			&line{kind: invocationLine, requestID: id, duration: 306.34, billed: 610, memorySize: 3009, maxMemoryUsed: 155, hasInit: true, init: 511.25},
		},
		{"init took too long", "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout", &line{kind: initLine, duration: 9999.79, failure: "timeout"}},
		{"init failed", "INIT_REPORT Init Duration: 12.10 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError", &line{kind: initLine, duration: 12.1, failure: "Runtime.ExitError"}},
		{
			"JSON, init", `{"type":"platform.initReport","record":{"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":125.33}}}`,
			&line{kind: initLine, duration: 125.33},
		},
		{"odd error", "REPORT RequestId: 1\tDuration: 1 ms\tBilled Duration: 1 ms\tStatus: error\tError Type: <b>", &line{kind: invocationLine, requestID: "1", duration: 1, billed: 1, failure: "error"}},
		{"an empty line", "", nil},
		{"the start", "START RequestId: " + id + " Version: $LATEST", nil},
		{"the app's own", `{"time":"2026-01-01T00:00:00Z","level":"INFO","msg":"a platform.report and a REPORT RequestId: 1"}`, nil},
		{"the app's own, of another type", `{"type":"platform.start","record":{"requestId":"1","metrics":{"durationMs":1,"billedDurationMs":1}}}`, nil},
		{"cut off", "REPORT RequestId: " + id + "\tDuration: 38.66 ms\tBilled Dur", nil},
		{"no id", "REPORT Duration: 38.66 ms\tBilled Duration: 39 ms", nil},
		{"negative", "REPORT RequestId: 1\tDuration: -1 ms\tBilled Duration: 39 ms", nil},
		{"no number", "REPORT RequestId: 1\tDuration: NaN ms\tBilled Duration: 39 ms", nil},
		{"beyond all limits", "REPORT RequestId: 1\tDuration: 1 ms\tBilled Duration: 1e300 ms", nil},
		{"another unit", "REPORT RequestId: 1\tDuration: 1 s\tBilled Duration: 1 ms", nil},
		{"JSON, negative", `{"type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":1,"billedDurationMs":-4}}}`, nil},
		{"JSON, without metrics", `{"type":"platform.report","record":{"requestId":"1"}}`, nil},
		{"JSON, cut off", `{"type":"platform.report","record":{"requestId":"1","metr`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseLine(test.text)
			if ok != (test.want != nil) {
				t.Fatalf("%t: %+v", ok, got)
			}
			if ok {
				if diff := cmp.Diff(*test.want, got, cmp.AllowUnexported(line{})); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

func FuzzParseLine(f *testing.F) {
	for _, seed := range []string{
		"REPORT RequestId: 8f507cfc\tDuration: 38.66 ms\tBilled Duration: 39 ms\tMemory Size: 128 MB\tMax Memory Used: 54 MB\tInit Duration: 203.69 ms\t\nXRAY TraceId: 1-5e\tSegmentId: 07\tSampled: true\t\n",
		"REPORT RequestId: 1\tDuration: 21.52 ms\tBilled Duration: 22 ms\tRestore Duration: 612.04 ms\tBilled Restore Duration: 155 ms\tStatus: error\tError Type: Runtime.ExitError",
		"INIT_REPORT Init Duration: 9999.79 ms\tPhase: init\tStatus: timeout",
		`{"type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":3.5,"billedDurationMs":4,"initDurationMs":5e2,"memorySizeMB":128,"maxMemoryUsedMB":35},"status":"timeout"}}`,
		`{"type":"platform.initReport","record":{"phase":"init","metrics":{"durationMs":125.33}}}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, ok := parseLine(text)
		if !ok {
			return
		}
		for _, ms := range []float64{l.duration, l.init, float64(l.billed)} {
			if math.IsNaN(ms) || ms < 0 || ms > maxLineMS {
				t.Errorf("%g ms of %q", ms, text)
			}
		}
		if l.memorySize < 0 || l.memorySize > maxLineMB || l.maxMemoryUsed < 0 || l.maxMemoryUsed > maxLineMB {
			t.Errorf("%d MB, %d MB of %q", l.memorySize, l.maxMemoryUsed, text)
		}
		if l.kind != invocationLine && l.kind != initLine || l.kind == invocationLine && l.requestID == "" || !l.hasInit && l.init != 0 || len(l.failure) > 64 {
			t.Errorf("%+v of %q", l, text)
		}
	})
}
