// Package bench measures what one picture of a live stream costs, with kfgrab and
// with other tools, and compares it with the floor: the fewest bytes that the picture
// can cost. It is a module of its own, for make bench; nothing should import it.
//
// Call [Run] with the contestants to measure; [Results.WriteFiles] writes the
// reports, the JSON and the chart. A program that calls Run must call [Main] first,
// because the suite starts the program again for its two sides. [MeasureRTSP],
// [MeasureServe], [Soak], [MeasureWatch] and [CompareLoop] measure the rest.
//
// The origin and the contestants are on two sides, one process each. As root on
// Linux, each side has its own network namespace. A veth shaped to [LinkRate] joins
// them, and the bytes counted are those of the contestants' interface, with Ethernet,
// IP and TCP headers. Otherwise both sides are on loopback, and a proxy between them
// counts and shapes; it sees no headers below HTTP's. Results.Mode says which it was.
package bench
