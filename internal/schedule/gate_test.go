package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// crowd has the streams that came to a Gate, in the order of entering.
type crowd struct {
	gate  *Gate
	in    []string
	leave map[string]func()
}

// come lets a stream wait in a goroutine of the bubble.
func (c *crowd) come(t *testing.T, name, host string, failing bool) {
	go func() {
		leave, err := c.gate.Enter(t.Context(), host, failing)
		if err != nil {
			return
		}
		c.in = append(c.in, name)
		c.leave[name] = leave
	}()
	synctest.Wait()
}

func (c *crowd) check(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(c.in, want) {
		t.Errorf("entered: %v, want %v", c.in, want)
	}
}

func newCrowd(l Limits) *crowd { return &crowd{gate: NewGate(l), leave: map[string]func(){}} }

func TestGateTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(Limits{Total: 2})
		for _, name := range []string{"a", "b", "c", "d"} {
			c.come(t, name, "host", false)
		}
		c.check(t, "a", "b")
		leave := c.leave["b"]
		leave()
		leave() // a second time is none
		c.check(t, "a", "b", "c")
		c.gate.SetLimits(Limits{})
		c.check(t, "a", "b", "c", "d")
	})
}

// Streams that wait for a busy host do not delay others.
func TestGatePerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(Limits{Total: 10, PerHost: 1})
		c.come(t, "a1", "a", false)
		c.come(t, "a2", "a", false)
		c.come(t, "b1", "b", false)
		c.come(t, "a3", "a", false)
		c.come(t, "file1", "", false)
		c.come(t, "file2", "", false)
		c.check(t, "a1", "b1", "file1", "file2")
		c.leave["a1"]()
		c.check(t, "a1", "b1", "file1", "file2", "a2")
	})
}

// Streams that hang leave places to others once they have failed, even if they
// are more than the places.
func TestGateFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(Limits{Total: 4})
		for i := range 20 {
			c.come(t, fmt.Sprint("bad", i), fmt.Sprint("host", i), true)
		}
		c.check(t, "bad0", "bad1")
		c.come(t, "good", "good", false)
		c.come(t, "better", "good", false)
		c.check(t, "bad0", "bad1", "good", "better")
		c.leave["bad0"]()
		c.check(t, "bad0", "bad1", "good", "better", "bad2")
	})
}

func TestGateContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(Limits{Total: 1})
		leave, err := g.Enter(t.Context(), "", false)
		if err != nil {
			t.Fatal(err)
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cause)
		defer cancel()
		if _, err := g.Enter(ctx, "", false); err != cause {
			t.Errorf("%v, want %v", err, cause)
		}
		if _, err := g.Enter(ctx, "", false); err != cause {
			t.Errorf("with a finished context: %v", err)
		}
		leave()
		if g.waiting.Len() != 0 || g.in != 0 || len(g.hosts) != 0 {
			t.Errorf("%+v", g)
		}
	})
}

// Whatever streams come, leave and give up, the bounds hold, no stream with a
// place waits, and nothing remains at the end.
func TestGateProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limits := Limits{Total: rapid.IntRange(0, 4).Draw(rt, "total"), PerHost: rapid.IntRange(0, 2).Draw(rt, "per host")}
		synctest.Test(t, func(t *testing.T) {
			g := NewGate(limits)
			type guest struct {
				host   string
				leave  func()
				cancel context.CancelFunc
			}
			var guests []*guest
			for range 40 {
				if len(guests) > 0 && rapid.Bool().Draw(rt, "goes") {
					i := rapid.IntRange(0, len(guests)-1).Draw(rt, "who")
					guests[i].cancel()
					if guests[i].leave != nil {
						guests[i].leave()
					}
					guests = slices.Delete(guests, i, i+1)
				} else {
					ctx, cancel := context.WithCancel(t.Context())
					w := &guest{host: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "host"), cancel: cancel}
					guests = append(guests, w)
					failing := rapid.Bool().Draw(rt, "failing")
					go func() {
						if leave, err := g.Enter(ctx, w.host, failing); err == nil {
							w.leave = leave
						}
					}()
				}
				synctest.Wait()
				hosts, in := map[string]int{}, 0
				for _, w := range guests {
					if w.leave != nil {
						in++
						hosts[w.host]++
					}
				}
				if in != g.in || limits.Total > 0 && in > limits.Total || limits.PerHost > 0 && max(hosts["a"], hosts["b"]) > limits.PerHost || limits.Total > 0 && g.failing > max(1, limits.Total/2) {
					rt.Fatalf("%d in, %v, %d failing, of %+v", in, hosts, g.failing, limits)
				}
				for e := g.waiting.Front(); e != nil; e = e.Next() {
					if !isFull(g.in, limits.Total) && g.hasPlace(e.Value.(*waiter)) {
						rt.Fatal("a stream with a place waits")
					}
				}
			}
			for _, w := range guests {
				w.cancel()
				synctest.Wait()
				if w.leave != nil {
					w.leave()
				}
			}
			synctest.Wait()
			if g.in != 0 || g.failing != 0 || len(g.hosts) != 0 || g.waiting.Len() != 0 {
				rt.Fatalf("remaining: %d, %d, %v, %d", g.in, g.failing, g.hosts, g.waiting.Len())
			}
		})
	})
}
