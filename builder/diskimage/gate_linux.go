// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

// errShut answers provisioners that go on after their time: those of a build
// that was cancelled, or that ran into their timeout.
var errShut = errors.New("the provisioners' time is over: the image's root file system is closed to them")

// gate is a communicator that can be closed for good, with everything that was
// started through it ended.
type gate struct {
	inner packersdk.Communicator

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var _ packersdk.Communicator = (*gate)(nil)

func newGate(inner packersdk.Communicator) *gate { return &gate{inner: inner} }

// lookEvery is how often shut kills again while commands still run: one may
// just be starting.
const lookEvery = 50 * time.Millisecond

// endTime is how long killed commands may take to end.
const endTime = 10 * time.Second

// shut refuses what comes from now on, and kills until no command is left.
func (g *gate) shut(ctx context.Context, kill func(context.Context) error) error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		g.running.Wait()
		close(ended)
	}()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	deadline := time.After(endTime)
	for {
		if err := kill(ctx); err != nil {
			return err
		}
		select {
		case <-ended:
			// The last of them may have left something behind.
			return kill(ctx)
		case <-ticker.C:
		case <-deadline:
			return errors.New("a command does not end although it was killed")
		}
	}
}

// enter counts a call in, unless the gate is closed.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errShut
	}
	g.running.Add(1)
	return nil
}

// Start runs a command, which counts until it has ended.
func (g *gate) Start(ctx context.Context, cmd *packersdk.RemoteCmd) error {
	if err := g.enter(); err != nil {
		return err
	}
	if err := g.inner.Start(ctx, cmd); err != nil {
		g.running.Done()
		return err
	}
	go func() {
		defer g.running.Done()
		cmd.Wait()
	}()
	return nil
}

// transfer is a copy in or out. It is not waited for: its other end may be gone.
func (g *gate) transfer(do func() error) error {
	if err := g.enter(); err != nil {
		return err
	}
	g.running.Done()
	return do()
}

func (g *gate) Upload(path string, r io.Reader, info *os.FileInfo) error {
	return g.transfer(func() error { return g.inner.Upload(path, r, info) })
}

func (g *gate) UploadDir(dst, src string, exclude []string) error {
	return g.transfer(func() error { return g.inner.UploadDir(dst, src, exclude) })
}

func (g *gate) Download(path string, w io.Writer) error {
	return g.transfer(func() error { return g.inner.Download(path, w) })
}

func (g *gate) DownloadDir(src, dst string, exclude []string) error {
	return g.transfer(func() error { return g.inner.DownloadDir(src, dst, exclude) })
}
