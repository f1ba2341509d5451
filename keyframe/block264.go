package keyframe

// tokenCodes264 returns the code of coeff_token for nC from 0 to 16, nil for that of
// fixed length.
func tokenCodes264(expected int) prefixCode {
	switch {
	case expected < 2:
		return tokenCodes[0]
	case expected < 4:
		return tokenCodes[1]
	case expected < 8:
		return tokenCodes[2]
	}
	return nil
}

// readBlock reads residual_block_cavlc of most coefficients (7.3.5.3.3), and returns
// TotalCoeff.
func (r *cavlc264) readBlock(tokens prefixCode, zeros []prefixCode, most int) (count uint8) {
	token := r.readToken(tokens)
	total := int(token.total)
	if total > most || r.bits.bad {
		r.bits.bad = true
		return 0
	}
	if total == 0 {
		return 0
	}
	r.bits.skipBits(int(token.ones)) // trailing_ones_sign_flag
	r.readLevels(total, int(token.ones))

	left := 0 // zeros that are still to be told
	if total < most {
		left = r.bits.readWord(zeros[total-1])
	}
	if total+left > most {
		r.bits.bad = true
	}
	for range total - 1 {
		if left == 0 {
			break
		}
		left -= r.bits.readWord(runCodes[min(left, len(runCodes))-1])
		if left < 0 {
			r.bits.bad = true
			break
		}
	}
	return token.total
}

// readToken reads coeff_token. Its words of fixed length are TotalCoeff − 1 and
// TrailingOnes, and 3 for no coefficient.
func (r *cavlc264) readToken(code prefixCode) token264 {
	if code != nil {
		return tokens264[r.bits.readWord(code)]
	}
	word := r.bits.readBits(6)
	if word == 3 {
		return token264{}
	}
	t := token264{total: uint8(word>>2) + 1, ones: uint8(word & 3)}
	if t.ones > t.total {
		r.bits.bad = true
	}
	return t
}

// maxLevelPrefix bounds level_prefix, which is 15 at most except at high bit depths
// (9.2.2.1), where a level has up to 2¹⁹.
const maxLevelPrefix = 25

// readLevels reads the levels of the coefficients that are not trailing ones (9.2.2.1).
func (r *cavlc264) readLevels(total, ones int) {
	length := 0 // suffixLength
	if total > 10 && ones < 3 {
		length = 1
	}
	for n := ones; n < total; n++ {
		prefix := 0
		for !r.bits.readFlag() {
			if prefix++; prefix > maxLevelPrefix || r.bits.bad {
				r.bits.bad = true
				return
			}
		}
		size := length
		switch {
		case prefix >= 15:
			size = prefix - 3
		case prefix == 14 && length == 0:
			size = 4
		}
		code := min(prefix, 15)<<length + int(r.bits.readBits(size))
		if prefix >= 15 && length == 0 {
			code += 15
		}
		if prefix >= 16 {
			code += 1<<(prefix-3) - 4096
		}
		if n == ones && ones < 3 {
			code += 2
		}

		length = max(length, 1)
		if magnitude := code>>1 + 1; magnitude > 3<<(length-1) && length < 6 {
			length++
		}
	}
}
