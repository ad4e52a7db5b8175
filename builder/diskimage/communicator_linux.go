// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox"
)

// communicator lets Packer's provisioners work in the tree.
type communicator struct{ guest *sandbox.Guest }

var _ packersdk.Communicator = (*communicator)(nil)

// Start runs a command. Over RPC the context is never cancelled; what still
// runs when the provisioners end is killed then.
func (c *communicator) Start(ctx context.Context, cmd *packersdk.RemoteCmd) error {
	stdout, stderr := orDiscard(cmd.Stdout), orDiscard(cmd.Stderr)
	go func() {
		status, err := c.guest.Run(ctx, cmd.Command, cmd.Stdin, stdout, stderr)
		if err != nil {
			log.Printf("[ERROR] running a command in the tree: %s", err)
			if _, err := fmt.Fprintln(stderr, err); err != nil {
				log.Printf("[WARN] reporting that: %s", err)
			}
		}
		cmd.SetExited(status)
	}()
	return nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// Upload writes a file in the tree.
func (c *communicator) Upload(dst string, r io.Reader, info *os.FileInfo) error {
	if info == nil {
		return c.guest.Put(dst, r, nil)
	}
	return c.guest.Put(dst, r, *info)
}

// UploadDir copies a directory into the tree, by rsync's rule of the trailing slash.
func (c *communicator) UploadDir(dst, src string, exclude []string) error {
	return c.guest.PutDir(dst, src, exclude)
}

// Download reads a file of the tree.
func (c *communicator) Download(src string, w io.Writer) error { return c.guest.Get(src, w) }

// DownloadDir copies a directory out of the tree, or what a pattern matches.
//
// To a destination that ends in a slash Packer's file provisioner appends the
// pattern itself; nobody wants a directory called "*.txt".
func (c *communicator) DownloadDir(src, dst string, exclude []string) error {
	if _, base := path.Split(src); strings.ContainsAny(base, "*?[") && filepath.Base(dst) == base {
		dst = filepath.Dir(dst)
	}
	return c.guest.GetDir(src, dst, exclude)
}
