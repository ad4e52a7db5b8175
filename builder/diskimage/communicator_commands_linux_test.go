// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestCommunicatorText(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		must(t, os.WriteFile(s.path("etc/where"), []byte("inside\n"), 0o644))
		for command, out := range map[string]string{
			`echo 'a"b' "c'd" e\ f`:                         `a"b c'd e f` + "\n",
			`X='it'"'"'s'; echo "$X" '$X' "${X}"`:           "it's $X it's\n",
			`echo $(cat /etc/where) ` + "`echo tick`":       "inside tick\n",
			`test $$ -gt 0 && echo "$$" | grep -c '^[0-9]'`: "1\n",
			`echo "!" '!!' \!`:                              "! !! !\n",
			"echo a\necho b\n\n":                            "a\nb\n",
			"echo 'one\ntwo'":                               "one\ntwo\n",
			"cat <<'E'\n$X `y` \\\nE":                       "$X `y` \\\n",
			"echo 'grüße ✓ 日本'":                             "grüße ✓ 日本\n",
			"# only a comment":                              "",
			"":                                              "",
			"echo %s '%d' \\\\n \"tab\there\"":              "%s %d \\n tab\there\n",
		} {
			s.want(t, command, out)
		}
		long := strings.Repeat(`x"$y\ `, 100_000/6)
		s.want(t, "echo '"+long+"' | wc -c", fmt.Sprintln(len(long)+1))
		s.want(t, strings.Repeat("# a comment\n", 100_000/12)+"echo $# $0 end", "0 /bin/sh end\n")
	})
}

func TestCommunicatorStatus(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		must(t, os.WriteFile(s.path("tmp/plain"), []byte("#!/bin/sh\n"), 0o644))
		must(t, os.WriteFile(s.path("tmp/orphan"), []byte("#!/no/interpreter\n"), 0o755))
		for command, status := range map[string]int{
			"true": 0, "false": 1, "exit 3": 3, "exit 126": 126, "exit 127": 127, "exit 255": 255,
			"no-such-program": 127, "/no/such/program": 127, "/tmp/plain": 126, "/etc": 126, "/tmp/orphan": 127,
			"kill -9 $$": 137, "kill -TERM $$": 143, "kill -PIPE $$": 141, "kill -INT $$; sleep 900": 130,
			"sh -c 'kill -9 $$'": 137, "echo x\x00y": 126,
		} {
			if got := s.run(t, command, nil); got.status != status {
				t.Errorf("%q: %d, not %d (%q)", command, got.status, status, got.errs)
			}
		}
		must(t, os.Remove(s.path("bin/sh")))
		got := s.run(t, "echo secret", nil)
		if got.status != 127 || !strings.Contains(got.errs, "no /bin/sh") || strings.Contains(got.errs, "secret") {
			t.Errorf("without a shell: %+v", got)
		}
	})
}

func TestCommunicatorOutput(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		got := s.run(t, "echo 1; echo 2 >&2; echo 3; echo 4 >&2; printf end", nil)
		if got.out != "1\n3\nend" || got.errs != "2\n4\n" {
			t.Errorf("%+v", got)
		}
		const size = 10 << 20
		line := "sixteen letters\n"
		whole := strings.Repeat(line, size/len(line))
		got = s.run(t, "cat; exit 3", strings.NewReader(whole))
		if got.status != 3 || got.out != whole {
			t.Errorf("%d bytes of %d, status %d", len(got.out), size, got.status)
		}
		some := whole[:size/8]
		got = s.run(t, "cat >&2", strings.NewReader(some))
		if got.errs != some {
			t.Errorf("%d bytes of %d on the standard error", len(got.errs), len(some))
		}
		cmd := &packersdk.RemoteCmd{Command: "cat /bin/busybox; cat /bin/busybox >&2; exit 5"} // nobody listens
		must(t, s.Start(t.Context(), cmd))
		if status := ended(t, cmd); status != 5 {
			t.Errorf("without readers: %d", status)
		}
	})
}

