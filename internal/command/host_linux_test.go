// SPDX-License-Identifier: MPL-2.0

//go:build linux

package command

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func shellCommand(script string) Command {
	return Command{Path: "sh", Args: []string{"-c", script}}
}

func TestRunReportsStatusAndLastWords(t *testing.T) {
	cases := []struct {
		script string
		status int
		stderr string
	}{
		{"exit 0", 0, ""},
		{"echo one >&2; echo two >&2; exit 3", 3, "one\ntwo"},
		{"kill -TERM $$", 143, ""},
	}
	for _, tc := range cases {
		err := Host{}.Run(t.Context(), shellCommand(tc.script))
		var exit *ExitError
		if tc.status == 0 {
			if err != nil {
				t.Errorf("%s: %v", tc.script, err)
			}
			continue
		}
		if !errors.As(err, &exit) || exit.Status != tc.status || exit.Stderr != tc.stderr {
			t.Errorf("%s: got %#v", tc.script, err)
		}
	}
}

func TestRunEnvironmentIsExplicit(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "leak")
	out, err := Output(t.Context(), Host{}, Command{Path: "env", Env: []string{"PATH=/usr/bin:/bin", "A=b c"}})
	if err != nil || strings.Contains(out, "SECRET") || !strings.Contains(out, "A=b c") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRunStdinThatNeverEndsDoesNotHang(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	c := shellCommand("exit 0")
	c.Stdin = r
	if err := (Host{}).Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestRunDoesNotWaitForDaemonsThatHoldStdout(t *testing.T) {
	begin := time.Now()
	out, err := Output(t.Context(), Host{}, shellCommand("(sleep 600 &) ; echo done"))
	if err != nil || out != "done" {
		t.Fatalf("%q %v", out, err)
	}
	if time.Since(begin) > 5*time.Minute {
		t.Error("waited for the daemon")
	}
}

func TestADaemonThatKeepsPrintingDoesNotHoldTheProgram(t *testing.T) {
	var out strings.Builder
	c := shellCommand("(trap '' HUP; while sleep 0.1; do echo still here || exit; done) & echo done")
	c.Stdout = &out
	if err := (Host{}).Run(t.Context(), c); err != nil || !strings.Contains(out.String(), "done") {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestADaemonThatFloodsDoesNotHoldTheProgram(t *testing.T) {
	reader := &limited{limit: 1 << 20}
	c := shellCommand("head -c 100000 /dev/zero | tr '\\000' a; while :; do echo flood || exit; done &")
	c.Stdout = reader
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := (Host{}).Run(ctx, c); err != nil || !strings.HasPrefix(reader.text.String(), strings.Repeat("a", 100000)) {
		t.Errorf("%d bytes, %v", reader.text.Len(), err)
	}
}

// limited stops remembering, so that a flood does not fill the memory.
type limited struct {
	text  strings.Builder
	limit int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.text.Len() < l.limit {
		l.text.Write(p)
	}
	return len(p), nil
}

func TestCancelKillsAllDescendants(t *testing.T) {
	// Each process holds the pipe: its end comes when the last one is gone.
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := shellCommand("sleep 900 & setsid sh -c 'sleep 901 & setsid sleep 902 & echo up >&3; wait' & wait")
	c.Files = []*os.File{write}
	done := make(chan error, 1)
	go func() { done <- Host{}.Run(ctx, c) }()
	if n, err := read.Read(make([]byte, 10)); err != nil || n != len("up\n") {
		t.Fatal(n, err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	_ = write.Close()
	_ = read.SetReadDeadline(time.Now().Add(5 * time.Minute))
	if rest, err := io.ReadAll(read); err != nil || len(rest) > 0 {
		t.Errorf("a descendant of the cancelled command still runs: %q %v", rest, err)
	}
}

func TestIgnoreSyncTouchesOnlyTheCommand(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a seccomp filter without no_new_privs needs root")
	}
	c := shellCommand("grep ^Seccomp: /proc/self/status")
	c.IgnoreSync = true
	out, err := Output(t.Context(), Host{}, c)
	if err != nil || strings.Fields(out)[1] != "2" {
		t.Errorf("no filter in the command: %q %v", out, err)
	}
	if out, _ := Output(t.Context(), Host{}, shellCommand("grep ^Seccomp: /proc/self/status")); strings.Fields(out)[1] == "2" {
		t.Error("the filter leaked into later commands")
	}
	c = shellCommand("dd if=/dev/zero of=" + filepath.Join(t.TempDir(), "f") + " bs=4k count=1 conv=fsync,fdatasync && sync")
	c.IgnoreSync = true
	if err := (Host{}).Run(t.Context(), c); err != nil {
		t.Errorf("fsync must succeed when ignored: %v", err)
	}
}

func TestRootIsChanged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	root := t.TempDir()
	if err := (Host{}).Run(t.Context(), Command{Path: "cp", Args: []string{"/bin/busybox", root}}); err != nil {
		t.Skip("no static busybox on this host to put into a root")
	}
	out, err := Output(t.Context(), Host{}, Command{Path: "/busybox", Args: []string{"pwd"}, Root: root})
	if err != nil || out != "/" {
		t.Errorf("%q %v", out, err)
	}
}

func TestQuoting(t *testing.T) {
	c := Command{Path: "a", Args: []string{"b c", "it's", "", "x=y"}}
	if got := c.String(); got != `a 'b c' 'it'\''s' '' x=y` {
		t.Error(got)
	}
}

// slow takes its time with every piece.
type slow struct{ got int }

func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(200 * time.Millisecond)
	s.got += len(p)
	return len(p), nil
}

func TestASlowReaderGetsEverything(t *testing.T) {
	reader := &slow{}
	c := shellCommand("head -c 600000 /dev/zero")
	c.Stdout = reader
	if err := (Host{}).Run(t.Context(), c); err != nil || reader.got != 600000 {
		t.Errorf("%d bytes, %v", reader.got, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestAReaderThatIsGoneDoesNotDisturbTheProgram(t *testing.T) {
	c := shellCommand("head -c 600000 /dev/zero")
	c.Stdout = broken{}
	if err := (Host{}).Run(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestBothStreamsKeepTheirOrder(t *testing.T) {
	var out strings.Builder
	c := shellCommand("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done; exit 2")
	c.Stdout, c.Stderr = &out, &out
	err := Host{}.Run(t.Context(), c)
	var exit *ExitError
	if !errors.As(err, &exit) || out.String() != "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n" {
		t.Errorf("%v %q", err, out.String())
	}
}
