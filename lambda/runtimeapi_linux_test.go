package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runtimeAPI is Lambda's side of its Runtime API (version 2018-06-01).
type runtimeAPI struct {
	*httptest.Server
	idle    chan struct{} // gets a value each time the function asks for the next event
	pending chan *invocation

	mu      sync.Mutex
	current *invocation
	last    int
}

// invocation is one event and its outcome.
type invocation struct {
	id      string
	payload []byte
	until   time.Time
	done    chan struct{}

	outcome string // "response" or "error", as the function says
	body    []byte
}

func startRuntimeAPI(t testing.TB) *runtimeAPI {
	r := &runtimeAPI{idle: make(chan struct{}, 1), pending: make(chan *invocation)}
	mux := http.NewServeMux()
	const base = "/2018-06-01/runtime/invocation/"
	mux.HandleFunc("GET "+base+"next", r.next)
	mux.HandleFunc("POST "+base+"{id}/{outcome}", r.take)
	r.Server = httptest.NewServer(mux)
	t.Cleanup(r.Close)
	return r
}

func (r *runtimeAPI) next(w http.ResponseWriter, req *http.Request) {
	r.idle <- struct{}{}
	select {
	case i := <-r.pending:
		r.mu.Lock()
		r.current = i
		r.mu.Unlock()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.until.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:kfgrab")
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
		w.Write(i.payload)
	case <-req.Context().Done():
	}
}

func (r *runtimeAPI) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	i := r.current
	r.current = nil
	r.mu.Unlock()
	if err != nil || i == nil || req.PathValue("id") != i.id {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	if len(body) > maxResponse {
		http.Error(w, "Function.ResponseSizeTooLarge", http.StatusRequestEntityTooLarge)
		return
	}
	i.outcome, i.body = req.PathValue("outcome"), body
	w.WriteHeader(http.StatusAccepted)
	close(i.done)
}

// process is a running bootstrap.
type process struct {
	api    *runtimeAPI
	cmd    *exec.Cmd
	output *bytes.Buffer // to be read after kill
	ended  chan error
	Init   time.Duration // from the start to the first question for an event
}

// start runs the bootstrap in dir as Lambda does, and waits until it asks for
// an event.
func start(t testing.TB, dir string, env ...string) *process {
	t.Helper()
	api := startRuntimeAPI(t)
	p := &process{api: api, output: new(bytes.Buffer), ended: make(chan error, 1), cmd: exec.Command(path.Join(dir, "bootstrap"))}
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "LAMBDA_TASK_ROOT=" + dir, "AWS_LAMBDA_LOG_FORMAT=JSON"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() { p.kill(t) })
	p.await(t)
	p.Init = time.Since(began)
	return p
}

// await waits until the bootstrap asks for the next event.
func (p *process) await(t testing.TB) {
	t.Helper()
	select {
	case <-p.api.idle:
	case err := <-p.ended:
		p.ended <- err
		t.Fatalf("the function ended: %v\n%s", err, p.output)
	case <-time.After(testTime):
		t.Fatal("the function does not ask for an event")
	}
}

// invoke sends an event with this time limit.
func (p *process) invoke(t testing.TB, payload []byte, timeout time.Duration) *invocation {
	t.Helper()
	p.api.last++
	i := &invocation{id: fmt.Sprintf("request-%d", p.api.last), payload: payload, until: time.Now().Add(timeout), done: make(chan struct{})}
	p.api.pending <- i
	select {
	case <-i.done:
	case err := <-p.ended:
		p.ended <- err
		t.Fatalf("the function ended: %v\n%s", err, p.output)
	case <-time.After(timeout):
		t.Fatal("the function did not answer in time")
	}
	p.await(t)
	return i
}

// children returns the running processes that the function has started.
func (p *process) children(t testing.TB) (pids []int) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", p.cmd.Process.Pid, task.Name()))
		for _, text := range strings.Fields(string(list)) {
			pid, _ := strconv.Atoi(text)
			pids = append(pids, pid)
		}
	}
	return pids
}

// kill ends the function as Lambda does, without a signal that it could handle.
// Its decoders must end with it.
func (p *process) kill(t testing.TB) {
	select {
	case err := <-p.ended:
		p.ended <- err
		return
	default:
	}
	var decoders []unix.PollFd
	for _, pid := range p.children(t) {
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			defer unix.Close(fd)
			decoders = append(decoders, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	p.cmd.Process.Kill()
	p.ended <- <-p.ended
	for k := range decoders {
		if n, err := poll(decoders[k:k+1], testTime); n != 1 {
			t.Errorf("a decoder is still running: %v", err)
		}
	}
}

func poll(fds []unix.PollFd, timeout time.Duration) (n int, err error) {
	for {
		if n, err = unix.Poll(fds, int(timeout.Milliseconds())); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// peak returns the peak memory of a process in MB.
func peak(t testing.TB, pid int) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kB int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kB); n == 1 {
			return float64(kB) / 1024
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
