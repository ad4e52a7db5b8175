// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces, mounts and chroot need root")
	}
}

// plugin is the command that starts this binary as a plugin. Everything that
// comes of it has mark in its environment.
func plugin(act string, more ...string) (cmd *exec.Cmd, mark string) {
	mark = "SANDBOX_TEST_MARK=" + rand.Text()
	cmd = exec.Command("/proc/self/exe", "start", "builder", "x")
	// The race detector would sleep for a second at the end of each process.
	cmd.Env = append(os.Environ(), append(more, actVariable+"="+act, mark, "GORACE=atexit_sleep_ms=0")...)
	return cmd, mark
}

// marked lists the living processes with mark in their environment.
func marked(mark string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && slices.Contains(strings.Split(string(text), "\x00"), mark) {
			pids = append(pids, strings.Split(file, "/")[2])
		}
	}
	return pids
}

// patience is for what should happen soon, on a machine that is busy.
const patience = 5 * time.Minute

// eventually waits for a condition that others bring about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// runtimesOf lists the supervisors' directories that a process made. There may
// be others: somebody else may be building on this machine.
func runtimesOf(pid int) (dirs []string) {
	for _, parent := range runtimeParents() {
		locks, _ := filepath.Glob(filepath.Join(parent, runtimePrefix+"*", "lock"))
		for _, lock := range locks {
			text, _ := os.ReadFile(lock)
			if strings.HasSuffix(string(text), fmt.Sprintf("process %d\n", pid)) {
				dirs = append(dirs, filepath.Dir(lock))
			}
		}
	}
	return dirs
}

func mustReport(t *testing.T, cmd *exec.Cmd) report {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var r report
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, stderr.String())
	}
	return r
}

func TestEnterIsolates(t *testing.T) {
	needRoot(t)
	host, err := os.Hostname()
	must(t, err)
	cmd, _ := plugin("report", "TMPDIR=/var/tmp", "SOME=thing")
	cmd.Args[3] = "--protobuf"
	cmd.Args = append(cmd.Args, "x")
	r := mustReport(t, cmd)
	if !r.Status.Isolated || r.Status.Reason != "" || r.Status.HostPID <= r.PID {
		t.Errorf("%+v, pid %d", r.Status, r.PID)
	}
	if r.Parent != 1 || r.Umask != 0o022 || !slices.Equal(r.Args, cmd.Args) {
		t.Errorf("parent %d, umask %o, arguments %q", r.Parent, r.Umask, r.Args)
	}
	if !strings.Contains(r.TempDir, runtimePrefix) || len(r.TempDir)+socketNameLength > socketPathLength {
		t.Errorf("temporary directory at the start: %s", r.TempDir)
	}
	if r.TempDirAfter == nil || *r.TempDirAfter != "/var/tmp" {
		t.Errorf("TMPDIR was not restored: %v", r.TempDirAfter)
	}
	if slices.ContainsFunc(r.Environment, func(e string) bool { return strings.HasPrefix(e, roleVariable) }) {
		t.Error("the role is visible in the environment")
	}
	if !slices.Contains(r.Environment, "SOME=thing") || strings.Contains(r.Mounts, "shared:") {
		t.Error("environment or mounts are wrong", r.Environment, r.Mounts)
	}
	if ours, err := os.Hostname(); err != nil || ours != host || r.HostName != "localhost" {
		t.Errorf("the build's host name is %q, the host's changed from %q to %q (%v)", r.HostName, host, ours, err)
	}
	if _, err := os.Stat(r.TempDir); err == nil {
		t.Error("the supervisor's directory stays after a normal end")
	}
}

func TestEnterRestoresAbsentTempDir(t *testing.T) {
	needRoot(t)
	cmd, _ := plugin("report")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(e string) bool { return strings.HasPrefix(e, "TMPDIR=") })
	if r := mustReport(t, cmd); r.TempDirAfter != nil {
		t.Errorf("TMPDIR is %q", *r.TempDirAfter)
	}
}

func TestEnterLeavesOtherCommandsAlone(t *testing.T) {
	for _, args := range [][]string{nil, {"describe"}, {"start", "provisioner", "x"}, {"start", "builder"}, {"builder"}} {
		if _, handled := Enter(args); handled {
			t.Errorf("%q was handled", args)
		}
	}
}

func TestEnterPassesStreams(t *testing.T) {
	needRoot(t)
	cmd, _ := plugin("cat")
	input := strings.Repeat("0123456789abcdef", 1<<16)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil || stdout.String() != input || stderr.String() != "said on stderr\n" {
		t.Errorf("%v: %d bytes of %d, stderr %q", err, stdout.Len(), len(input), stderr.String())
	}
}

func TestEnterPassesExitStatus(t *testing.T) {
	needRoot(t)
	for act, want := range map[string]int{"status": 42, "signal": 128 + int(syscall.SIGTERM), "cat": 0} {
		cmd, _ := plugin(act)
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: exit status %d, not %d", act, got, want)
		}
	}
}

// build is a hanging build of this binary.
type build struct {
	cmd                      *exec.Cmd
	mark, work, runtime      string
	supervisor, init, engine int
	output                   *bytes.Buffer
}

