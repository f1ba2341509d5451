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
	// defaultExecTimeout bounds a command if ExecOptions.Timeout is 0.
	defaultExecTimeout = time.Minute
	// maxOutput is how many bytes of the end of a command's output are kept: enough for
	// the line that explains a failure.
	maxOutput = 4 << 10
	// orphanDelay is how long a dead command's output may stay open.
	orphanDelay = 500 * time.Millisecond
)

var (
	execWords = []string{"file", "name", "time", "media-time", "url", "content-type", "size"}
	shells    = []string{"sh", "ash", "bash", "dash", "fish", "ksh", "zsh"}
)

// ExecOptions are the settings of an Exec. The zero value works.
type ExecOptions struct {
	Timeout time.Duration // for one command; 0 means a minute
}

// Exec runs a command for each picture.
//
// The words of the command may contain these placeholders. Exec fills them in after it
// has split the command, so that a value never becomes a word or an option of its own:
//
//	{file}          absolute path, or s3:// URL
//	{name}          the stream's name as in paths
//	{time}          when it was taken: RFC 3339, UTC
//	{media-time}    when the scene was; empty if unknown
//	{url}           the stream's, without credentials
//	{content-type}  image/jpeg, …
//	{size}          bytes
//
// The environment has the same values in KFGRAB_FILE, KFGRAB_NAME (as the user gave it),
// KFGRAB_TIME, KFGRAB_MEDIA_TIME, KFGRAB_URL, KFGRAB_CONTENT_TYPE and KFGRAB_SIZE, and
// kfgrab's own variables.
//
// Exec uses no shell. If the command is a shell, its script must use the variables;
// NewExec refuses placeholders in it.
type Exec struct {
	words   []string
	timeout time.Duration
}

// NewExec splits command as a shell would, and checks that its program exists.
func NewExec(command string, o *ExecOptions) (*Exec, error) {
	e := &Exec{timeout: defaultExecTimeout}
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
	if _, err := parsePlaceholders(command, execWords); err != nil {
		return err
	}
	if placeholder.MatchString(split[0]) {
		return errors.New("the program must not be a placeholder")
	}

	script := shellScript(split)
	if placeholder.MatchString(script) {
		return fmt.Errorf(`a shell would run the value of %s as part of its script: write "$KFGRAB_FILE", "$KFGRAB_NAME" and so on`, placeholder.FindString(script))
	}
	_, err := exec.LookPath(split[0])
	return shortenError(err)
}

// shellScript returns the argument of a shell's -c, or "".
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

// shortenError reduces an error of os/exec to the program and the cause.
func shortenError(err error) error {
	var inExec *exec.Error
	if errors.As(err, &inExec) {
		return fmt.Errorf("%s: %w", inExec.Name, inExec.Err)
	}
	return err
}

// Run runs the command for e and returns when it has ended. When ctx is done or the time
// is up, Run kills the command and its process group. The error includes the last line
// that the command wrote.
func (x *Exec) Run(ctx context.Context, e Event) error {
	name := filepath.Base(x.words[0])
	ctx, cancel := context.WithTimeoutCause(ctx, x.timeout, &neterror.TimeoutError{What: "killed because it was not done", Limit: x.timeout})
	defer cancel()

	args, env, err := x.expandEvent(e)
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
		err = errors.New("it left a background process that held its output and was killed")
	}

	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	if line := output.lastLine(); line != "" {
		return fmt.Errorf("exec %s: %w: %s", name, shortenError(err), line)
	}
	return fmt.Errorf("exec %s: %w", name, shortenError(err))
}

// expandEvent returns the command and the environment variables for e.
func (x *Exec) expandEvent(e Event) (args, env []string, err error) {
	values := map[string]string{
		"file": e.File, "name": fileName(e.Stream), "time": formatTime(e.Time), "media-time": formatTime(e.MediaTime),
		"url": e.URL, "content-type": e.ContentType, "size": strconv.Itoa(e.Size),
	}
	if !strings.Contains(e.File, "://") {
		if values["file"], err = filepath.Abs(e.File); err != nil {
			return nil, nil, err
		}
	}

	for _, w := range x.words {
		args = append(args, fillPlaceholders(w, func(word string) string { return values[word] }))
	}
	values["name"] = e.Stream
	for _, word := range execWords {
		env = append(env, "KFGRAB_"+strings.ToUpper(strings.ReplaceAll(word, "-", "_"))+"="+values[word])
	}
	return args, env, nil
}

// formatTime returns t in RFC 3339 and UTC, "" for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// tail is a writer that keeps the end of its input.
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

// splitWords splits a command as a POSIX shell does (IEEE Std 1003.1 2.2, quoting).
// It refuses characters that only a shell would act on.
func splitWords(command string) ([]string, error) {
	var all []string
	var word strings.Builder
	inWord := false

	for rest := command; rest != ""; {
		c := rest[0]
		rest = rest[1:]
		switch {
		case strings.IndexByte(" \t\n", c) >= 0:
			if inWord {
				all = append(all, word.String())
				word.Reset()
			}
			inWord = false
			continue
		case c == '\\' && rest == "":
			return nil, errors.New("a backslash at the end of the command")
		case c == '\\':
			word.WriteByte(rest[0])
			rest = rest[1:]
		case c == '\'' || c == '"':
			quoted, after, err := quotedPart(rest, c)
			if err != nil {
				return nil, err
			}
			word.WriteString(quoted)
			rest = after
		case strings.IndexByte("|&;<>()$`*?[", c) >= 0, !inWord && (c == '~' || c == '#'):
			return nil, needsShell(c)
		default:
			word.WriteByte(c)
		}
		inWord = true
	}

	if inWord {
		all = append(all, word.String())
	}
	return all, nil
}

// quotedPart returns the text up to the closing quote c, and the rest.
func quotedPart(text string, c byte) (quoted, after string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == c:
			return b.String(), text[i+1:], nil
		case c == '"' && (text[i] == '$' || text[i] == '`'):
			return "", "", needsShell(text[i])
		case c == '"' && text[i] == '\\' && i+1 < len(text) && strings.IndexByte("$`\"\\\n", text[i+1]) >= 0:
			i++
		}
		b.WriteByte(text[i])
	}
	return "", "", fmt.Errorf("unclosed quote %c", c)
}

func needsShell(c byte) error {
	return fmt.Errorf(`%q needs a shell, and none is used: quote it, or write sh -c '… "$KFGRAB_FILE"'`, c)
}
