// SPDX-License-Identifier: MPL-2.0

// Package qemu boots a disk image in QEMU and reads what it says.
//
// A Machine is one x86_64 guest: it boots a throw-away overlay of an image, so
// that the image itself is never changed, under SeaBIOS, UEFI or with a kernel
// given directly. All that is known of the guest comes over its serial console,
// which is QEMU's standard output: WaitFor looks for a line, Send types. The
// guest has only the devices that its Spec asks for, no display, and lives no
// longer than the context it was started with.
//
// By default the processor is emulated (TCG), which works everywhere. KVM is
// for those who ask for it and have seen ProbeKVM succeed: a /dev/kvm that can
// be opened is no proof that a guest runs.
package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

const (
	program     = "qemu-system-x86_64"
	imageTool   = "qemu-img"
	dirPrefix   = "packer-diskimage-qemu-"
	closingTime = time.Minute
)

// Machine is a running guest. It is safe for concurrent use.
type Machine struct {
	console *console
	stdin   *io.PipeWriter
	cancel  context.CancelFunc
	dir     *workdir.Dir
	ssh     string
	port    io.Closer // keeps the port of ssh for QEMU; nil without

	done chan struct{} // closed when QEMU has ended
	err  error         // how it ended; to be read after done

	stopping sync.Mutex
	stopped  bool // by Stop, which has also removed dir
}

// Start boots a machine. It lives until Stop or Close, the guest's own power
// off, or the end of ctx, whichever is first; Stop must be called in any case.
func Start(ctx context.Context, runner command.Runner, spec Spec) (*Machine, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, fmt.Errorf("starting a virtual machine: %w", err)
	}
	if _, err := command.Output(ctx, runner, tool(program, "-version")); err != nil {
		return nil, fmt.Errorf("starting a virtual machine: %w; install QEMU for x86_64 (qemu-system-x86 on Debian and Ubuntu, "+
			"qemu-system-x86-core on Fedora, qemu-x86 on openSUSE)", err)
	}
	m := &Machine{console: newConsole(spec.Console), done: make(chan struct{})}
	args, err := m.prepare(ctx, runner, spec)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a virtual machine: %w", err), m.releasePort(), m.removeDir())
	}
	if err := m.run(ctx, runner, args); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a virtual machine: %w", err), m.releasePort(), m.removeDir())
	}
	return m, nil
}

// prepare makes the files of the machine and returns QEMU's arguments.
func (m *Machine) prepare(ctx context.Context, runner command.Runner, spec Spec) ([]string, error) {
	parent := spec.WorkDir
	if parent == "" {
		parent = os.TempDir()
	}
	// What is left of killed runs is not worth failing for.
	_, _ = workdir.Sweep(parent, dirPrefix)
	var err error
	if m.dir, err = workdir.Create(parent, dirPrefix); err != nil {
		return nil, err
	}
	args := newArguments(spec)
	if spec.ForwardSSH {
		port, held, err := reservePort()
		if err != nil {
			return nil, err
		}
		m.port, m.ssh = held, fmt.Sprintf("127.0.0.1:%d", port)
	}
	args.network(spec, m.ssh)
	if err := errors.Join(m.disk(ctx, runner, spec, args), args.media(spec)); err != nil {
		return nil, err
	}
	if err := m.firmware(spec, args); err != nil {
		return nil, err
	}
	for i, item := range spec.FirmwareConfig {
		file := filepath.Join(m.dir.Path(), fmt.Sprintf("fw_cfg-%d", i))
		if err := os.WriteFile(file, []byte(item.Content), 0o600); err != nil {
			return nil, err
		}
		args.add("-fw_cfg", "name="+comma(item.Name)+",file="+comma(file))
	}
	return args.list(), nil
}

