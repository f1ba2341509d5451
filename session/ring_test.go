package session

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kfgrab/kfgrab/keyframe"
)

// tick is the time between two pictures.
const tick = 40 * time.Millisecond

// frames builds pictures from words: a letter for the kind, then the place in
// presentation order, in ticks. "|" in front marks a gap. "I" is an IDR
// picture, "C" a CRA, "A" an all-intra one, "R3" ends a gradual refresh of 3
// pictures (its place follows a colon), "b" is one that no other depends on,
// "P" any other. Each picture has 100 bytes. The first four are its number in
// decoding order.
func frames(words string) (list []*keyframe.Frame) {
	kinds := map[byte]keyframe.Kind{'I': keyframe.IDR, 'C': keyframe.CRA, 'A': keyframe.Intra, 'R': keyframe.GradualRefresh}
	for i, w := range strings.Fields(words) {
		f := &keyframe.Frame{Codec: keyframe.H265, Pictures: 1, Data: make([]byte, 100)}
		binary.BigEndian.PutUint32(f.Data, uint32(i))
		if w, f.AfterGap = strings.CutPrefix(w, "|"); f.AfterGap {
			f.AfterGap = true
		}
		place := 0
		f.Kind, f.Disposable = kinds[w[0]], w[0] == 'b'
		if f.Kind == keyframe.GradualRefresh {
			fmt.Sscanf(w[1:], "%d:%d", &f.Pictures, &place)
		} else {
			fmt.Sscan(w[1:], &place)
		}
		f.PTS = time.Hour + time.Duration(place)*tick
		list = append(list, f)
	}
	return list
}

func filled(t *testing.T, keep time.Duration, maxBytes int64, list []*keyframe.Frame) *ring {
	r := newRing(keep, maxBytes)
	t.Cleanup(r.releaseAll)
	for _, f := range list {
		r.pushPicture(f, time.Time{})
	}
	return r
}

// number returns a picture's number in decoding order.
func number(data []byte) int { return int(binary.BigEndian.Uint32(data)) }

// places lists the pictures of the ring that can be decoded, by their places in
// presentation order.
func (r *ring) places() string {
	var list []string
	for _, p := range r.listPresented() {
		list = append(list, fmt.Sprint(int((p.pts-time.Hour)/tick)))
	}
	return strings.Join(list, " ")
}

func TestRing(t *testing.T) {
	const second = 25 // pictures
	long := "I0"
	for i := 1; i < 4*second; i++ {
		long += fmt.Sprintf(" %c%d", "IPPPPPPPPP"[i%10], i)
	}
	for _, c := range []struct {
		name, words string
		keep        time.Duration
		maxBytes    int64
		want        string
		dropped     int64
	}{
		{"one GOP", "I0 P1 P2", time.Second, 1e6, "0 1 2", 0},
		{"joined in the middle", "P0 P1 I2 P3", time.Second, 1e6, "2 3", 2},
		{"no start", "P0 P1 P2", time.Second, 1e6, "", 0},
		{"out of order", "I0 P3 P1 P2 P6 P4 P5", time.Second, 1e6, "0 1 2 3 4 5", 0},
		{"a pyramid", "I0 P4 P2 P1 P3 P8 P6 P5 P7", time.Second, 1e6, "0 1 2 3 4 5 6", 0},
		{"leading pictures", "I0 P1 C4 P2 P3 P5", time.Second, 1e6, "0 1 2 3 4", 0},
		{"leading pictures at the beginning", "C4 P2 P3 P5", time.Second, 1e6, "4 5", 2},
		{"a gap in a GOP", "I0 P1 |P3 P4 I5 P6", time.Second, 1e6, "0 1 5 6", 2},
		{"a gap, and no start since", "I0 P1 |P3 P4", time.Second, 1e6, "0 1", 0},
		{"a gap before leading pictures", "I0 P1 |C6 P4 P5 P7", time.Second, 1e6, "0 1 6 7", 2},
		{"a gap between GOPs", "I0 P1 |I3 P4", time.Second, 1e6, "0 1 3 4", 0},
		{"clock back", "I100 P101 I0 P1", time.Second, 1e6, "0 1", 0},
		{"clock back a little", "I100 P101 I90 P91", time.Second, 1e6, "90 91", 0},
		{"clock back, waiting", "I1000 P1001 P0 P1", time.Second, 1e6, "1000 1001", 0},
		{"clock far ahead", "I0 P1 I1000 P1001", time.Second, 1e6, "1000 1001", 0},
		{"old ones go", long, 15 * tick, 1e6, "80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99", 0},
		{"too many bytes", long, time.Hour, 2550, "80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99", 0},
		{"a GOP too large", "I0 P1 P2 P3 P4 P5 I6 P7", time.Second, 450, "6 7", 2},
		{"a GOP too large so far", "I0 P1 P2 P3 P4 P5", time.Second, 450, "0 1 2 3", 2},
		{"a keyframe too large", "I0 I1", time.Second, 50, "1", 0},
		{"all-intra", "A0 A1 A2", time.Second, 1e6, "0 1 2", 0},
		{"all-intra pictures between", "A0 P1 I2 A3 P4", time.Second, 1e6, "0 1 2 3 4", 0},
		{"gradual refresh", "P0 P1 P2 R3:3 P4", time.Second, 1e6, "3 4", 1},
		{"gradual refreshes", "I0 P1 P2 R2:3 P4 P5 R3:6 P7 P8 P9 P10 R3:11", 5 * tick, 1e6, "6 7 8 9 10 11", 0},
		{"gradual refresh behind a gap", "I0 P1 |P3 P4 P5 R3:6 P7", time.Second, 1e6, "0 1 6 7", 1},
		{"gradual refresh with a gap in it", "P0 P1 |P3 R3:4 P5", time.Second, 1e6, "", 2},
	} {
		r := filled(t, c.keep, c.maxBytes, frames(c.words))
		if got := r.places(); got != c.want || r.dropped != c.dropped {
			t.Errorf("%s: kept %q and dropped %d, want %q and %d", c.name, got, r.dropped, c.want, c.dropped)
		}
		r.verify(t)
	}
}

