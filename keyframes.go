package kfgrab

import (
	"context"
	"iter"

	"github.com/kfgrab/kfgrab/keyframe"
)

// Keyframes yields the keyframe that Grab takes, and then those that follow it in the
// stream, for who may not want the first one. What is read stays open in between, and
// until the loop ends: no byte is fetched twice, and Options.MaxBytes is for all of
// them. Each Cost is that of all so far, with the time that the loop's body took.
//
// What follows is, of HLS, the next one that the playlist or the index of the segment
// lists: see hlssource.Source.Keyframes; of RTSP the next one that is sent; of files, pipes
// and datagrams the next one in the data, in MP4 by the index. What a live stream does
// not have yet is waited for, until ctx is done.
//
// The last pair has an error, where the loop goes on so long: where the recording
// ends, one that wraps keyframe.ErrNotFound; else that of Grab.
func (s *Stream) Keyframes(ctx context.Context) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		snapshot := s.snapshots()
		more := true
		var unwanted error
		err := s.source.Keyframes(ctx, func(f *keyframe.Frame) bool {
			if unwanted = s.wants(f); unwanted != nil {
				return false
			}
			more = yield(snapshot(f), nil)
			return more
		})
		if err == nil {
			err = unwanted
		}
		if err != nil && more {
			yield(nil, s.named(err))
		}
	}
}

// Keyframes is that of the stream that there turns out to be.
func (w *webSource) Keyframes(ctx context.Context, take func(*keyframe.Frame) bool) error {
	w.client.StartJob()
	if err := w.recognise(ctx); err != nil {
		return err
	}
	return w.inner.Keyframes(ctx, take)
}
