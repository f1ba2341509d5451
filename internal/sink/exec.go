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

	"github.com/kfgrab/kfgrab/internal/event"
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
	// pictureWords are the placeholders that are empty for events without a picture.
	pictureWords = []string{"file", "media-time", "content-type", "size"}
	// outageWords are those that are empty for pictures.
	outageWords = []string{"since", "failures", "class", "reason"}
	execWords   = slices.Concat([]string{"event", "name", "time", "url"}, pictureWords, outageWords)

	// passedVariables are the only variables of kfgrab's own environment that a command
	// gets. The others may hold keys of an object store or of cameras.
	passedVariables = []string{"PATH", "HOME", "LANG", "TMPDIR"}

	shells = []string{"sh", "ash", "bash", "dash", "fish", "ksh", "zsh"}
)

// ExecOptions are the settings of an Exec. The zero value works.
type ExecOptions struct {
	Timeout time.Duration // for one command; 0 means a minute
}

// Exec runs a command for each event.
//
// The words of the command may contain these placeholders. Exec fills them in after it
// has split the command, so that a value never becomes a word or an option of its own:
//
//	{event}         picture, failing or recovered
//	{name}          the stream's name as in paths
//	{time}          when it was taken, or found to fail: RFC 3339, UTC
//	{url}           the stream's, without credentials
//
//	{file}          of a picture: absolute path, or s3:// URL
//	{media-time}    of a picture: when the scene was; empty if unknown
//	{content-type}  of a picture: image/jpeg, …
//	{size}          of a picture: bytes
//
//	{since}         of failing and recovered: the first failure, RFC 3339, UTC
//	{failures}      of failing and recovered: how many in a row
//	{class}         of failing and recovered: the class of the last failure
//	{reason}        of failing and recovered: the last failure in one line
//
// The environment has the same values in KFGRAB_EVENT, KFGRAB_NAME (as the user gave it),
// KFGRAB_MEDIA_TIME and so on. Values that an event does not have are empty. Of kfgrab's
// own variables it has PATH, HOME, LANG and TMPDIR.
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

// DefaultEvents returns the events for a command whose user did not choose any. A command
// that uses only values of pictures gets pictures, and one that uses only values of outages
// gets those. All others get everything.
func DefaultEvents(command string) []event.Kind {
	uses := func(words []string) bool {
		return slices.ContainsFunc(words, func(word string) bool {
			return strings.Contains(command, "{"+word+"}") || strings.Contains(command, variableName(word))
		})
	}

	ofPicture, ofOutage := uses(pictureWords), uses(outageWords)
	switch {
	case uses([]string{"event"}) || ofPicture == ofOutage:
		return event.Kinds
	case ofPicture:
		return []event.Kind{event.Picture}
	}
	return []event.Kind{event.Failing, event.Recovered}
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
func (x *Exec) Run(ctx context.Context, e event.Event) error {
	name := filepath.Base(x.words[0])
	ctx, cancel := context.WithTimeoutCause(ctx, x.timeout, &neterror.TimeoutError{What: "killed because it was not done", Limit: x.timeout})
	defer cancel()

	args, env, err := x.expandEvent(e)
	if err != nil {
		return fmt.Errorf("exec %s: %w", name, err)
	}

	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = env
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

// expandEvent returns the command and its whole environment for e.
func (x *Exec) expandEvent(e event.Event) (args, env []string, err error) {
	values := map[string]string{
		"event": string(e.Kind), "name": fileName(e.Stream), "time": formatTime(e.Time), "url": e.URL,
		"file": e.File, "media-time": formatTime(e.MediaTime), "content-type": e.ContentType, "size": formatCount(e.Size),
		"since": formatTime(e.Since), "failures": formatCount(e.Failures), "class": e.Class, "reason": e.Reason,
	}
	if e.File != "" && !strings.Contains(e.File, "://") {
		if values["file"], err = filepath.Abs(e.File); err != nil {
			return nil, nil, err
		}
	}

	for _, w := range x.words {
		args = append(args, fillPlaceholders(w, func(word string) string { return values[word] }))
	}
	for _, name := range passedVariables {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	values["name"] = e.Stream
	for _, word := range execWords {
		env = append(env, variableName(word)+"="+values[word])
	}
	return args, env, nil
}

// variableName returns the variable with the value of a placeholder.
func variableName(word string) string {
	return "KFGRAB_" + strings.ToUpper(strings.ReplaceAll(word, "-", "_"))
}

// formatCount returns n, "" for 0.
func formatCount(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
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
