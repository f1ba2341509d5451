package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/testmedia"
)

// RTSPConfig configures MeasureRTSP. The zero value runs each contestant twenty times.
type RTSPConfig struct {
	Kfgrab  string // path of the command; "" leaves out its contestants
	Repeats int    // 0 means 20
	// Progress is called before each run; may be nil.
	Progress func(done, total int, what string)
}

// rtspStream is the stream of a camera; package testmedia makes it.
const (
	rtspStream  = "camera.264"
	rtspGOP     = 4 * time.Second
	rtspFrames  = 400
	rtspWidth   = 1280
	rtspHeight  = 720
	rtspRepeats = 20
	rtspServer  = "testdata/rtsp/gstserver.py"
	rtspPath    = "/live"
)

// RTSPContestants lists the contestants of MeasureRTSP. MASTER stands for the stream's
// URL.
func RTSPContestants() []Contestant {
	return []Contestant{
		{
			Name: "ffmpeg", needs: splitWords("ffmpeg"),
			Command: splitWords("ffmpeg -nostdin -v error -rtsp_transport tcp -i MASTER " + encoding),
		},
		{
			Name: tunedName, needs: splitWords("ffmpeg"),
			Command: splitWords("ffmpeg -nostdin -v error -rtsp_transport tcp -probesize 32 -analyzeduration 0 -i MASTER " + encoding),
		},
		{Name: "go2rtc", needs: splitWords("curl ffmpeg " + go2rtcWord), Command: shellCommand(strings.ReplaceAll(go2rtcScript, "MEDIA", "MASTER"))},
		{Name: coldName, kfgrab: true, needs: splitWords(kfgrabWord), Command: splitWords("kfgrab MASTER -o PICTURE")},
		{Name: undecodedName, kfgrab: true, needs: splitWords(kfgrabWord), Command: splitWords("kfgrab MASTER --format annexb -o PICTURE")},
	}
}

const undecodedName = "kfgrab --format annexb"

// MeasureRTSP measures what one picture of a live RTSP stream costs. The contestants take
// turns, and each starts at the same moments, spread over the GOP. Call it in the root of
// the tree, where the script of GStreamer's server is.
func MeasureRTSP(ctx context.Context, c RTSPConfig) (*RTSPResults, error) {
	if c.Repeats == 0 {
		c.Repeats = rtspRepeats
	}
	if c.Progress == nil {
		c.Progress = func(int, int, string) {}
	}

	file, err := testmedia.Path(rtspStream)
	if err != nil {
		return nil, err
	}
	m := &rtspMeasure{RTSPConfig: c, results: &RTSPResults{
		Began: time.Now().UTC().Truncate(time.Second), Versions: programVersions(c.Kfgrab), LeftOut: map[string]string{},
	}}

	m.programs = map[string]string{kfgrabWord: c.Kfgrab, go2rtcWord: findGo2rtc()}
	if m.frames, err = readFrames(ctx, file); err != nil {
		return nil, err
	}
	if m.dir, err = os.MkdirTemp("", "kfgrab-bench-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(m.dir)
	stop, err := m.startServer(ctx, file)
	if err != nil {
		return nil, err
	}
	defer stop()
	return m.results, m.runContestants(ctx)
}

type rtspMeasure struct {
	RTSPConfig
	dir      string
	address  string // of the server
	frames   []luma // all pictures of the stream, scaled down
	viewer   *rtspTap
	programs map[string]string
	results  *RTSPResults
}

// startServer starts the server, and a viewer so that the stream goes on between
// contestants.
func (m *rtspMeasure) startServer(ctx context.Context, file string) (stop func(), err error) {
	server := exec.CommandContext(ctx, gstPython(), rtspServer, "--codec", "h264", file)
	in, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}

	out, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}

	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	port, ok := strings.CutPrefix(strings.TrimSpace(line), "port ")
	if !ok {
		in.Close()
		return nil, errors.Join(fmt.Errorf("GStreamer's RTSP server did not start; install it with make deps"), err, server.Wait())
	}

	go io.Copy(io.Discard, lines) //nolint:errcheck // nobody needs its output
	m.address = "127.0.0.1:" + port
	if m.viewer, err = newRTSPTap(m.address); err != nil {
		in.Close()
		return nil, errors.Join(err, server.Wait())
	}

	viewer := exec.CommandContext(ctx, "ffmpeg", splitWords("-nostdin -v quiet -rtsp_transport tcp -i rtsp://"+m.viewer.listener.Addr().String()+rtspPath+" -c copy -f null -")...)
	if err := viewer.Start(); err != nil {
		in.Close()
		return nil, errors.Join(err, server.Wait())
	}

	return func() {
		viewer.Process.Kill() //nolint:errcheck // it may have gone
		viewer.Wait()         //nolint:errcheck // it was killed
		m.viewer.close()
		in.Close()
		server.Wait() //nolint:errcheck // nothing to do about it
	}, nil
}

