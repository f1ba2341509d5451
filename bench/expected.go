package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// expected is what a stage asks of a picture.
type expected struct {
	*stage
	picture, thumbnail luma
}

// expect decodes the pictures that a stage's contestants are to bring.
func (s *suite) expect(ctx context.Context, st *stage) (expected, error) {
	e := expected{stage: st}
	var err error
	if e.picture, err = decodeFirst(ctx, st.reference, ""); err != nil {
		return e, err
	}
	if st.smallReference != nil {
		e.thumbnail, err = decodeFirst(ctx, st.smallReference, "scale=320:-2")
	}
	return e, err
}

// decodeFirst returns the first picture of a stream.
func decodeFirst(ctx context.Context, pieces []piece, filter string) (luma, error) {
	stream, err := join(pieces)
	if err != nil {
		return luma{}, err
	}
	args := words("-nostdin -v error -i pipe:0 -frames:v 1 -f image2pipe -c:v png")
	if filter != "" {
		args = append(args, "-vf", filter)
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, "pipe:1")...)
	cmd.Stdin = bytes.NewReader(stream)
	out, err := cmd.Output()
	if len(out) == 0 {
		return luma{}, fmt.Errorf("decoding the picture to compare with: %w", err)
	}
	return readLuma(out)
}

func readPicture(path string) (luma, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return luma{}, errors.New("no picture")
	}
	return readLuma(b)
}
