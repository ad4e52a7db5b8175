// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
)

// Guest begins the time of Packer's provisioners: /run and /dev/shm exist now,
// and the directory in which scripts are registered that Repeat runs.
func (b *Build) Guest(ctx context.Context) (*sandbox.Guest, error) {
	if err := b.openGuest(ctx); err != nil {
		return nil, err
	}
	if err := b.openRegister(); err != nil {
		return nil, err
	}
	return b.tree.Guest(b.guestEnvironment().List()), nil
}

func (b *Build) openGuest(ctx context.Context) error {
	if b.guest {
		return nil
	}
	if err := b.tree.MountVolatile(ctx); err != nil {
		return fmt.Errorf("mounting /run and /dev/shm for the provisioners: %w", err)
	}
	b.guest = true
	return nil
}

// guestEnvironment is what commands of provisioners get: a clean one.
func (b *Build) guestEnvironment() Environment {
	env := Environment{"HOME": "/root", "PATH": chrootPath, "LC_ALL": "C.UTF-8", "USER": "root", "LOGNAME": "root", "SHELL": "/bin/sh"}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ftp_proxy"} {
		if value, ok := b.opt.Caller[name]; ok {
			env[name] = value
		}
	}
	return env
}

// KillGuest ends everything that runs in the tree.
func (b *Build) KillGuest(ctx context.Context) error { return b.tree.Kill(ctx) }

// EndGuest ends the time of the provisioners: what they left running is
// killed before their mounts go. Outside that time it does nothing.
func (b *Build) EndGuest(ctx context.Context) error {
	if !b.guest {
		return nil
	}
	if err := errors.Join(b.tree.Kill(ctx), b.tree.UnmountVolatile(ctx)); err != nil {
		return err
	}
	b.guest = false
	return nil
}

// ErrNoTree says that there is no tree to work in: not yet, or not any more.
var ErrNoTree = errors.New("there is no root file system at this point of the build")

// Reopen makes the tree of a build that failed ready for a provisioner once
// more, wherever the build stopped: mounted, with the kernel's file systems and
// the host's name servers. The build cannot go on after that.
func (b *Build) Reopen(ctx context.Context) error {
	tree := b.standingTree()
	if tree == "" {
		return ErrNoTree
	}
	if tree == b.dirs.built {
		if err := os.Remove(b.dirs.mount); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("moving the tree back: %w", err)
		}
		if err := os.Rename(b.dirs.built, b.dirs.mount); err != nil {
			return fmt.Errorf("moving the tree back: %w", err)
		}
	}
	if err := errors.Join(b.lendResolver(), b.mountKernel(ctx)); err != nil {
		return err
	}
	return b.openGuest(ctx)
}
