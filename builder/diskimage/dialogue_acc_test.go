// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dialogue is packer with a person in front of it.
type dialogue struct {
	t        *testing.T
	cmd      *exec.Cmd
	master   *os.File
	mu       sync.Mutex
	text     bytes.Buffer
	read     int           // how much of the text expect has passed
	more     chan struct{} // something was printed, or all was
	finished chan struct{}
}

// enterKey is what the key sends: Packer reads the keyboard uncooked.
const enterKey = "\r"

// interruptKey is Ctrl-C.
const interruptKey = "\x03"

// atTerminal starts packer in a session with a terminal of its own.
func atTerminal(t *testing.T, dir string, env []string, args ...string) *dialogue {
	t.Helper()
	master, slave := openTerminal(t)
	plain(t, slave)
	c := &dialogue{t: t, master: master, more: make(chan struct{}, 1), finished: make(chan struct{})}
	c.cmd = packerCommand(dir, env, args...)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = slave, slave, slave
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	go c.collect()
	t.Cleanup(func() {
		killUnfinished(c.cmd, c.finished)
		<-c.finished
		master.Close()
	})
	return c
}

// plain makes a terminal change nothing on its way; it still sends signals.
func plain(t *testing.T, slave *os.File) {
	t.Helper()
	modes, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	modes.Iflag &^= unix.ICRNL
	modes.Oflag &^= unix.OPOST
	modes.Lflag &^= unix.ICANON | unix.ECHO
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, modes); err != nil {
		t.Fatal(err)
	}
}

// collect reads until the last process has left the terminal, which the kernel
// tells as an I/O error.
func (c *dialogue) collect() {
	defer close(c.finished)
	piece := make([]byte, 4096)
	for {
		n, err := c.master.Read(piece)
		c.mu.Lock()
		c.text.Write(piece[:n])
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
		if err != nil {
			break
		}
	}
	_ = c.cmd.Wait()
}

// output is everything that was shown so far.
func (c *dialogue) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// expect waits for a text, and returns what was shown since the text before.
func (c *dialogue) expect(text string) string {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		shown := c.output()[c.read:]
		if end := strings.Index(shown, text); end >= 0 {
			c.read += end + len(text)
			return shown[:end+len(text)]
		}
		select {
		case <-c.more:
		case <-c.finished:
			if !strings.Contains(c.output()[c.read:], text) {
				c.t.Fatalf("packer ended without showing %q:\n%s", text, c.output())
			}
		case <-deadline:
			c.t.Fatalf("packer did not show %q:\n%s", text, c.output())
		}
	}
}

func (c *dialogue) press(keys string) {
	c.t.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// wait waits for packer's end and returns its exit status.
func (c *dialogue) wait() int {
	c.t.Helper()
	select {
	case <-c.finished:
	case <-time.After(15 * time.Minute):
		c.t.Fatalf("packer does not end:\n%s", c.output())
	}
	return c.cmd.ProcessState.ExitCode()
}

var entranceCommand = regexp.MustCompile(`(?m)^.*? {4}(nsenter .*)$`)

// entrance is the last command for entering the tree in a text.
func entrance(t *testing.T, text string) string {
	t.Helper()
	all := entranceCommand.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		t.Fatalf("the way into the tree is not told:\n%s", text)
	}
	return all[len(all)-1][1]
}

// enter runs a printed command as it stands and types a script into the shell
// that it starts.
func enter(t *testing.T, command, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Stdin = strings.NewReader(script + "\nexit\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
