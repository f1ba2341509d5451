package decode

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/kfgrab/kfgrab/keyframe"
)

// queued lets n calls wait, one behind the other, for the place that is taken.
func queued(t *testing.T, p *Pool, n int) (calls []*call, cancels []context.CancelFunc, got chan int) {
	t.Helper()
	got = make(chan int, n)
	for k := range n {
		ctx, cancel := context.WithCancel(context.Background())
		c := &call{cancel: func(error) {}, place: make(chan *warm, 1)}
		calls, cancels = append(calls, c), append(cancels, cancel)
		go func() {
			if _, err := p.enter(ctx, c); err == nil {
				got <- k
			} else if errors.Is(err, context.Canceled) {
				got <- -k
			}
		}()
		for waiting := 0; waiting <= k; runtime.Gosched() {
			p.mu.Lock()
			waiting = len(p.queue)
			p.mu.Unlock()
		}
	}
	return calls, cancels, got
}

// Places are given to calls in the order in which they came.
func TestPoolOrder(t *testing.T) {
	p := &Pool{Size: 1}
	first := &call{place: make(chan *warm, 1)}
	if _, err := p.enter(context.Background(), first); err != nil {
		t.Fatal(err)
	}
	calls, cancels, got := queued(t, p, 4)
	cancels[2]()
	if k := <-got; k != -2 {
		t.Errorf("call %d is served while the place is taken", k)
	}
	leaving := first
	for _, want := range []int{0, 1, 3} {
		p.leave(leaving, nil)
		p.done.Done()
		if k := <-got; k != want {
			t.Errorf("call %d before call %d", k, want)
		}
		leaving = calls[want]
	}
	p.leave(leaving, nil)
	p.done.Done()
	for _, cancel := range cancels {
		cancel()
	}
	if p.busy != 0 || len(p.calls) != 0 || len(p.queue) != 0 {
		t.Errorf("%d busy, %d calls, %d in the queue", p.busy, len(p.calls), len(p.queue))
	}
	p.Close()
}

// A whole picture is told from less and from more than one, wherever it is cut.
func TestComplete(t *testing.T) {
	f := firstFrame(t, "tiny.264", keyframe.H264)
	for format := range formats {
		o := Output{Format: Format(format)}
		var picture bytes.Buffer
		if err := new(Decoder).Decode(context.Background(), &picture, f, o); err != nil {
			t.Fatal(err)
		}
		o.Width, o.Height = o.Size(f.Info)
		b := picture.Bytes()
		for n := range len(b) {
			if whole, err := o.complete(b[:n]); whole || err != nil {
				t.Fatalf("%v: %d of %d bytes: %v, %v", o.Format, n, len(b), whole, err)
			}
		}
		if whole, err := o.complete(b); !whole || err != nil {
			t.Errorf("%v: all bytes: %v, %v", o.Format, whole, err)
		}
		if _, err := o.complete(append(b, b...)); err == nil {
			t.Errorf("%v: two pictures pass for one", o.Format)
		}
	}
}

// What only begins or ends as a picture does is none, and no reason to panic.
func TestCompleteNonsense(t *testing.T) {
	for _, b := range []string{
		"", "\xff\xd9", "\xff\xd8\xff\xd9", "x\xff\xd9", "\xff\xd8\xff\xda\x00\x02\xff\xff\xd9", "\xff\xd8\xff\xe0\xff\xff\xff\xd9",
		"\x89PNG\r\n\x1a\n", "\x89PNG\r\n\x1a\nIEND\xae\x42\x60\x82", "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIENDIEND\xae\x42\x60\x82",
		"RIFF\xff\xff\xff\xffWEBP", "RIFF\x00\x00\x00\x00WEBP", "not a picture at all",
	} {
		for format := range formats {
			o := Output{Format: Format(format), Width: 100, Height: 100}
			if whole, _ := o.complete([]byte(b)); whole {
				t.Errorf("%v: %q is a picture", o.Format, b)
			}
		}
	}
}
