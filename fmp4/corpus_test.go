package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kfgrab/kfgrab/fmp4"
	"github.com/kfgrab/kfgrab/keyframe"
)

// encryptedAfterAll are rows of the corpus whose expected picture is a decode of
// ciphertext. encrypted-sintel-video-segment.mp4: tenc has default_isProtected
// 1, tfhd says description 1 (encv), and senc has for the first sample 8 clear
// and 2174 protected bytes (ISO/IEC 23001-7 7.2).
var encryptedAfterAll = map[string]bool{
	"shaka-project+shaka-player/test/test/assets/encrypted-sintel-video-segment.mp4": true,
}

func corpus(tb testing.TB) (rows []map[string]string, dir string) {
	tb.Helper()
	if rows, dir = corpusRows(); rows == nil {
		tb.Skip("the corpus of real streams is not beside the repository")
	}
	return rows, dir
}

// corpusRows returns the rows of MP4 files, or nil where there is no corpus.
func corpusRows() (rows []map[string]string, dir string) {
	dir = filepath.Join("..", "..", "shared", "corpus")
	f, err := os.Open(filepath.Join(dir, "INDEX.tsv"))
	if err != nil {
		return nil, dir
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	lines, err := r.ReadAll()
	if err != nil {
		return nil, dir
	}
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		if row["kind"] == "mp4" || row["kind"] == "fmp4" {
			rows = append(rows, row)
		}
	}
	return rows, filepath.Join(dir, "files")
}

// TestCorpus compares the first keyframe of real files with the picture that the
// index says they have.
func TestCorpus(t *testing.T) {
	rows, dir := corpus(t)
	var batch pictures
	for _, row := range rows {
		if row["expect"] != "picture" || encryptedAfterAll[row["path"]] {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		f, err := fmp4.NewMovie(bytes.NewReader(data), int64(len(data)), readInit(t, dir, row["init"])).Keyframe()
		if err != nil {
			t.Errorf("%s: %v", row["path"], err)
			continue
		}
		if f.Codec.String() != row["codec"] {
			t.Errorf("%s: codec %v", row["path"], f.Codec)
			continue
		}
		batch.add(row["path"], f, row["framemd5"])
	}
	if len(batch.names) < 140 {
		t.Errorf("%d pictures only", len(batch.names))
	}
	batch.check(t)
}

func readInit(t *testing.T, dir, path string) *fmp4.Init {
	t.Helper()
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	in, err := fmp4.ParseInit(data)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestCorpusStream feeds media segments behind their init segments, of unknown
// size, as they come on standard input.
func TestCorpusStream(t *testing.T) {
	rows, dir := corpus(t)
	for _, row := range rows {
		if row["expect"] != "picture" || row["init"] == "" || encryptedAfterAll[row["path"]] {
			continue
		}
		in, err := os.ReadFile(filepath.Join(dir, row["init"]))
		if err != nil {
			t.Fatal(err)
		}
		segment, err := os.ReadFile(filepath.Join(dir, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		apart, err := fmp4.NewMovie(bytes.NewReader(segment), -1, readInit(t, dir, row["init"])).Keyframe()
		if err != nil {
			t.Fatal(row["path"], err)
		}
		f, err := fmp4.NewMovie(bytes.NewReader(append(in, segment...)), -1, nil).Keyframe()
		if err != nil {
			t.Error(row["path"], err)
		} else if !bytes.Equal(f.Data, apart.Data) {
			t.Error(row["path"], "another picture")
		}
	}
}

// TestCorpusOthers reads what has no picture to compare with: there must be an
// answer, and errors must be of the stream.
func TestCorpusOthers(t *testing.T) {
	rows, dir := corpus(t)
	for _, row := range rows {
		if row["expect"] == "picture" && !encryptedAfterAll[row["path"]] {
			continue
		}
		var in *fmp4.Init
		if row["init"] != "" {
			in = readInit(t, dir, row["init"])
		}
		file, err := os.Open(filepath.Join(dir, row["path"]))
		if err != nil {
			t.Fatal(err)
		}
		f, err := fmp4.NewMovie(file, -1, in).Keyframe()
		file.Close()
		switch {
		case err == nil && row["expect"] == "error":
			t.Errorf("%s: %v, an error was due", row["path"], f.Kind)
		case err == nil && (encryptedAfterAll[row["path"]] || strings.Contains(row["properties"], "encrypted")):
			t.Errorf("%s: %v of an encrypted stream", row["path"], f.Kind)
		case err != nil && !isStreamError(err):
			t.Errorf("%s: %v", row["path"], err)
		case err != nil:
			t.Logf("%s: %v", filepath.Base(row["path"]), err)
		}
	}
}

// TestFieldsApart: the two fields of a picture in samples of their own, of which
// only the first is sync.
func TestFieldsApart(t *testing.T) {
	_, dir := corpus(t)
	stream := read(t, filepath.Join(dir, "lu-zero+fate-samples/h264-conformance/FRext/HCAFF1_HHI.264"))
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
