package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// encryptedAfterAll are rows of the corpus whose expected picture is a decode of
// ciphertext. encrypted-sintel-video-segment.mp4: tenc has default_isProtected
// 1, tfhd says description 1 (encv), and senc has for the first sample 8 clear
// and 2174 protected bytes (ISO/IEC 23001-7 7.2).
var encryptedAfterAll = map[string]bool{
	"shaka-project+shaka-player/test/test/assets/encrypted-sintel-video-segment.mp4": true,
}

// TestCorpus proves that the first keyframe of real files is the picture that
// the index expects.
func TestCorpus(t *testing.T) {
	rows := testmedia.MustCorpus(t, "mp4", "fmp4")
	var batch pictures
	for _, row := range rows {
		if row.Expect != "picture" || encryptedAfterAll[row.Name] {
			continue
		}
		data, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), readInit(t, row.Init)).Keyframe()
		if err != nil {
			t.Errorf("%s: %v", row.Name, err)
			continue
		}
		if f.Codec.String() != row.Codec {
			t.Errorf("%s: codec %v", row.Name, f.Codec)
			continue
		}
		batch.add(row.Name, f, row.FrameMD5)
	}
	if len(batch.names) < 140 {
		t.Errorf("%d pictures only", len(batch.names))
	}
	batch.check(t)
}

func readInit(t *testing.T, path string) *fmp4.Init {
	t.Helper()
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in, err := fmp4.ParseInit(data)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestCorpusStream proves that media segments can follow their init segments
// with an unknown size, as from standard input.
func TestCorpusStream(t *testing.T) {
	rows := testmedia.MustCorpus(t, "mp4", "fmp4")
	for _, row := range rows {
		if row.Expect != "picture" || row.Init == "" || encryptedAfterAll[row.Name] {
			continue
		}
		in, err := os.ReadFile(row.Init)
		if err != nil {
			t.Fatal(err)
		}
		segment, err := os.ReadFile(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		apart, err := fmp4.NewMovie(bytes.NewReader(segment), -1, readInit(t, row.Init)).Keyframe()
		if err != nil {
			t.Fatal(row.Name, err)
		}
		f, err := fmp4.NewMovie(bytes.NewReader(append(in, segment...)), -1, nil).Keyframe()
		if err != nil {
			t.Error(row.Name, err)
		} else if !bytes.Equal(f.Data, apart.Data) {
			t.Error(row.Name, "another picture")
		}
	}
}

// TestCorpusOthers proves that files without a picture to compare with give a
// keyframe or an error about the stream.
func TestCorpusOthers(t *testing.T) {
	rows := testmedia.MustCorpus(t, "mp4", "fmp4")
	for _, row := range rows {
		if row.Expect == "picture" && !encryptedAfterAll[row.Name] {
			continue
		}
		var in *fmp4.Init
		if row.Init != "" {
			in = readInit(t, row.Init)
		}
		file, err := os.Open(row.Path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := fmp4.NewMovie(file, -1, in).Keyframe()
		file.Close()
		switch {
		case err == nil && row.Expect == "error":
			t.Errorf("%s: %v, an error was due", row.Name, f.Kind)
		case err == nil && (encryptedAfterAll[row.Name] || strings.Contains(row.Properties, "encrypted")):
			t.Errorf("%s: %v of an encrypted stream", row.Name, f.Kind)
		case err != nil && !isStreamError(err):
			t.Errorf("%s: %v", row.Name, err)
		case err != nil:
			t.Logf("%s: %v", filepath.Base(row.Name), err)
		}
	}
}

// fieldCoded returns an H.264 byte stream of field pairs.
func fieldCoded(t *testing.T) []byte {
	t.Helper()
	for _, file := range testmedia.MustCorpus(t, "annexb") {
		if filepath.Base(file.Name) == "HCAFF1_HHI.264" {
			return read(t, file.Path)
		}
	}
	t.Skip("no HCAFF1_HHI.264 in the corpus")
	return nil
}

// TestFieldsApart reads pictures whose two fields are separate samples. Only
// the first one is a sync sample.
func TestFieldsApart(t *testing.T) {
	stream := fieldCoded(t)
	c := &clip{}
	var fields [2][]byte
	for nalu := range keyframe.AnnexB(stream) {
		prefixed := append(binary.BigEndian.AppendUint32(nil, uint32(len(nalu))), nalu...)
		switch kind := nalu[0] & 0x1f; {
		case kind == 7 && c.sps == nil:
			c.sps = nalu
		case kind == 8 && c.pps == nil:
			c.pps = nalu
		case kind == 5:
			fields[0] = append(fields[0], prefixed...)
		case kind == 1 && fields[1] == nil:
			fields[1] = prefixed
		}
	}
	moov := bx("moov", trak(1, "vide", stsd(visual("avc1", c.avcC(4))), tables(16, fields[:]...), bx("stss", list(1, 1))))
	m := fmp4.NewMovie(bytes.NewReader(mdatFirst(moov, fields[:]...)), -1, nil)
	var batch pictures
	for _, find := range []func() (*keyframe.Frame, error){m.Keyframe, func() (*keyframe.Frame, error) { return m.KeyframeAt(0) }} {
		f, err := find()
		if err != nil {
			t.Fatal(err)
		}
		batch.add("fields", f, "41a12de325c81e7e7785997d8a2ccabd")
	}
	batch.check(t)
}
