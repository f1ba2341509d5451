package bench

import (
	"cmp"
	"slices"
)

// median returns the middle value, of an even number the lower one of the two in
// the middle: a value that was measured. It is the zero value of an empty list.
func median[T cmp.Ordered](values []T) T {
	if len(values) == 0 {
		var zero T
		return zero
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// medianOf is the median of one figure of each run.
func medianOf[T cmp.Ordered](runs []Sample, figure func(Sample) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = figure(r)
	}
	return median(values)
}