func TestCommunicatorInput(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		never, writer := io.Pipe()
		defer writer.Close()
		long := strings.Repeat("x", 1<<20)
		for name, tc := range map[string]struct {
			command string
			stdin   io.Reader
			want    result
		}{
			"none":                      {"cat; echo end", nil, result{out: "end\n"}},
			"empty":                     {"cat; echo end", strings.NewReader(""), result{out: "end\n"}},
			"finite":                    {"cat", strings.NewReader("a\nb"), result{out: "a\nb"}},
			"larger than a pipe":        {"sleep 0.1; wc -c", strings.NewReader(long), result{out: "1048576\n"}},
			"ignored":                   {"echo x; exit 4", strings.NewReader(long), result{out: "x\n", status: 4}},
			"closed early":              {"head -c 3; exec <&-; echo", strings.NewReader(long), result{out: "xxx\n"}},
			"never closing":             {"echo y; exit 5", never, result{out: "y\n", status: 5}},
			"never closing, background": {"sleep 900 & echo z", never, result{out: "z\n"}},
		} {
			if got := s.run(t, tc.command, tc.stdin); got != tc.want {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

// A daemon that a command leaves behind goes on, and does not hold the command.
func TestCommunicatorDaemons(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		var all sync.WaitGroup
		for _, daemon := range []string{
			"sleep 900 & echo started",
			"setsid sleep 900 & echo started",
			"(setsid sh -c 'sleep 900 & exec sleep 900' &); echo started",
			"while :; do echo flood || exit; done & echo started >&2",
		} {
			all.Go(func() {
				if got := s.run(t, daemon, nil); !strings.Contains(got.out+got.errs, "started\n") || got.status != 0 {
					t.Errorf("%s: %.200q %d", daemon, got.out, got.status)
				}
			})
		}
		all.Wait()
		// The flood ends with its pipe.
		eventually(t, "four daemons were left alone", func() bool { return len(s.processes()) == 4 })
	})
}

// family is a command with descendants of all kinds, that says when they run.
const family = "sleep 900 & setsid sh -c 'sleep 901 & (setsid sleep 902 >/dev/null 2>&1 <&1 &); setsid sleep 903 & echo up; wait' & wait"

// start starts the family and waits until it is there.
func (s *subject) start(ctx context.Context, t *testing.T) *packersdk.RemoteCmd {
	t.Helper()
	reader, writer := io.Pipe()
	cmd := &packersdk.RemoteCmd{Command: family, Stdout: writer}
	must(t, s.Start(ctx, cmd))
	if _, err := io.ReadFull(reader, make([]byte, len("up\n"))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the whole family runs", func() bool { return len(s.processes()) >= 6 })
	return cmd
}

func TestCommunicatorKillAll(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		one, two := s.start(t.Context(), t), s.start(t.Context(), t)
		must(t, s.guest.KillAll(t.Context()))
		if left := s.processes(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if a, b := ended(t, one), ended(t, two); a != 137 || b != 137 {
			t.Errorf("statuses %d and %d", a, b)
		}
		s.want(t, "echo again", "again\n")
	})
}

// Packer cancels a provisioner or its time is over: RPC does not tell us, so
// that only KillAll ends what it started. Directly the context does.
func TestCommunicatorCancel(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		ctx, cancel := context.WithCancel(t.Context())
		ui := &calledUi{MockUi: packersdk.MockUi{}, said: make(chan struct{})}
		done := make(chan error, 1)
		cmd := &packersdk.RemoteCmd{Command: "echo up; sleep 900 & setsid sleep 901 & wait"}
		go func() { done <- cmd.RunWithUi(ctx, s, ui) }()
		<-ui.said
		eventually(t, "all run", func() bool { return len(s.processes()) == 3 })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if s.remote {
			must(t, s.guest.KillAll(t.Context()))
		}
		if status := ended(t, cmd); status != 137 {
			t.Errorf("status %d", status)
		}
		eventually(t, "nothing runs", func() bool { return len(s.processes()) == 0 })
	})
}

// calledUi tells when something was said for the first time.
type calledUi struct {
	packersdk.MockUi
	once sync.Once
	said chan struct{}
}

func (u *calledUi) Say(string) { u.once.Do(func() { close(u.said) }) }

func TestCommunicatorConcurrency(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				name := fmt.Sprintf("/tmp/script %d", i)
				if err := s.Upload(name, strings.NewReader(fmt.Sprintf("#!/bin/sh\ncat; echo %d >&2; exit %d", i, i)), nil); err != nil {
					t.Error(err)
				}
				got := s.run(t, fmt.Sprintf("chmod +x '%s' && '%s'", name, name), strings.NewReader(name))
				if want := (result{name, fmt.Sprintln(i), i}); got != want {
					t.Errorf("%+v, not %+v", got, want)
				}
			})
		}
		all.Wait()
	})
}

func TestCommunicatorEnvironment(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		got := s.run(t, "env", nil)
		lines := strings.Fields(got.out)
		slices.Sort(lines)
		// SHLVL and PWD are the shell's.
		want := []string{"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PWD=/", "SHLVL=1"}
		if !slices.Equal(lines, want) {
			t.Errorf("%q, not %q", lines, want)
		}
		s.want(t, "pwd; umask; id -u; id -g", "/\n0022\n0\n0\n")
		s.want(t, "touch /tmp/new; mkdir /tmp/dir; stat -c %a /tmp/new /tmp/dir", "644\n755\n")
	})
}

// What a command gets of this process: three streams and no ignored signals. An
// open directory would be a way out of the tree.
func TestCommunicatorInheritance(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		cmd := &packersdk.RemoteCmd{Command: "exec sleep 900"}
		must(t, s.Start(t.Context(), cmd))
		proc := s.running(t, "sleep", "900")
		entries, err := os.ReadDir(proc + "/fd")
		must(t, err)
		for _, e := range entries {
			to, err := os.Readlink(proc + "/fd/" + e.Name())
			if must(t, err); to != "/dev/null" && !strings.HasPrefix(to, "pipe:") {
				t.Errorf("descriptor %s is %s", e.Name(), to)
			}
		}
		// Who started us may ignore signals (nohup, a shell in the background).
		for _, signals := range []string{"SigIgn", "SigBlk"} {
			// While one of our threads starts a program it blocks all signals.
			eventually(t, signals+" are ours", func() bool { return mask(t, proc, signals) == mask(t, "/proc/self", signals) })
		}
	})
}

// mask is a set of signals of a process, as the kernel writes it.
func mask(t *testing.T, proc, name string) string {
	t.Helper()
	status, err := os.ReadFile(proc + "/status")
	must(t, err)
	_, after, found := strings.Cut(string(status), name+":\t")
	if !found {
		t.Fatalf("no %s in\n%s", name, status)
	}
	value, _, _ := strings.Cut(after, "\n")
	return value
}
