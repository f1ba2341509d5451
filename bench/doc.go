// Package bench measures what one picture of a live HLS stream costs, with
// kfgrab and with what people use today, and compares it to the floor: the bytes
// that the picture cannot be had without.
//
// Call [Run] with the contestants to measure; [Results.WriteFiles] writes the
// report, the JSON and the chart. A program that calls Run calls [Main] before
// anything else, since the suite starts the program again for its two sides.
//
// The origin's side and the contestants' side are two processes. For root on
// Linux each has a network namespace of its own, the two joined by a veth shaped
// to [LinkRate], and the bytes are those of the contestants' interface: Ethernet,
// IP and TCP headers are in them. For others both are on loopback with a counting
// proxy between them, which shapes as well but sees no headers below HTTP's.
// [Results] says which it was.
package bench
