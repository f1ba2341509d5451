package hlssource

import (
	"bytes"
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/asticode/go-astits"

	"github.com/kfgrab/kfgrab/internal/testmedia"
	"github.com/kfgrab/kfgrab/keyframe"
)

// encryptNALU is the inverse of decryptNALU.
func encryptNALU(nalu []byte, block cipher.Block, iv []byte) []byte {
	if !mayBeEncrypted(nalu) {
		return nalu
	}
	sealed := bytes.Clone(nalu)
	cryptSamples(sealed, cipher.NewCBCEncrypter(block, iv))
	return escape(sealed)
}

// escape inserts emulation prevention bytes (ISO/IEC 14496-10 7.4.1).
func escape(b []byte) (out []byte) {
	zeros := 0
	for _, c := range b {
		if zeros >= 2 && c <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}

// FuzzSampleAES: decryption undoes encryption, and the encrypted bytes contain
// no start code.
func FuzzSampleAES(f *testing.F) {
	for _, n := range []int{1, 48, 49, 64, 65, 192, 193, 208, 209, 1000} {
		f.Add(append([]byte{0x65}, bytes.Repeat([]byte{0xff}, n-1)...), testKey, testIV[:])
		f.Add(append([]byte{0x41}, bytes.Repeat([]byte{0x80, 0, 0, 3, 1}, n)[:n-1]...), otherKey, testIV[:])
	}
	f.Add([]byte{}, testKey, testIV[:])
	f.Fuzz(func(t *testing.T, nalu, key, iv []byte) {
		block, err := newAES(key)
		if err != nil || len(iv) != 16 || bytes.Contains(nalu, []byte{0, 0, 0}) || bytes.Contains(nalu, []byte{0, 0, 1}) || bytes.HasSuffix(nalu, []byte{0}) {
			return
		}
		sealed := encryptNALU(nalu, block, iv)
		if bytes.Contains(sealed, []byte{0, 0, 0}) || bytes.Contains(sealed, []byte{0, 0, 1}) {
			t.Fatal("a start code in what is encrypted")
		}
		before := bytes.Clone(sealed)
		if got := decryptNALU(sealed, block, iv); !bytes.Equal(got, nalu) {
			t.Fatalf("%x came out as %x", nalu, got)
		}
		if !bytes.Equal(sealed, before) {
			t.Fatal("the input was changed")
		}
	})
}

// TestSamplePattern: exactly these bytes are encrypted.
func TestSamplePattern(t *testing.T) {
	block, _ := newAES(testKey)
	for size, want := range map[int]string{
		48: "", 49: "32", 192: "32", 208: "32", 209: "32 192", 368: "32 192", 369: "32 192 352",
	} {
		nalu := bytes.Repeat([]byte{0x65}, size)
		cryptSamples(nalu, cipher.NewCBCEncrypter(block, testIV[:]))
		var got []string
		for at := 0; at+16 <= size; at += 16 {
			if !bytes.Equal(nalu[at:at+16], bytes.Repeat([]byte{0x65}, 16)) {
				got = append(got, fmt.Sprint(at))
			}
		}
		if text := strings.Join(got, " "); text != want && size > sampleLeast {
			t.Errorf("%d bytes: encrypted at %q, want %q", size, text, want)
		}
	}
}

// sampleAES muxes the access units of an H.264 transport stream anew,
// encrypted, with stream_type 0xDB.
func sampleAES(t testing.TB, stream []byte) string {
	t.Helper()
	block, _ := newAES(testKey)
	const video = 0x100
	var out bytes.Buffer
	mux := astits.NewMuxer(context.Background(), &out)
	if err := mux.AddElementaryStream(astits.PMTElementaryStream{ElementaryPID: video, StreamType: 0xdb}); err != nil {
		t.Fatal(err)
	}
	mux.SetPCRPID(video)
	demux := astits.NewDemuxer(context.Background(), bytes.NewReader(stream), astits.DemuxerOptPacketSize(188))
	for first := true; ; first = false {
		data, err := demux.NextData()
		if err != nil {
			break
		}
		if data.PES == nil || data.PID != video {
			continue
		}
		var sealed []byte
		for nalu := range keyframe.AnnexB(data.PES.Data) {
			sealed = keyframe.AppendNALU(sealed, encryptNALU(nalu, block, testIV[:]))
		}
		data.PES.Data = sealed
		if _, err := mux.WriteData(&astits.MuxerData{PID: video, PES: data.PES, AdaptationField: &astits.PacketAdaptationField{RandomAccessIndicator: first}}); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestSampleAES: the picture equals that of the stream in the clear.
func TestSampleAES(t *testing.T) {
	for _, name := range []string{"h264.ts", "slices.ts", "interlaced.ts", "intra-refresh.ts", "1080p.ts"} {
		plain := read(t, testmedia.Make(t, name))
		files := map[string]string{
			"clear.m3u8": "#EXTM3U\n#EXTINF:6,\nclear.ts\n#EXT-X-ENDLIST\n", "clear.ts": string(plain),
			"index.m3u8": "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"," + ivText + "\n#EXTINF:6,\nseg.ts\n#EXT-X-ENDLIST\n",
			"seg.ts":     sampleAES(t, plain), "k": string(testKey),
			"lead.m3u8": "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"," + ivText + "\n#EXTINF:6,\nclear.ts\n#EXT-X-ENDLIST\n",
		}
		web := newSite(t, files)
		for _, o := range []*Options{nil, {At: 1500e6}} {
			want := mustGrab(t, source(t, web.URL+"/clear.m3u8", o, nil))
			got := mustGrab(t, source(t, web.URL+"/index.m3u8", o, nil))
			if !bytes.Equal(got.Data, want.Data) || got.Kind != want.Kind || got.PTS != want.PTS {
				t.Errorf("%s, %+v: another picture: %v of %d bytes, want %v of %d", name, o, got.Kind, len(got.Data), want.Kind, len(want.Data))
			}
			if lead := mustGrab(t, source(t, web.URL+"/lead.m3u8", o, nil)); !bytes.Equal(lead.Data, want.Data) {
				t.Errorf("%s: what is in the clear was decrypted", name)
			}
		}
	}
}

// TestSampleAESMP4: a stream in the corpus, in CTR mode with its key in the
// playlist, gives the same picture as ffmpeg's decryption.
func TestSampleAESMP4(t *testing.T) {
	list := filepath.Join(corpus, "shaka-project+shaka-player/test/test/assets/hls-sample-aes/index.m3u8")
	if _, err := os.Stat(list); err != nil {
		t.Skip("needs the corpus beside the repository:", err)
	}
	files := directory(t, list)
	want := testmedia.Hashes(t, []byte(files["video.mp4"]), "-decryption_key", "abba271e8bcf552bbd2e86a434a9a5d9", "-skip_frame", "nokey")
	web := newSite(t, files)
	for _, at := range []time.Duration{0, 9 * time.Second, 30 * time.Second, 50 * time.Second} {
		f := mustGrab(t, source(t, web.URL+"/index.m3u8", &Options{At: at}, nil))
		if got := testmedia.Hashes(t, f.Data, "-f", "h264"); len(got) != 1 || !slices.Contains(want, got[0]) {
			t.Errorf("at %v: pictures %q", at, got)
		}
	}
}

// TestSampleAESCBCS: fMP4 under METHOD=SAMPLE-AES decrypts; another
// implementation encrypted it.
func TestSampleAESCBCS(t *testing.T) {
	plain := directory(t, testmedia.Make(t, "hls-tiny-fmp4"))
	file, err := mp4.DecodeFileSR(bits.NewFixedSliceReader([]byte(plain["init.mp4"] + plain["seg0.m4s"])))
	if err != nil {
		t.Fatal(err)
	}
	data, err := mp4.InitProtect(file.Init, testKey, testIV[:], "cbcs", make(mp4.UUID, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mp4.EncryptFragments(file.Segments[0].Fragments, testKey, testIV[:], data); err != nil {
		t.Fatal(err)
	}
	var init, segment bytes.Buffer
	if err := errors.Join(file.Init.Encode(&init), file.Segments[0].Encode(&segment)); err != nil {
		t.Fatal(err)
	}
	web := newSite(t, map[string]string{
		"clear.m3u8": plain["index.m3u8"], "init.mp4": plain["init.mp4"], "seg0.m4s": plain["seg0.m4s"], "k": string(testKey),
		"index.m3u8": "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"," + ivText + "\n#EXT-X-MAP:URI=\"sealed.mp4\"\n#EXTINF:2,\nsealed.m4s\n",
		"sealed.mp4": init.String(), "sealed.m4s": segment.String(),
	})
	want, got := mustGrab(t, source(t, web.URL+"/clear.m3u8", nil, nil)), mustGrab(t, source(t, web.URL+"/index.m3u8", nil, nil))
	if !bytes.Equal(got.Data, want.Data) {
		t.Error("another picture")
	}
}