// TestRingWithoutTimes proves that a picture without a time is dropped, with
// those after it up to the next keyframe.
func TestRingWithoutTimes(t *testing.T) {
	list := frames("I0 P1 P2 P3 I4 P5")
	list[2].PTS = keyframe.NoPTS
	r := filled(t, time.Second, 1e6, list)
	if got := r.places(); got != "0 1 4 5" || r.dropped != 2 || r.gaps != 1 {
		t.Errorf("kept %q, dropped %d, %d gaps", got, r.dropped, r.gaps)
	}
}

// TestRingRestart proves that a new connection, or another size, replaces the
// old pictures at its first keyframe.
func TestRingRestart(t *testing.T) {
	r := filled(t, time.Second, 1e6, frames("I0 P1 P2"))
	r.beginConnection()
	for i, want := range []string{"0 1 2", "0 1 2", "7", "7 8"} {
		f := frames("P5 P6 I7 P8")[i]
		f.Info.Width = 640
		if r.pushPicture(f, time.Time{}); r.places() != want {
			t.Errorf("%q after %d pictures, want %q", r.places(), i+1, want)
		}
	}
	if r.info.Width != 640 || r.dropped != 2 {
		t.Errorf("width %d, dropped %d", r.info.Width, r.dropped)
	}
}

// TestRingRefreshOfLeadingPictures proves that a gradual refresh is no entry if
// the ring dropped some of its pictures as leading pictures after a gap.
// Counted back from its end, it would begin before the entry.
func TestRingRefreshOfLeadingPictures(t *testing.T) {
	list := frames("I0 P1 P2 P3 P4 P5 P6 P7 P8 P9 |I20 P11 P12 P13 P14 R5:21 P22")
	for i := 23; i < 100; i++ {
		list = append(list, frames(fmt.Sprintf("P%d", i))...)
	}
	r := newRing(time.Second, 1e6)
	defer r.releaseAll()
	for _, f := range list {
		r.pushPicture(f, time.Time{})
		r.verify(t)
	}
	if len(r.entries) != 1 || r.dropped != 4 {
		t.Errorf("%d starts, dropped %d", len(r.entries), r.dropped)
	}
}

// verify checks that the ring's counts and indices agree with its pictures.
func (r *ring) verify(t rapid.TB) {
	var bytes int64
	for _, p := range r.pictures {
		bytes += int64(len(p.data))
	}
	if bytes != r.bytes {
		t.Fatalf("%d bytes, counted %d", bytes, r.bytes)
	}
	if r.bytes > r.maxBytes && len(r.pictures) > 1 {
		t.Fatalf("%d bytes of %d", r.bytes, r.maxBytes)
	}
	for i, e := range r.entries {
		if e.at < 0 || e.at > e.clean || e.clean >= len(r.pictures) ||
			i > 0 && (e.at <= r.entries[i-1].at || e.clean <= r.entries[i-1].clean) {
			t.Fatalf("entry %d: %d to %d of %d", i, e.at, e.clean, len(r.pictures))
		}
		if r.pictures[e.clean].pts != e.frame.PTS {
			t.Fatalf("entry %d leads to picture %d of %v, not to that of %v", i, number(r.pictures[e.clean].data), r.pictures[e.clean].pts, e.frame.PTS)
		}
	}
	if len(r.entries) > 0 && r.entries[0].at != 0 || r.pending > len(r.pictures) {
		t.Fatalf("begins with %d, pending %d of %d", r.entries[0].at, r.pending, len(r.pictures))
	}
}

