package metadata

import (
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf16"
)

// gamut holds the chromaticities x, y of red, green, blue and white (ISO/IEC 23091-2,
// table 2).
type gamut struct {
	name string
	xy   [4][2]float64
}

var (
	d65  = [2]float64{0.3127, 0.3290}
	illC = [2]float64{0.310, 0.316}
)

// sRGBPrimaries are those of BT.709 as well. They need no profile.
const sRGBPrimaries = 1

// gamuts is keyed by code point. Code point 10 is left out: it is not for displays.
var gamuts = map[int]gamut{
	4:  {"BT.470 M", [4][2]float64{{0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}, illC}},
	5:  {"BT.601 625", [4][2]float64{{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}, d65}},
	6:  {"BT.601 525", [4][2]float64{{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, d65}},
	7:  {"SMPTE 240M", [4][2]float64{{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, d65}},
	8:  {"Film", [4][2]float64{{0.681, 0.319}, {0.243, 0.692}, {0.145, 0.049}, illC}},
	9:  {"BT.2020", [4][2]float64{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, d65}},
	11: {"SMPTE 431-2", [4][2]float64{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, {0.314, 0.351}}},
	12: {"Display P3", [4][2]float64{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, d65}},
	22: {"EBU 3213-E", [4][2]float64{{0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}, d65}},
}

// d50 is the white of the profile connection space (ICC.1:2010 7.2.16).
var d50 = vector{0.9642, 1, 0.8249}

// sRGBCurve holds the parameters g, a, b, c, d of IEC 61966-2-1. Programs that show
// pictures and video without a profile use it for all curves of television.
var sRGBCurve = []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}

type (
	vector [3]float64
	matrix [3]vector // rows
)

func (m matrix) applyTo(v vector) (out vector) {
	for r, row := range m {
		out[r] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return out
}

func (m matrix) transpose() (out matrix) {
	for r := range m {
		for c := range m {
			out[c][r] = m[r][c]
		}
	}
	return out
}

func (m matrix) multiply(n matrix) (out matrix) {
	for c, column := range n.transpose() {
		out[c] = m.applyTo(column)
	}
	return out.transpose()
}

func (m matrix) invert() (out matrix) {
	cofactor := func(r, c int) float64 {
		a, b, x, y := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[a][x]*m[b][y] - m[a][y]*m[b][x]
	}
	determinant := m[0][0]*cofactor(0, 0) + m[0][1]*cofactor(0, 1) + m[0][2]*cofactor(0, 2)

	for r := range m {
		for c := range m {
			out[c][r] = cofactor(r, c) / determinant
		}
	}
	return out
}

// bradford converts XYZ to the responses of cones (ICC.1:2010 E.3).
var bradford = matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}

// adaptToD50 returns the matrix from XYZ under a white to XYZ under d50.
func adaptToD50(white vector) matrix {
	from, to := bradford.applyTo(white), bradford.applyTo(d50)
	scaled := matrix{{to[0] / from[0], 0, 0}, {0, to[1] / from[1], 0}, {0, 0, to[2] / from[2]}}
	return bradford.invert().multiply(scaled).multiply(bradford)
}

func toXYZ(xy [2]float64) vector { return vector{xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]} }

// colorants returns the XYZ of red, green and blue under d50, in rows, and the matrix
// that adapted them (SMPTE RP 177).
func (g gamut) colorants() (colours, adapted matrix) {
	white := toXYZ(g.xy[3])
	primaries := matrix{toXYZ(g.xy[0]), toXYZ(g.xy[1]), toXYZ(g.xy[2])}
	amounts := primaries.transpose().invert().applyTo(white)
	adapted = adaptToD50(white)

	for k, p := range primaries {
		colours[k] = adapted.applyTo(vector{p[0] * amounts[k], p[1] * amounts[k], p[2] * amounts[k]})
	}
	return colours, adapted
}

// iccProfile returns an ICC profile (version 4.2, ICC.1:2010) of some 500 bytes for
// pictures with those primaries, nil if they need none or are unknown.
func iccProfile(primaries int) []byte {
	g, known := gamuts[primaries]
	if !known {
		return nil
	}

	colours, adapted := g.colorants()
	curve := appendFixed([]byte("para\x00\x00\x00\x00\x00\x03\x00\x00"), sRGBCurve...)
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", encodeText(g.name)},
		{"cprt", encodeText("CC0")},
		{"wtpt", appendFixed([]byte("XYZ \x00\x00\x00\x00"), d50[:]...)},
		{"chad", appendFixed([]byte("sf32\x00\x00\x00\x00"), slices.Concat(adapted[0][:], adapted[1][:], adapted[2][:])...)},
		{"rXYZ", appendFixed([]byte("XYZ \x00\x00\x00\x00"), colours[0][:]...)},
		{"gXYZ", appendFixed([]byte("XYZ \x00\x00\x00\x00"), colours[1][:]...)},
		{"bXYZ", appendFixed([]byte("XYZ \x00\x00\x00\x00"), colours[2][:]...)},
		{"rTRC", curve},
		{"gTRC", nil}, // that of red
		{"bTRC", nil},
	}

	head, at := profileHeader(), 128+4+12*len(tags)
	head = binary.BigEndian.AppendUint32(head, uint32(len(tags)))
	var data []byte
	begin, size := 0, 0
	for _, t := range tags {
		if t.data != nil {
			begin, size = at+len(data), len(t.data)
			data = append(data, t.data...)
			data = append(data, make([]byte, -len(data)&3)...)
		}
		head = append(head, t.name...)
		head = binary.BigEndian.AppendUint32(head, uint32(begin))
		head = binary.BigEndian.AppendUint32(head, uint32(size))
	}

	p := append(head, data...)
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	return p
}

// profileHeader returns the header for an RGB display, without the size (7.2). The date
// is fixed.
func profileHeader() []byte {
	h := append(make([]byte, 8, 512), 4, 0x20, 0, 0)
	h = append(h, "mntrRGB XYZ "...)
	for _, v := range []uint16{2026, 1, 1, 0, 0, 0} {
		h = binary.BigEndian.AppendUint16(h, v)
	}

	h = append(append(h, "acsp"...), make([]byte, 28)...)
	return append(appendFixed(h, d50[:]...), make([]byte, 48)...)
}

// appendFixed appends numbers as s15Fixed16Number, with 16 bits before and 16 after the
// point.
func appendFixed(b []byte, numbers ...float64) []byte {
	for _, v := range numbers {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
	}
	return b
}

// encodeText returns a multiLocalizedUnicodeType of one text (10.13).
func encodeText(s string) []byte {
	units := utf16.Encode([]rune(s))
	b := []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS")
	b = binary.BigEndian.AppendUint32(b, uint32(2*len(units)))
	b = binary.BigEndian.AppendUint32(b, 28)
	for _, u := range units {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return b
}
