// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Acceptance tests run the real packer with this plugin installed, as root;
// `make acc` sets all of that up.

// needPacker skips a test that nobody set up.
func needPacker(t *testing.T) {
	t.Helper()
	if os.Getenv("PACKER_ACC") == "" {
		t.Skip("acceptance tests run with PACKER_ACC=1; call `make acc`")
	}
	if os.Geteuid() != 0 {
		t.Skip("acceptance tests build images, which needs root")
	}
}

// packerRun is a run of packer in its own directory of the test.
type packerRun struct {
	t        *testing.T
	cmd      *exec.Cmd
	mu       sync.Mutex
	text     bytes.Buffer
	lines    chan string
	finished chan struct{}
	err      error
}

// packerCommand is a run of packer that was not started yet.
func packerCommand(dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command("packer", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"CHECKPOINT_DISABLE=1", "PACKER_NO_COLOR=1"}, env...)...)
	return cmd
}

// startPacker starts packer; its output is in lines and text.
func startPacker(t *testing.T, dir string, env []string, args ...string) *packerRun {
	t.Helper()
	return startCommand(t, packerCommand(dir, env, args...))
}

// startCommand starts packer, or a program that starts it.
func startCommand(t *testing.T, cmd *exec.Cmd) *packerRun {
	t.Helper()
	// A session of its own: a group to which a test can send what a terminal
	// would, and no terminal even if the tests have one.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	cmd.Stdout, cmd.Stderr = writer, writer
	return watchPacker(t, cmd, reader)
}

// watchPacker starts packer as the leader of a group; from is the other end of
// its output.
func watchPacker(t *testing.T, cmd *exec.Cmd, from *os.File) *packerRun {
	t.Helper()
	r := &packerRun{t: t, cmd: cmd, lines: make(chan string, 100000), finished: make(chan struct{})}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go r.collect(from)
	go func() {
		r.err = r.cmd.Wait()
		close(r.finished)
	}()
	t.Cleanup(func() {
		killUnfinished(r.cmd, r.finished)
		<-r.finished
		from.Close()
	})
	return r
}

// killUnfinished kills a process group unless its leader has ended: then the number
// may be another group's.
func killUnfinished(leader *exec.Cmd, finished <-chan struct{}) {
	select {
	case <-finished:
	default:
		syscall.Kill(-leader.Process.Pid, syscall.SIGKILL)
	}
}

func (r *packerRun) collect(from io.Reader) {
	defer close(r.lines)
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		r.mu.Lock()
		r.text.WriteString(scanner.Text() + "\n")
		r.mu.Unlock()
		r.lines <- scanner.Text()
	}
}

// output is everything packer said so far.
func (r *packerRun) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// waitFor waits for a line with the given text.
func (r *packerRun) waitFor(text string) {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, open := <-r.lines:
			if strings.Contains(line, text) {
				return
			}
			if !open {
				r.t.Fatalf("packer ended without saying %q:\n%s", text, r.output())
			}
		case <-deadline:
			r.t.Fatalf("packer did not say %q:\n%s", text, r.output())
		}
	}
}

// wait waits for packer's end and returns its exit status.
func (r *packerRun) wait() int {
	r.t.Helper()
	return r.waitWithin(15 * time.Minute)
}

func (r *packerRun) waitWithin(limit time.Duration) int {
	r.t.Helper()
	select {
	case <-r.finished:
	case <-time.After(limit):
		r.t.Fatalf("packer does not end:\n%s", r.output())
	}
	// The output may still be on its way through the pipe.
	for range r.lines {
	}
	return r.cmd.ProcessState.ExitCode()
}

// runPacker runs packer to its end.
func runPacker(t *testing.T, dir string, env []string, args ...string) (int, string) {
	t.Helper()
	r := startPacker(t, dir, env, args...)
	status := r.wait()
	return status, r.output()
}

// workspace is where the builds of a test work: everything that could be left
// over is below it or can be told by its name.
type workspace struct {
	t                 *testing.T
	dir, work, output string
}

func newWorkspace(t *testing.T) workspace {
	t.Helper()
	// Not below /tmp/TestName…: unix sockets and messages like short paths.
	dir, err := os.MkdirTemp("/var/tmp", "acc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		processesOf(dir) // ends what is deserted
		os.RemoveAll(dir)
	})
	w := workspace{t: t, dir: dir, work: filepath.Join(dir, "work"), output: filepath.Join(dir, "out")}
	if err := os.Mkdir(w.work, 0o755); err != nil {
		t.Fatal(err)
	}
	return w
}

