package sink

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kfgrab/kfgrab/internal/neterror"
	"github.com/kfgrab/kfgrab/internal/procgroup"
)

const (
	// DefaultExecTimeout bounds a command where ExecOptions.Timeout is 0.
	DefaultExecTimeout = time.Minute
	// maxOutput of a command is kept, from its end: enough for the line that says why.
	maxOutput = 4 << 10
	// orphanDelay is how long a dead command's output may stay open.
	orphanDelay = 500 * time.Millisecond
)

var (
	execWords = []string{"file", "name", "time", "media-time", "url", "content-type", "size"}
	shells    = []string{"sh", "ash", "bash", "dash", "fish", "ksh", "zsh"}
)

// ExecOptions says how commands run. The zero value works.
type ExecOptions struct {
	Timeout time.Duration // for one command; 0 means DefaultExecTimeout
}

// Exec runs a command for each picture.
//
// The words of the command may have these placeholders, which are filled in after it
// is split, so that nothing in them is a word or an option of its own:
//
//	{file}          absolute path, or s3:// URL
//	{name}          the stream's name as in paths, by FileName
//	{time}          when it was taken: RFC 3339, UTC
//	{media-time}    when the scene was; empty where unknown
//	{url}           the stream's, without credentials
//	{content-type}  image/jpeg, …
//	{size}          bytes
//
// The same is in the environment, as KFGRAB_FILE, KFGRAB_NAME (as the user gave it),
// KFGRAB_TIME, KFGRAB_MEDIA_TIME, KFGRAB_URL, KFGRAB_CONTENT_TYPE and KFGRAB_SIZE,
// beside kfgrab's own environment.
// There is no shell, unless the command is one: its script takes the variables, and
// placeholders in it are refused.
type Exec struct {
	words   []string
	timeout time.Duration
}

// NewExec checks command, which is split as a shell would, and that its program is
// there.
func NewExec(command string, o *ExecOptions) (*Exec, error) {
	e := &Exec{timeout: DefaultExecTimeout}
	if o != nil && o.Timeout > 0 {
		e.timeout = o.Timeout
	}
	var err error
	if e.words, err = splitWords(command); err == nil {
		err = checkCommand(command, e.words)
	}
	if err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	return e, nil
}

func checkCommand(command string, split []string) error {
	if len(split) == 0 {
		return errors.New("no command")
	}
	if _, err := words(command, execWords); err != nil {
		return err
	}
	if placeholder.MatchString(split[0]) {
		return errors.New("the program cannot be a placeholder")
	}
	if script := shellScript(split); placeholder.MatchString(script) {
		return fmt.Errorf(`a shell would read what stands for %s as part of its script: write "$KFGRAB_FILE", "$KFGRAB_NAME" and so on`, placeholder.FindString(script))
	}
	_, err := exec.LookPath(split[0])
	return pathless(err)
}

// shellScript returns what follows a shell's -c, or "".
func shellScript(split []string) string {
	shell := slices.IndexFunc(split, func(w string) bool { return slices.Contains(shells, filepath.Base(w)) })
	if shell < 0 {
		return ""
	}
	for i, w := range split[shell:] {
		option := strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "c")
		if option && shell+i+1 < len(split) {
			return split[shell+i+1]
		}
	}
	return ""
}

// pathless shortens exec's error to the program and what is wrong with it.
func pathless(err error) error {
	var of *exec.Error
	if errors.As(err, &of) {
		return fmt.Errorf("%s: %w", of.Name, of.Err)
	}
	return err
}

// Run runs the command for e and returns when it has ended. With the end of ctx, or of
// its time, it is killed with all of its process group. The error has the last line
// that it wrote.
func (x *Exec) Run(ctx context.Context, e Event) error {
	name := filepath.Base(x.words[0])
	ctx, cancel := context.WithTimeoutCause(ctx, x.timeout, &neterror.TimeoutError{What: "killed, as it was not done", Limit: x.timeout})
	defer cancel()
	args, env, err := x.fill(e)
	if err != nil {
		return fmt.Errorf("exec %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var output tail
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = orphanDelay
	procgroup.Own(cmd)
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		procgroup.Kill(cmd) // its leader is dead, another member holds the output
		err = errors.New("it ended, but for a process in its background that held its output and was killed")
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if line := output.lastLine(); line != "" {
		return fmt.Errorf("exec %s: %w: %s", name, pathless(err), line)
	}
	return fmt.Errorf("exec %s: %w", name, pathless(err))
}

// fill returns the words and the variables of e.
func (x *Exec) fill(e Event) (args, env []string, err error) {
	values := map[string]string{
		"file": e.File, "name": FileName(e.Stream), "time": timeText(e.Time), "media-time": timeText(e.MediaTime),
		"url": e.URL, "content-type": e.ContentType, "size": strconv.Itoa(e.Size),
	}
	if !strings.Contains(e.File, "://") {
		if values["file"], err = filepath.Abs(e.File); err != nil {
			return nil, nil, err
		}
	}
	for _, w := range x.words {
		args = append(args, fill(w, func(word string) string { return values[word] }))
	}
	values["name"] = e.Stream
	for _, word := range execWords {
		env = append(env, "KFGRAB_"+strings.ToUpper(strings.ReplaceAll(word, "-", "_"))+"="+values[word])
	}
	return args, env, nil
}

// timeText is RFC 3339 in UTC, "" for no time.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-maxOutput):]...)
	t.kept = t.kept[max(0, len(t.kept)-maxOutput):]
	return len(p), nil
}

func (t *tail) lastLine() string {
	text := strings.TrimSpace(string(t.kept))
	return neterror.Line(text[strings.LastIndexByte(text, '\n')+1:])
}
