// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/rpc"
	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
)

// What a provisioner may expect of a communicator, in the twelve groups of the
// reference: communicator_commands (1 to 8), communicator_upload (9, 10),
// communicator_download (11); 12, that nothing of ours stays, is checked at the
// end of each. communicator_calls repeats what well-known provisioners do.

// patience is for what should happen soon, on a machine that is busy.
const patience = 5 * time.Minute

// subject is a communicator under test.
type subject struct {
	packersdk.Communicator
	// guest is what it works on, in the directory root.
	guest *sandbox.Guest
	root  string
	// remote is true if Packer's RPC is between.
	remote bool
}

// conform runs a test twice: directly against our communicator, and as a
// provisioner gets it, through Packer's RPC.
func conform(t *testing.T, test func(t *testing.T, s *subject)) {
	t.Parallel()
	for name, remote := range map[string]bool{"direct": false, "rpc": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newSubject(t, remote))
		})
	}
}

func newSubject(t *testing.T, remote bool) *subject {
	t.Helper()
	root, err := filepath.EvalSymlinks(sandboxtest.Root(t)) // as /proc has it
	must(t, err)
	// sh starts background jobs with this; mounting a real one is not the point.
	must(t, os.WriteFile(filepath.Join(root, "dev/null"), nil, 0o666))
	guest := sandbox.NewTree(root, command.Host{}).Guest(nil)
	s := &subject{Communicator: &communicator{guest: guest}, guest: guest, root: root, remote: remote}
	if remote {
		s.Communicator = throughRPC(t, s.Communicator)
	}
	t.Cleanup(func() {
		must(t, guest.KillAll(context.Background()))
		if left := s.processes(); len(left) > 0 {
			t.Errorf("left running: %v", left)
		}
		must(t, filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if strings.HasPrefix(filepath.Base(path), ".upload-") {
				t.Errorf("left in the tree: %s", path)
			}
			return err
		}))
	})
	return s
}

// throughRPC is what a provisioner in another process gets.
func throughRPC(t *testing.T, c packersdk.Communicator) packersdk.Communicator {
	t.Helper()
	here, there := net.Pipe()
	server, err := rpc.NewServer(there)
	must(t, err)
	must(t, server.RegisterCommunicator(c))
	go server.Serve()
	client, err := rpc.NewClient(here)
	must(t, err)
	t.Cleanup(func() {
		must(t, client.Close())
		must(t, server.Close())
	})
	return client.Communicator()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// path is a path of the tree as the host has it.
func (s *subject) path(name string) string { return filepath.Join(s.root, name) }

// processes are those whose root directory is the tree.
func (s *subject) processes() []int {
	var pids []int
	roots, _ := filepath.Glob("/proc/[0-9]*/root")
	for _, link := range roots {
		if root, err := os.Readlink(link); err == nil && root == s.root {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

// running waits until a program runs in the tree and returns its directory in /proc.
func (s *subject) running(t *testing.T, args ...string) (proc string) {
	t.Helper()
	eventually(t, strings.Join(args, " ")+" runs", func() bool {
		for _, pid := range s.processes() {
			proc = fmt.Sprintf("/proc/%d", pid)
			text, _ := os.ReadFile(proc + "/cmdline")
			if string(text) == strings.Join(args, "\x00")+"\x00" {
				return true
			}
		}
		return false
	})
	return proc
}

// result is what a command printed and how it ended.
type result struct {
	out, errs string
	status    int
}

// run runs a command to its end.
func (s *subject) run(t *testing.T, command string, stdin io.Reader) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := &packersdk.RemoteCmd{Command: command, Stdin: stdin, Stdout: &out, Stderr: &errs}
	if err := s.Start(t.Context(), cmd); err != nil {
		t.Error(err)
		return result{status: -1}
	}
	status := ended(t, cmd)
	if status < 0 {
		return result{status: status} // the buffers are still written to
	}
	return result{out.String(), errs.String(), status}
}

// want runs a command that must print something, and nothing on its standard error.
func (s *subject) want(t *testing.T, command, out string) {
	t.Helper()
	if got := s.run(t, command, nil); got != (result{out: out}) {
		t.Errorf("%.200s: %.500q, not %.500q", command, got, out)
	}
}

// ended waits for a command's end and returns its status.
func ended(t *testing.T, cmd *packersdk.RemoteCmd) int {
	t.Helper()
	status := make(chan int, 1)
	go func() { status <- cmd.Wait() }()
	select {
	case s := <-status:
		return s
	case <-time.After(patience):
		t.Errorf("%.200s: not ended after %v", cmd.Command, patience)
		return -1
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// uncopyable fills a directory with one file and with what cannot be copied:
// dangling, circle, fifo, device.
func uncopyable(t *testing.T, dir string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, "z"), []byte("z"), 0o644))
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	must(t, os.Symlink(".", filepath.Join(dir, "circle")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	must(t, unix.Mknod(filepath.Join(dir, "device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
}