func startBuild(t *testing.T, act string, more ...string) *build {
	t.Helper()
	needRoot(t)
	b := &build{work: t.TempDir(), output: &bytes.Buffer{}}
	b.cmd, b.mark = plugin(act, append(more, "SANDBOX_TEST_WORK="+b.work)...)
	b.cmd.Stderr = b.output
	stdout, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.cmd.WaitDelay = time.Second
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill()
		_ = b.cmd.Wait()
		for _, pid := range marked(b.mark) { // none, unless the test failed
			n, _ := strconv.Atoi(pid)
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	})
	if _, err := fmt.Fscan(stdout, &b.engine, &b.runtime); err != nil {
		t.Fatalf("the build did not start: %v %s", err, b.output)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	b.init = lookUp(b.engine).parent
	b.supervisor = lookUp(b.init).parent
	return b
}

// gone checks that nothing is left of the build but what is kept.
func (b *build) gone(t *testing.T) {
	t.Helper()
	if !strings.Contains(b.runtime, runtimePrefix) {
		t.Errorf("%s is no supervisor's directory", b.runtime)
	}
	eventually(t, "no process and no supervisor's directory is left", func() bool {
		_, err := os.Stat(b.runtime)
		return err != nil && len(marked(b.mark)) == 0
	})
	left, _ := filepath.Glob(b.work + "/*")
	if len(left) != 1 || !strings.HasPrefix(filepath.Base(left[0]), "kept-") {
		t.Errorf("work directories left: %q\n%s", left, b.output)
	}
}

func TestKillLeavesNothing(t *testing.T) {
	cases := []struct {
		victim string
		act    string
		wrap   string
		pid    func(b *build) int
	}{
		{"supervisor", "build", "", func(b *build) int { return b.supervisor }},
		{"init", "build", "", func(b *build) int { return b.init }},
		{"engine", "build", "", func(b *build) int { return b.engine }},
		{"packer", "packer", "0", func(b *build) int { return b.cmd.Process.Pid }},
		{"packer's wrapper", "packer", "1", func(b *build) int { return b.cmd.Process.Pid }},
		{"packer in its wrapper", "packer", "1", func(b *build) int { return lookUp(b.supervisor).parent }},
	}
	for _, tc := range cases {
		t.Run(tc.victim, func(t *testing.T) {
			b := startBuild(t, tc.act, "SANDBOX_TEST_WRAP="+tc.wrap)
			eventually(t, "supervisor, init, engine and two daemons run", func() bool { return len(marked(b.mark)) >= 5 })
			if _, err := os.Stat(fmt.Sprintf("/proc/%d/root%s", b.engine, b.work)); err != nil {
				t.Errorf("the engine cannot be seen from outside: %v", err)
			}
			if err := syscall.Kill(tc.pid(b), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			b.gone(t)
		})
	}
}

func TestFailedEngineLeavesNothing(t *testing.T) {
	b := startBuild(t, "build", "SANDBOX_TEST_FAIL=1")
	_ = b.cmd.Wait()
	if code := b.cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit status %d", code)
	}
	b.gone(t)
}

func TestNextStartCleansUpAfterAllWereKilled(t *testing.T) {
	b := startBuild(t, "build")
	for _, kill := range []struct {
		pid int
		sig syscall.Signal
	}{{b.supervisor, syscall.SIGSTOP}, {b.init, syscall.SIGKILL}, {b.supervisor, syscall.SIGKILL}} {
		if err := syscall.Kill(kill.pid, kill.sig); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "no process is left", func() bool { return len(marked(b.mark)) == 0 })
	cmd, _ := plugin("cat")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	b.gone(t)
}

func TestSupervisorAndInitIgnoreTerminalSignals(t *testing.T) {
	b := startBuild(t, "build")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		for _, pid := range []int{b.supervisor, b.init} {
			if err := syscall.Kill(pid, sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(100 * time.Millisecond)
	if lookUp(b.engine).start == "" || lookUp(b.supervisor).start == "" {
		t.Error("a signal ended the build")
	}
}

func TestEnterWithoutPermission(t *testing.T) {
	needRoot(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "sandbox-test-") // t.TempDir cannot be entered by others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "plugin")
	if out, err := exec.Command("cp", self, binary).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	for name, tc := range map[string]struct {
		args []string
		hint string
	}{
		"no capability": {[]string{"--bounding-set=-sys_admin", "--inh-caps=-sys_admin"}, "--privileged"},
		"not root":      {[]string{"--reuid=65534", "--clear-groups"}, "as root"},
	} {
		cmd, _ := plugin("report", "TMPDIR=/var/tmp")
		cmd.Path = setpriv
		cmd.Args = append(append([]string{"setpriv"}, tc.args...), binary, "start", "builder", "x")
		r := mustReport(t, cmd)
		if r.Status.Isolated || !strings.Contains(r.Status.Reason, tc.hint) || r.TempDir != "/var/tmp" {
			t.Errorf("%s: %+v %s", name, r.Status, r.TempDir)
		}
		if left := runtimesOf(cmd.Process.Pid); len(left) > 0 {
			t.Errorf("%s: left %q", name, left)
		}
		_ = os.Remove("/var/tmp/packer-plugin12345")
	}
}