func TestChoose(t *testing.T) {
	closed := "I0 P3 P1 P2 P6 P4 P5 I7 P10 P8 P9 P13 P11 P12"
	for _, c := range []struct {
		name, words string
		n           int
		rate        float64
		show        string // places in presentation order; "" for too few
		feed        string // numbers in decoding order
	}{
		{"the last", closed, 1, 25, "12", "7 8 9 10 11 12 13"},
		{"the last, any rate", closed, 1, 0, "12", "7 8 9 10 11 12 13"},
		{"every one", closed, 3, 0, "10 11 12", "7 8 9 10 11 12 13"},
		{"at the stream's rate", closed, 3, 25, "10 11 12", "7 8 9 10 11 12 13"},
		{"every other", closed, 3, 12.5, "8 10 12", "7 8 9 10 11 12 13"},
		{"over two GOPs", closed, 3, 6.25, "4 8 12", "0 1 2 3 4 5 7 8 9 10 11 12 13"},
		{"faster than the stream", closed, 3, 50, "11 11 12", "7 8 9 10 11 12 13"},
		{"as far as it goes", closed, 13, 25, "0 1 2 3 4 5 6 7 8 9 10 11 12", "0 1 2 3 4 5 6 7 8 9 10 11 12 13"},
		{"further", closed, 14, 25, "", ""},
		{"further, any rate", closed, 14, 0, "", ""},
		{"behind what is asked for nothing is fed", "I0 P3 P1 P2 P6", 1, 25, "3", "0 1"},
		{"leading pictures of the start", "I0 P1 C4 P2 P3 P5 P6 P7", 2, 25, "5 6", "2 5 6"},
		{"leading pictures are wanted", "I0 P1 C4 P2 P3 P5 P6", 3, 25, "3 4 5", "0 1 2 3 4 5"},
		{"a gap holds a picture", "I0 P1 |I4 P5", 5, 25, "1 1 1 4 5", "0 1 2 3"},
		{"behind a gap", "I0 P1 |I4 P5", 2, 25, "4 5", "2 3"},
		{"no disposable one in vain", "I0 P3 b1 b2 P6 b4 b5 P9 b7 b8", 3, 12.5, "4 6 8", "0 1 4 5 7 9"},
		{"no end of a GOP in vain", "I0 P1 P2 I3 P4 P5 I6", 3, 25. / 3, "0 3 6", "0 3 6"},
		{"but of an open one", "I0 P1 P2 C3 P4 P5 I6", 3, 25. / 3, "0 3 6", "0 1 2 3 6"},
		{"gradual refresh", "P0 P1 P2 R3:3 P4", 2, 25, "3 4", "1 2 3 4"},
		{"in a gradual refresh", "P0 P1 P2 R3:3 P4", 3, 25, "", ""},
		{"nothing", "P0 P1", 1, 25, "", ""},
	} {
		r := filled(t, time.Minute, 1e6, frames(c.words))
		chosen, ok := r.choosePictures(c.n, c.rate)
		if ok != (c.show != "") {
			t.Errorf("%s: %v", c.name, ok)
			continue
		}
		var feed, show []string
		for _, data := range chosen.data {
			feed = append(feed, fmt.Sprint(number(data)))
		}
		for _, pts := range chosen.times {
			show = append(show, fmt.Sprint(int((pts-time.Hour)/tick)))
		}
		if got := strings.Join(feed, " "); got != c.feed {
			t.Errorf("%s: %s is fed, want %s", c.name, got, c.feed)
		}
		if got := strings.Join(show, " "); got != c.show {
			t.Errorf("%s: %s is shown, want %s", c.name, got, c.show)
		}
	}
}