// awaitMoment waits for moment n of the Repeats moments of a GOP.
func (m *rtspMeasure) awaitMoment(ctx context.Context, n int) error {
	const look = 5 * time.Millisecond
	before := m.viewer.latestKeyframe()
	for deadline := time.Now().Add(3 * rtspGOP); !m.viewer.latestKeyframe().After(before); {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(deadline) {
			return errors.New("the server sends no keyframes")
		}
		time.Sleep(look)
	}
	time.Sleep(time.Until(m.viewer.latestKeyframe().Add(rtspGOP * time.Duration(n) / time.Duration(m.Repeats))))
	return nil
}

// gstPython returns an interpreter with GStreamer's binding, as the distribution's has.
func gstPython() string {
	const script = "import gi; gi.require_version('GstRtspServer', '1.0')"
	if exec.Command("python3", "-c", script).Run() == nil {
		return "python3"
	}
	return "/usr/bin/python3"
}

func (m *rtspMeasure) runContestants(ctx context.Context) error {
	var who []Contestant
	for _, c := range RTSPContestants() {
		if lacks := c.missingProgram(m.programs); lacks != "" {
			m.results.LeftOut[c.Name] = lacks
			continue
		}
		who = append(who, c)
		m.results.Rows = append(m.results.Rows, RTSPRow{Contestant: c.Name, Command: c.String()})
	}

	for round := range m.Repeats {
		for i := range who {
			m.Progress(round*len(who)+i, m.Repeats*len(who), who[i].Name)
			if err := m.awaitMoment(ctx, round); err != nil {
				return err
			}
			run, err := m.runOnce(ctx, &who[i])
			if err != nil {
				return err
			}
			m.results.Rows[i].Runs = append(m.results.Rows[i].Runs, run)
		}
	}
	return nil
}

// runOnce runs a contestant for one picture.
func (m *rtspMeasure) runOnce(ctx context.Context, c *Contestant) (RTSPRun, error) {
	picture := filepath.Join(m.dir, "picture")
	if c.Name != undecodedName {
		picture += ".jpg"
	}
	os.Remove(picture)
	tap, err := newRTSPTap(m.address)
	if err != nil {
		return RTSPRun{}, err
	}

	began := time.Now()
	p, err := startContestant(&order{TimeoutMS: runTimeout.Milliseconds(), Argv: c.fillCommand(map[string]string{
		"MASTER": "rtsp://" + tap.listener.Addr().String() + rtspPath, "PICTURE": picture,
	}, m.programs)})
	if err != nil {
		tap.close()
		return RTSPRun{}, err
	}

	p.stdin.Close()
	o := p.awaitEnd()
	saw := tap.close()
	run := RTSPRun{Down: saw.Down, Wall: o.Wall, CPU: o.CPU, KeyDown: saw.KeyDown}
	if !saw.Key.IsZero() {
		run.Wait, run.After = saw.Key.Sub(saw.Play), began.Add(o.Wall).Sub(saw.Key)
	}

	if o.Exit != 0 {
		run.Failure = describeFailure(c, o)
		return run, nil
	}
	got, err := m.readResult(ctx, c, picture)
	switch {
	case err != nil:
		run.Failure = err.Error()
	default:
		run.PSNR = bestPSNR(m.frames, shrinkLuma(got))
		if run.PSNR < samePSNR {
			run.Failure = fmt.Sprintf("a picture that the server did not send (%.0f dB)", run.PSNR)
		}
	}
	return run, nil
}

// readResult reads what a contestant wrote, and decodes it if it is a keyframe.
func (m *rtspMeasure) readResult(ctx context.Context, c *Contestant, picture string) (luma, error) {
	if c.Name == undecodedName {
		return decodeFirst(ctx, []piece{{file: picture}}, "")
	}
	return readPicture(picture)
}

// readFrames decodes all pictures of a stream and scales them down.
func readFrames(ctx context.Context, file string) ([]luma, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", splitWords("-nostdin -v error -i "+file+" -f rawvideo -pix_fmt gray pipe:1")...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}

	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var frames []luma
	for range rtspFrames {
		l := luma{width: rtspWidth, height: rtspHeight, pix: make([]byte, rtspWidth*rtspHeight)}
		if _, err := io.ReadFull(out, l.pix); err != nil {
			return nil, errors.Join(fmt.Errorf("decoding the pictures to compare with: %w", err), cmd.Wait())
		}
		frames = append(frames, shrinkLuma(l))
	}
	return frames, cmd.Wait()
}

// shrinkLuma scales a picture down by averaging squares of four by four.
func shrinkLuma(l luma) luma {
	const by = 4
	s := luma{width: l.width / by, height: l.height / by}
	for y := range s.height {
		for x := range s.width {
			sum := 0
			for i := range by {
				for _, v := range l.pix[(y*by+i)*l.width+x*by:][:by] {
					sum += int(v)
				}
			}
			s.pix = append(s.pix, byte(sum/(by*by)))
		}
	}
	return s
}

// bestPSNR returns the PSNR of l and the most similar frame.
func bestPSNR(frames []luma, l luma) (best float64) {
	for _, f := range frames {
		best = max(best, psnr(f, l))
	}
	return best
}