// run starts QEMU and returns; done tells of its end.
func (m *Machine) run(ctx context.Context, runner command.Runner, args []string) error {
	c, line, err := lifeline(tool(program, args...))
	if err != nil {
		return err
	}
	ctx, m.cancel = context.WithCancel(ctx)
	input, stdin := io.Pipe()
	m.stdin = stdin
	c.Stdin, c.Stdout, c.IgnoreSync = input, m.console, true
	go func() {
		defer close(m.done)
		m.err = runner.Run(ctx, c)
		for _, file := range append(c.Files, line) {
			_ = file.Close() // nothing was written
		}
		_ = m.releasePort() // nothing was sent
		input.CloseWithError(errors.New("the virtual machine has ended"))
	}()
	return nil
}

// WaitFor waits until the serial console shows a line that want accepts and
// returns that line. It looks at all that was said since the last Send or Mark,
// or since the start; a line without its end (a prompt) counts once it has been
// quiet. A line that one of unless accepts is an error at once. So are the end
// of ctx and of QEMU; all errors show the last 40 lines of the console.
func (m *Machine) WaitFor(ctx context.Context, want Match, unless ...Match) (string, error) {
	line, err := m.console.wait(ctx, m.done, want, unless)
	if err == nil {
		return line, nil
	}
	if errors.Is(err, errEnded) && m.err != nil {
		err = fmt.Errorf("%w: %w", err, m.err)
	}
	return "", fmt.Errorf("waiting for %s on the serial console: %w\n%s", want.Name, err, m.console.tail(40))
}

// Console is all that the guest has said, without escape sequences.
func (m *Machine) Console() string { return m.console.text() }

// Lines are the lines of the console with the time at which each began.
func (m *Machine) Lines() []Line { return m.console.all() }

// Mark makes later calls of WaitFor look only at what is said from now on.
func (m *Machine) Mark() { m.console.forget() }

// Send types text on the serial console; "\n" is the enter key. WaitFor then
// looks only at what is said afterwards.
func (m *Machine) Send(text string) error {
	m.Mark()
	// A terminal sends a carriage return for that key, and UEFI wants one.
	text = strings.ReplaceAll(text, "\n", "\r")
	if _, err := io.WriteString(m.stdin, text); err != nil {
		return fmt.Errorf("typing on the serial console: %w", err)
	}
	return nil
}

// SSHAddress is the host and port that lead to the guest's port 22; empty
// unless the Spec asked for it.
func (m *Machine) SSHAddress() string { return m.ssh }

// Wait waits for QEMU's end, as after a power off in the guest. An end other
// than that is an error.
func (m *Machine) Wait(ctx context.Context) error {
	select {
	case <-m.done:
		return m.err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the virtual machine to power off: %w\n%s", ctx.Err(), m.console.tail(40))
	}
}

// Stop ends the guest at once, waits until QEMU is gone and removes the files
// of the machine. The overlay is lost, so there is nothing to shut down
// properly. A QEMU that had failed before is an error. Later calls do nothing.
func (m *Machine) Stop(ctx context.Context) error {
	m.stopping.Lock()
	defer m.stopping.Unlock()
	if m.stopped {
		return nil
	}
	var early error
	select {
	case <-m.done:
		if !errors.Is(m.err, context.Canceled) && !errors.Is(m.err, context.DeadlineExceeded) {
			early = m.err
		}
	default:
	}
	m.cancel()
	select {
	case <-m.done:
	case <-ctx.Done():
		return fmt.Errorf("stopping the virtual machine: %w", ctx.Err())
	}
	m.stopped = true
	return errors.Join(early, m.stdin.Close(), m.removeDir())
}

// Close is the net for a Stop that was not reached. It is harmless after Stop.
func (m *Machine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	return m.Stop(ctx)
}

func (m *Machine) releasePort() error {
	if m.port == nil {
		return nil
	}
	return m.port.Close()
}

func (m *Machine) removeDir() error {
	if m.dir == nil {
		return nil
	}
	if err := m.dir.Remove(); err != nil {
		return fmt.Errorf("removing the files of the virtual machine: %w", err)
	}
	return nil
}
