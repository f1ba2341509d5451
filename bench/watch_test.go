package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWatchLog: the first grab of each stream does not count.
func TestWatchLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := `{"time":"2026-03-01T00:00:00Z","msg":"added","name":"cam0"}
{"time":"2026-03-01T00:00:01Z","msg":"grab","name":"cam0","outcome":"ok","bytes":900,"ms":5,"late_ms":9}
{"time":"2026-03-01T00:00:01Z","msg":"skipped","name":"cam0","runs":4}
{"time":"2026-03-01T00:00:02Z","msg":"grab","name":"cam1","outcome":"ok","bytes":900,"ms":5,"late_ms":9}
{"time":"2026-03-01T00:00:11Z","msg":"grab","name":"cam0","outcome":"ok","bytes":100,"ms":1500,"late_ms":3}
{"time":"2026-03-01T00:00:12Z","msg":"grab","name":"cam1","outcome":"unchanged","bytes":10,"ms":1,"late_ms":0}
{"time":"2026-03-01T00:00:31Z","msg":"grab","name":"cam0","outcome":"network","bytes":40,"ms":2,"late_ms":1}
{"time":"2026-03-01T00:00:31Z","msg":"skipped","name":"cam0","runs":1}
{"time":"2026-03-01T00:00:32Z","msg":"grab","name":"cam1","outcome":"abandoned","bytes":10,"ms":1,"late_ms":0}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &WatchResult{WatchCase: WatchCase{Streams: 2}, CPU: time.Second, Wall: 10 * time.Second, Floor: 45}
	if err := r.readLog(path); err != nil {
		t.Fatal(err)
	}
	if r.Grabs != 3 || r.Failed != 1 || r.Skipped != 1 || r.Fewest != 1 || r.Longest != 20*time.Second || meanOf(r.Bytes) != 50 || len(r.Starts) != 3 {
		t.Errorf("%+v", r)
	}
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil || !strings.Contains(b.String(), "| CPU of one core | 10.0 % |") || !strings.Contains(b.String(), "| 1ms, 1.5s, 1.5s |") && !strings.Contains(b.String(), "| 2ms, 1.5s, 1.5s |") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
