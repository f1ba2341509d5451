package keyframe

// ColourNames returns the matrix, transfer characteristics and primaries in
// ffprobe's words (color_space, color_transfer, color_primaries), "" where the
// stream does not tell. The numbers are those of ISO/IEC 23091-2.
func (i Info) ColourNames() (matrix, transfer, primaries string) {
	return matrices[i.Matrix], transfers[i.Transfer], primarySets[i.Primaries]
}

// HDR says whether the transfer characteristics are those of PQ or HLG (ITU-R BT.2100).
func (i Info) HDR() bool { return i.Transfer == 16 || i.Transfer == 18 }

var matrices = map[int]string{
	0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco",
	9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 14: "ictcp",
}

var transfers = map[int]string{
	1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100", 10: "log316",
	11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12",
	16: "smpte2084", 17: "smpte428", 18: "arib-std-b67",
}

var primarySets = map[int]string{
	1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
	10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213",
}