// stream draws a stream of GOPs, some of them open, with pictures out of order,
// lost pictures, and jumps of the clock. whole maps each picture's time to
// whether a decoder that has followed from the beginning shows it whole.
func stream(t *rapid.T) (list []*keyframe.Frame, whole map[int]bool) {
	var words []string
	var intact []bool
	base, broken := 0, true
	for range rapid.IntRange(1, 8).Draw(t, "GOPs") {
		open := rapid.Bool().Draw(t, "open")
		lead := 0
		if open {
			lead = rapid.IntRange(0, 2).Draw(t, "leading")
		}
		minis := rapid.IntRange(0, 4).Draw(t, "mini-GOPs")
		b := rapid.IntRange(0, 2).Draw(t, "B")
		type unit struct {
			kind    string
			place   int
			leading bool
		}
		kind := "I"
		if open {
			kind = "C"
		}
		row := []unit{{kind, base + lead, false}}
		for i := range lead {
			row = append(row, unit{"P", base + i, true})
		}
		at := base + lead + 1
		for range minis {
			row = append(row, unit{"P", at + b, false})
			for i := range b {
				row = append(row, unit{rapid.SampledFrom([]string{"P", "b"}).Draw(t, "kind"), at + i, false})
			}
			at += b + 1
		}
		base = at
		gap := false
		leadingWhole := !broken
		for _, u := range row {
			if rapid.IntRange(0, 19).Draw(t, "lost") == 13 {
				gap, broken, leadingWhole = true, true, false
				continue
			}
			if u.kind == kind {
				broken = false
				if gap {
					leadingWhole = false
				}
			}
			word := fmt.Sprintf("%s%d", u.kind, u.place)
			if gap {
				word = "|" + word
			}
			gap = false
			words = append(words, word)
			intact = append(intact, !broken && (!u.leading || leadingWhole))
		}
		if gap { // the first picture of the next GOP follows the gap
			words = append(words, fmt.Sprintf("|P%d", base))
			intact = append(intact, false)
			base++
			broken = true
		}
	}
	list = frames(strings.Join(words, " "))
	whole = map[int]bool{}
	for i := range intact {
		whole[i] = intact[i]
	}
	return list, whole
}

// TestRingProperty proves that for any stream the ring returns whole pictures,
// in order and within its bounds, and that each shown picture is the last one
// up to its time.
func TestRingProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, whole := stream(t)
		keep := time.Duration(rapid.IntRange(1, 40).Draw(t, "keep")) * tick
		r := newRing(keep, int64(rapid.IntRange(1, 60).Draw(t, "pictures"))*100)
		defer r.releaseAll()
		for _, f := range list {
			r.pushPicture(f, time.Time{})
			r.verify(t)
			n := rapid.IntRange(1, 6).Draw(t, "n")
			rate := rapid.SampledFrom([]float64{0, 5, 25, 40}).Draw(t, "rate")
			c, ok := r.choosePictures(n, rate)
			if !ok {
				continue
			}
			if len(c.show) != n {
				t.Fatalf("%d pictures of %d", len(c.show), n)
			}
			checkFeed(t, list, c)
			fed := slices.Clone(c.data)
			slices.SortStableFunc(fed, func(a, b []byte) int { return int(list[number(a)].PTS - list[number(b)].PTS) })
			for i, at := range c.show {
				got := number(fed[at])
				if !whole[got] || list[got].PTS != c.times[i] || i > 0 && c.times[i] < c.times[i-1] {
					t.Fatalf("picture %d is shown at %v, whole: %v", got, c.times[i], whole[got])
				}
				if rate == 0 {
					continue
				}
				slot := c.times[n-1] - time.Duration(float64(n-1-i)/rate*float64(time.Second))
				for _, p := range r.listPresented() {
					if p.pts > c.times[i]+slack && p.pts <= slot {
						t.Fatalf("at %v picture %d is shown, of %v, and there is one of %v", slot, got, c.times[i], p.pts)
					}
				}
			}
		}
	})
}

// startBefore returns the last random access picture up to number k.
func startBefore(list []*keyframe.Frame, k int) *keyframe.Frame {
	for list[k].Kind == keyframe.UnknownKind {
		k--
	}
	return list[k]
}

// checkFeed checks that the fed pictures begin with a random access picture and
// are contiguous. Only leading pictures, and pictures missing before another
// random access picture, may be absent.
func checkFeed(t rapid.TB, list []*keyframe.Frame, c choice) {
	first := list[number(c.data[0])]
	if first.Kind == keyframe.UnknownKind {
		t.Fatalf("begins with picture %d", number(c.data[0]))
	}
	for i := 1; i < len(c.data); i++ {
		from, to := number(c.data[i-1]), number(c.data[i])
		for k := from + 1; k < to; k++ {
			leading := list[k].PTS < first.PTS || list[k].PTS < startBefore(list, k).PTS
			restarted := slices.ContainsFunc(list[k+1:to+1], func(f *keyframe.Frame) bool { return f.Kind == keyframe.IDR }) ||
				list[to].Kind != keyframe.UnknownKind && slices.ContainsFunc(list[from+1:to+1], func(f *keyframe.Frame) bool { return f.AfterGap })
			if !leading && !restarted && !list[k].Disposable {
				t.Fatalf("picture %d behind %d, %d is missing", to, from, k)
			}
		}
	}
}
