package ts_test

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// ffmpeg's PIDs.
const (
	videoPID = 0x100
	mapPID   = 0x1000
)

// listed is an entry of a program map.
type listed struct {
	kind, pid   int
	descriptors []byte
}

// pat returns a section of a program association table, which has one or several.
func pat(number, last byte, programs map[int]int) []byte {
	var body []byte
	for program, pid := range programs {
		body = binary.BigEndian.AppendUint16(body, uint16(program))
		body = binary.BigEndian.AppendUint16(body, 0xe000|uint16(pid))
	}
	return section(0, 1, 0xc1, number, last, body)
}

// pmt returns a program map.
func pmt(program int, streams ...listed) []byte {
	return section(2, program, 0xc1, 0, 0, mapBody(streams))
}

// futurePMT returns a program map that is not in force yet.
func futurePMT(program int, streams ...listed) []byte {
	return section(2, program, 0xc0, 0, 0, mapBody(streams))
}

func mapBody(streams []listed) []byte {
	body := []byte{0xe1, 0x00, 0xf0, 0x00}
	for _, s := range streams {
		body = append(body, byte(s.kind))
		body = binary.BigEndian.AppendUint16(body, 0xe000|uint16(s.pid))
		body = binary.BigEndian.AppendUint16(body, 0xf000|uint16(len(s.descriptors)))
		body = append(body, s.descriptors...)
	}
	return body
}

func section(table byte, extension int, version, number, last byte, body []byte) []byte {
	s := []byte{table, 0, 0, 0, 0, version, number, last}
	binary.BigEndian.PutUint16(s[1:], 0xb000|uint16(5+len(body)+4))
	binary.BigEndian.PutUint16(s[3:], uint16(extension))
	s = append(s, body...)
	return binary.BigEndian.AppendUint32(s, crcMPEG2(s))
}

// carry returns packets that carry the sections of a PID one after the other, without
// stuffing between them.
func carry(pid int, sections ...[]byte) (packets []byte) {
	var begins []int
	var all []byte
	for _, s := range sections {
		begins = append(begins, len(all))
		all = append(all, s...)
	}

	for at, counter := 0, 0; at < len(all); counter++ {
		head := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | byte(counter&0x0f)}
		room := packetSize - len(head)
		if i := slices.IndexFunc(begins, func(b int) bool { return b >= at && b < at+room-1 }); i >= 0 {
			head[1] |= 0x40
			head = append(head, byte(begins[i]-at))
			room--
		}
		part := all[at:min(len(all), at+room)]
		at += len(part)
		packets = append(packets, head...)
		packets = append(packets, part...)
		packets = append(packets, bytes.Repeat([]byte{0xff}, room-len(part))...)
	}
	return packets
}

// withTables returns a stream of ffmpeg's with other tables.
func withTables(data []byte, tables ...[]byte) []byte {
	return append(slices.Concat(tables...), dropTables(data)...)
}

// oneProgram returns tables of one program.
func oneProgram(streams ...listed) []byte {
	return append(carry(0, pat(0, 0, map[int]int{1: mapPID})), carry(mapPID, pmt(1, streams...))...)
}

// moved returns the video packets of a stream of ffmpeg's on another PID.
func moved(data []byte, pid int) (out []byte) {
	for packet := range slices.Chunk(bytes.Clone(data), packetSize) {
		if pidOf(packet) == videoPID {
			packet[1], packet[2] = packet[1]&0xe0|byte(pid>>8), byte(pid)
			out = append(out, packet...)
		}
	}
	return out
}

// interleaved returns the packets of two streams in turn.
func interleaved(a, b []byte) (out []byte) {
	for at := 0; at < max(len(a), len(b)); at += packetSize {
		for _, s := range [][]byte{a, b} {
			if at < len(s) {
				out = append(out, s[at:at+packetSize]...)
			}
		}
	}
	return out
}

// eachVideo returns a copy of a stream in which change was called for the packets of
// its video, which are numbered.
func eachVideo(data []byte, change func(n int, packet []byte)) []byte {
	data = bytes.Clone(data)
	n := 0
	for packet := range slices.Chunk(data, packetSize) {
		if pidOf(packet) == videoPID {
			change(n, packet)
			n++
		}
	}
	return data
}
