// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Host runs commands on this machine.
type Host struct{}

// Run starts c and waits for its end. If the context ends first, its
// process group and all its descendants are killed (Linux) and the context's
// error is returned.
func (Host) Run(ctx context.Context, c Command) error {
	r, err := prepare(ctx, c)
	if err != nil {
		return err
	}
	if err := start(r.cmd, c.IgnoreSync); err != nil {
		return errors.Join(fmt.Errorf("starting %s: %w", c, err), r.abandon())
	}
	if r.stdin != nil {
		go pump(r.stdin, c.Stdin)
	}
	for _, s := range r.streams {
		s.begin()
	}
	err = r.cmd.Wait()
	var ends sync.WaitGroup
	for _, s := range r.streams {
		ends.Go(s.finish) // together: a daemon often holds both
	}
	ends.Wait()
	return r.outcome(ctx, c, err)
}

// run is a program about to run and its streams.
type run struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	streams []*stream
	tail    tail
}

func prepare(ctx context.Context, c Command) (*run, error) {
	path := c.Path
	if c.Root == "" {
		var err error
		if path, err = LookPath(c.Path, pathOf(c.Env)); err != nil {
			return nil, err
		}
	}
	r := &run{cmd: exec.CommandContext(ctx, path, c.Args...)}
	r.cmd.Dir = c.Dir
	r.cmd.Env = c.Env
	if len(c.Env) == 0 {
		r.cmd.Env = []string{"PATH=" + defaultPath}
	}
	r.cmd.ExtraFiles = c.Files
	if err := errors.Join(r.connect(c), configure(r.cmd, c)); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", c, err), r.abandon())
	}
	return r, nil
}

// connect gives the program pipes. Those that os/exec makes would not do: its
// Wait hangs on a standard input that never ends, and it either waits for
// daemons that hold the output or cuts off what a slow reader has not taken.
func (r *run) connect(c Command) (err error) {
	if c.Stdin != nil {
		if r.stdin, err = r.cmd.StdinPipe(); err != nil {
			return err
		}
	}
	if c.Stdout != nil && c.Stdout == c.Stderr {
		// One pipe keeps the order of both.
		shared, err := r.stream(io.MultiWriter(c.Stdout, &r.tail))
		r.cmd.Stdout, r.cmd.Stderr = shared, shared
		return err
	}
	if c.Stdout != nil {
		out, err := r.stream(c.Stdout)
		if err != nil {
			return err
		}
		r.cmd.Stdout = out
	}
	stderr := io.Writer(&r.tail)
	if c.Stderr != nil {
		stderr = io.MultiWriter(c.Stderr, stderr)
	}
	errs, err := r.stream(stderr)
	r.cmd.Stderr = errs
	return err
}

func (r *run) stream(to io.Writer) (*os.File, error) {
	s, err := newStream(to)
	if err != nil {
		return nil, err
	}
	r.streams = append(r.streams, s)
	return s.write, nil
}

// abandon closes the pipes of a program that did not start.
func (r *run) abandon() error {
	var errs []error
	for _, s := range r.streams {
		errs = append(errs, s.read.Close(), s.write.Close())
	}
	if r.stdin != nil {
		errs = append(errs, r.stdin.Close())
	}
	return errors.Join(errs...)
}

func pump(dst io.WriteCloser, src io.Reader) {
	// The program may end or close its input first; either is its right.
	_, _ = io.Copy(dst, src)
	_ = dst.Close()
}

func (r *run) outcome(ctx context.Context, c Command, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s was stopped: %w", c.Path, ctx.Err())
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return &ExitError{Command: c.String(), Status: status(r.cmd.ProcessState), Stderr: r.tail.String()}
	default:
		return fmt.Errorf("running %s: %w", c, err)
	}
}
