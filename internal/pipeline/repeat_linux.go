// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/repeat"
)

// repeatPhase is the name of what Repeat does, among those of phases.
const repeatPhase = "repeat"

// openRegister makes the directory in which provisioners register scripts. It
// is on a tmpfs: nothing of it gets into the image.
func (b *Build) openRegister() error {
	dir, err := inside(b.dirs.mount, repeat.Dir[1:], true)
	if err != nil {
		return fmt.Errorf("making the directory in which provisioners register scripts: %w", err)
	}
	return dir.Close()
}

// TakeRegistered takes what provisioners registered, before the tmpfs goes.
func (b *Build) TakeRegistered() (err error) {
	if !b.guest {
		return nil
	}
	dir, err := inside(b.dirs.mount, repeat.Dir[1:], false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // taken already, or a provisioner removed it
	}
	if err != nil {
		return fmt.Errorf("taking the scripts that provisioners registered: %w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	b.repeats, err = repeat.Read(dir.FS())
	if err != nil {
		return fmt.Errorf("taking the scripts that provisioners registered: %w", err)
	}
	return nil
}

// Repeat runs, inside the tree, the scripts that provisioners registered. All
// mount points are known now, and no later phase can undo what they do.
func (b *Build) Repeat(ctx context.Context) error {
	names := make([]string, len(b.repeats))
	for i, s := range b.repeats {
		names[i] = s.Name
	}
	left := len(b.left(repeatPhase, names))
	if left == 0 && !b.begun[repeatPhase] {
		return nil
	}
	b.begun[repeatPhase] = true
	if err := b.mountKernel(ctx); err != nil {
		return err
	}
	if err := b.openGuest(ctx); err != nil {
		return err
	}
	of := ""
	if left < len(names) {
		of = fmt.Sprintf(", %d left", left)
	}
	b.opt.Report.Say(fmt.Sprintf("%s: %s of provisioners%s", repeatPhase, count(len(names), "script"), of))
	for _, s := range b.repeats {
		if b.done[repeatPhase][s.Name] {
			continue
		}
		if err := b.repeatOne(ctx, s); err != nil {
			return err
		}
		b.succeeded(repeatPhase, s.Name)
	}
	if err := errors.Join(b.EndGuest(ctx), b.unmountKernel(ctx)); err != nil {
		return fmt.Errorf("unmounting the kernel's file systems from the image: %w", err)
	}
	return nil
}

func (b *Build) repeatOne(ctx context.Context, s repeat.Script) error {
	b.opt.Report.Say("  " + repeatPhase + "/" + s.Name)
	began, out := time.Now(), &output{report: b.opt.Report}
	guest := b.tree.Guest(append(b.guestEnvironment().List(), repeat.Variable+"=yes"))
	status, err := guest.Run(ctx, s.Text, nil, out, out)
	b.timings = append(b.timings, Timing{repeatPhase, s.Name, time.Since(began)})
	last := out.flush()
	if err == nil && status != 0 {
		err = fmt.Errorf("exit status %d", status)
		if len(last) > 0 {
			err = fmt.Errorf("%w; its last lines were:\n    %s", err, strings.Join(last, "\n    "))
		}
	}
	if err != nil {
		return fmt.Errorf("repeating %s, which a provisioner registered: %w", s.Name, err)
	}
	return nil
}
