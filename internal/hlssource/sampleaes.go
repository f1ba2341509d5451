package hlssource

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/kfgrab/kfgrab/keyframe"
)

// SAMPLE-AES in transport streams ("MPEG-2 Stream Encryption Format for HTTP Live
// Streaming", Apple, 2.3.1): in H.264 slices, NAL unit types 1 and 5 with more than
// 48 bytes, one block in ten is encrypted after the first 32 bytes. The chain of
// blocks begins anew with every NAL unit. The NAL unit was encrypted with its
// emulation prevention bytes, and more were inserted afterwards.
const (
	sampleClear  = 32                 // bytes at the beginning
	sampleLeast  = 48                 // NAL units up to this size are left alone
	samplePeriod = 10 * aes.BlockSize // from one encrypted block to the next
)

// decryptFrame replaces the slices of f by decrypted ones.
func (p *protection) decryptFrame(f *keyframe.Frame) {
	plain := make([]byte, 0, len(f.Data))
	for nalu := range keyframe.AnnexB(f.Data) {
		plain = keyframe.AppendNALU(plain, decryptNALU(nalu, p.block, p.iv[:]))
	}
	f.Data = plain
}

// decryptNALU returns nalu decrypted, or nalu itself if there is nothing to decrypt.
func decryptNALU(nalu []byte, block cipher.Block, iv []byte) []byte {
	if !mayBeEncrypted(nalu) {
		return nalu
	}
	plain := keyframe.AppendRBSP(make([]byte, 0, len(nalu)), nalu)
	if len(plain) <= sampleLeast {
		return nalu
	}
	cryptSamples(plain, cipher.NewCBCDecrypter(block, iv))
	return plain
}

func mayBeEncrypted(nalu []byte) bool {
	return len(nalu) > sampleLeast && keyframe.H264.IsSlice(nalu)
}

// cryptSamples runs mode over the encrypted blocks. The last 16 bytes or fewer are
// always in the clear.
func cryptSamples(nalu []byte, mode cipher.BlockMode) {
	for at := sampleClear; len(nalu)-at > aes.BlockSize; at += samplePeriod {
		block := nalu[at : at+aes.BlockSize]
		mode.CryptBlocks(block, block)
	}
}
