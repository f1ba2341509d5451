package fetch

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSpansAdd(t *testing.T) {
	for _, c := range []struct {
		name     string
		in, want spans
	}{
		{"apart, unsorted", spans{{5, 6}, {1, 2}}, spans{{1, 2}, {5, 6}}},
		{"touching", spans{{1, 2}, {2, 3}}, spans{{1, 3}}},
		{"bridging", spans{{1, 2}, {5, 6}, {8, 9}, {2, 8}}, spans{{1, 9}}},
		{"inside", spans{{1, 9}, {2, 3}}, spans{{1, 9}}},
		{"empty", spans{{1, 2}, {4, 4}}, spans{{1, 2}}},
	} {
		var got spans
		for _, x := range c.in {
			got = got.add(x)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

var planCases = []struct {
	name string
	planner
	plan
	want span
}{
	{"first range", planner{0, 100, 10, maxGrowth, 0}, plan{span{0, 1}, true, nil, 0, -1, 1000}, span{0, 100}},
	{"first range at an offset", planner{50, 100, 10, maxGrowth, 0}, plan{span{50, 51}, true, nil, 0, -1, 1000}, span{50, 150}},
	{"first range, more needed", planner{0, 100, 10, maxGrowth, 0}, plan{span{0, 300}, false, nil, 0, -1, 1000}, span{0, 300}},
	{"first read elsewhere is exact", planner{0, 100, 10, maxGrowth, 0}, plan{span{500, 508}, false, nil, 0, -1, 1000}, span{500, 508}},
	{"follow-up", planner{0, 20, 10, maxGrowth, 0}, plan{span{20, 21}, true, spans{{0, 20}}, 20, -1, 1000}, span{20, 30}},
	{"second range does not grow", planner{0, 400, 10, maxGrowth, 0}, plan{span{400, 401}, true, spans{{0, 400}}, 400, -1, 1000}, span{400, 410}},
	{"second range to the share", planner{50, 20, 10, maxGrowth, 10}, plan{span{70, 71}, true, spans{{50, 70}}, 20, 1050, 1000}, span{70, 150}},
	{"second range to the share, at most", planner{50, 20, 10, 30, 10}, plan{span{70, 71}, true, spans{{50, 70}}, 20, 1050, 1000}, span{70, 100}},
	{"second range, size unknown", planner{0, 20, 10, maxGrowth, 10}, plan{span{20, 21}, true, spans{{0, 20}}, 20, -1, 1000}, span{20, 30}},
	{"second range beyond the share", planner{0, 20, 10, maxGrowth, 100}, plan{span{20, 21}, true, spans{{0, 20}}, 20, 1000, 1000}, span{20, 30}},
	{"third range has no share", planner{0, 20, 10, maxGrowth, 2}, plan{span{30, 31}, true, spans{{0, 30}}, 30, 1000, 1000}, span{30, 40}},
	{"follow-up grows", planner{0, 20, 10, maxGrowth, 0}, plan{span{400, 401}, true, spans{{0, 400}}, 400, -1, 1000}, span{400, 500}},
	{"follow-up grows no more", planner{0, 20, 10, 60, 0}, plan{span{400, 401}, true, spans{{0, 400}}, 400, -1, 1000}, span{400, 460}},
	{"exact", planner{0, 20, 10, maxGrowth, 0}, plan{span{400, 401}, false, spans{{0, 400}}, 400, -1, 1000}, span{400, 401}},
	{"up to what is held", planner{0, 20, 10, maxGrowth, 0}, plan{span{0, 1}, true, spans{{5, 9}}, 4, -1, 1000}, span{0, 5}},
	{"behind what is held", planner{0, 20, 10, maxGrowth, 0}, plan{span{6, 12}, false, spans{{5, 9}}, 4, -1, 1000}, span{9, 12}},
	{"end", planner{0, 20, 10, maxGrowth, 0}, plan{span{0, 1}, true, nil, 0, 7, 1000}, span{0, 7}},
	{"budget", planner{0, 20, 10, maxGrowth, 0}, plan{span{0, 1}, true, nil, 0, -1, 3}, span{0, 3}},
	{"nothing missing", planner{0, 20, 10, maxGrowth, 0}, plan{span{1, 2}, true, spans{{0, 20}}, 20, -1, 1000}, span{}},
}

func TestPlan(t *testing.T) {
	for _, c := range planCases {
		if got := c.planRange(c.plan); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// planProperty: whatever is requested, in whatever order, is covered, nothing
// is fetched twice or past the end, and the budget holds.
func planProperty(t *rapid.T) {
	size := rapid.Int64Range(1, 5000).Draw(t, "size")
	p := planner{
		base:  rapid.Int64Range(0, size-1).Draw(t, "base"),
		first: rapid.Int64Range(1, 1000).Draw(t, "first"),
		next:  rapid.Int64Range(1, 1000).Draw(t, "next"),
		most:  rapid.Int64Range(1, 1000).Draw(t, "most"),
		share: rapid.Int64Range(0, 50).Draw(t, "share"),
	}
	left := rapid.Int64Range(1, 6000).Draw(t, "budget")
	var held spans
	var got int64
	known := int64(-1)
	for range rapid.IntRange(1, 20).Draw(t, "reads") {
		from := rapid.Int64Range(p.base, size-1).Draw(t, "from")
		need := span{from, rapid.Int64Range(from+1, size).Draw(t, "to")}
		sequential := rapid.Bool().Draw(t, "sequential")
		for held.firstGap(need).length() > 0 {
			if left == 0 {
				return
			}
			want := p.planRange(plan{need, sequential, held, got, known, left})
			if want.length() <= 0 || want.from != held.firstGap(need).from || want.length() > left || known >= 0 && want.to > known {
				t.Fatalf("need %v, held %v, left %d, end %d: request %v", need, held, left, known, want)
			}
			if want.from < p.base || held.firstGap(want) != want {
				t.Fatalf("need %v, held %v: request %v fetches twice or before the base", need, held, want)
			}
			known = size // the answer has it
			want.to = min(want.to, size)
			held, got, left = held.add(want), got+want.length(), left-want.length()
		}
	}
}

func TestPlanProperty(t *testing.T) { rapid.Check(t, planProperty) }

func FuzzPlan(f *testing.F) { f.Fuzz(rapid.MakeFuzz(planProperty)) }