// template writes a template around the given attributes and build body.
func (w workspace) template(attributes, body string) string {
	w.t.Helper()
	elements, err := filepath.Abs("testdata/elements")
	if err != nil {
		w.t.Fatal(err)
	}
	text := fmt.Sprintf(`
packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
  }
}
source "diskimage" "tiny" {
  element_paths    = [%q]
  skip_base        = true
  work_directory   = %q
  output_directory = %q
  image_name       = "tiny"
%s
}
build {
  sources = ["source.diskimage.tiny"]
%s
}
`, elements, w.work, w.output, attributes, body)
	path := filepath.Join(w.dir, "tiny.pkr.hcl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// env is the environment of packer for this workspace.
func (w workspace) env(more ...string) []string {
	return append([]string{"TMPDIR=" + w.tmp()}, more...)
}

// tmp is a directory for temporary files of packer's own, which are not ours
// to count.
func (w workspace) tmp() string {
	dir := filepath.Join(w.dir, "tmp")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		w.t.Fatal(err)
	}
	return dir
}

// leftovers lists what is on the host because of this workspace: loop devices,
// mounts, processes, temporary directories.
func (w workspace) leftovers() []string {
	w.t.Helper()
	var found []string
	found = append(found, loopsBackedBelow(w.dir)...)
	found = append(found, mountsBelow(w.dir)...)
	found = append(found, processesOf(w.dir)...)
	for _, pattern := range []string{w.work + "/*", w.output + "/.*", w.tmp() + "/diskimage*"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, n := range names {
			found = append(found, "directory "+n)
		}
	}
	return found
}

// assertClean waits a little for what ends by itself, then wants nothing left.
func (w workspace) assertClean() {
	w.t.Helper()
	// Partitions of other builds' devices may be seen in the moment in which those
	// are let go.
	w.eventuallyNone(func() []string { return append(w.leftovers(), stalePartitions()...) })
}

// eventuallyNone waits until nothing is found any more.
func (w workspace) eventuallyNone(look func() []string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for found := look(); len(found) > 0; found = look() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("left over:\n%s", strings.Join(found, "\n"))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func loopsBackedBelow(dir string) []string {
	var found []string
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, f := range files {
		backing, err := os.ReadFile(f)
		if err == nil && strings.HasPrefix(string(backing), dir) {
			found = append(found, "loop device "+f+": "+strings.TrimSpace(string(backing)))
		}
	}
	return found
}

// stalePartitions are partitions of loop devices without a file.
func stalePartitions() []string {
	var found []string
	parts, _ := filepath.Glob("/sys/block/loop*/loop*p*")
	for _, p := range parts {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p), "loop")); os.IsNotExist(err) {
			found = append(found, "partition of a free loop device "+p)
		}
	}
	return found
}

func mountsBelow(dir string) []string {
	var found []string
	text, _ := os.ReadFile("/proc/self/mountinfo")
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir) {
			found = append(found, "mount "+line)
		}
	}
	return found
}

// processesOf finds processes that work in a workspace: of the plugin by their
// environment or arguments, of a tree by their root. A provisioner of Packer's own
// whose packer was killed before it connected would wait for ever: it is ended.
func processesOf(dir string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		if p == fmt.Sprintf("/proc/%d", os.Getpid()) {
			continue
		}
		env, _ := os.ReadFile(p + "/environ")
		args, _ := os.ReadFile(p + "/cmdline")
		root, _ := os.Readlink(p + "/root")
		if !bytes.Contains(env, []byte(dir)) && !bytes.Contains(args, []byte(dir)) && !strings.HasPrefix(root, dir) {
			continue
		}
		if deserted(p, args) {
			pid, _ := strconv.Atoi(filepath.Base(p))
			syscall.Kill(pid, syscall.SIGKILL)
		} else {
			found = append(found, "process "+p+" "+string(bytes.ReplaceAll(args, []byte{0}, []byte(" "))))
		}
	}
	return found
}

// deserted tells of a process whether it is a component of Packer's own, which Packer
// runs as a process, and has no packer any more.
func deserted(proc string, args []byte) bool {
	words := strings.Split(string(args), "\x00")
	if len(words) < 2 || filepath.Base(words[0]) != "packer" || words[1] != "execute" {
		return false
	}
	stat, err := os.ReadFile(proc + "/stat")
	_, after, found := strings.Cut(string(stat), "(packer) ")
	fields := strings.Fields(after)
	if err != nil || !found || len(fields) < 2 {
		return false // it ended
	}
	parent, _ := os.ReadFile("/proc/" + fields[1] + "/cmdline")
	program, _, _ := strings.Cut(string(parent), "\x00")
	return filepath.Base(program) != "packer"
}
