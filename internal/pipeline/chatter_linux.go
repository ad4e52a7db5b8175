// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
)

// chatterLog is where the helper dib-quiet writes what package tools print.
func (b *Build) chatterLog() string { return filepath.Join(b.dirs.hooks, guest.ChatterLog) }

// makeChatterLog makes the log, unless all is to be shown.
func (b *Build) makeChatterLog() error {
	if b.opt.Verbose {
		return nil
	}
	if err := os.WriteFile(b.chatterLog(), nil, 0o600); err != nil {
		return fmt.Errorf("making the log of package tools: %w", err)
	}
	return nil
}

// showChatterLog lets hooks in the chroot write to the log.
func (b *Build) showChatterLog(ctx context.Context) error {
	if b.opt.Verbose {
		return nil
	}
	if err := b.tree.Bind(ctx, b.chatterLog(), path.Join(inTarget, guest.ChatterLog), false); err != nil {
		return fmt.Errorf("showing the log of package tools to the chroot: %w", err)
	}
	return nil
}

// SaveChatter puts what package tools printed into the cache directory, where the
// next build of these outputs replaces it, and returns the file; "" if they printed
// nothing.
func (b *Build) SaveChatter() (string, error) {
	if b.work == nil || b.opt.Verbose {
		return "", nil
	}
	text, err := os.ReadFile(b.chatterLog())
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return "", absentIsFine(err)
	}
	// Images of one name in several directories have a log each.
	out := b.opt.Plan.Output
	place, err := filepath.Abs(out.Directory)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.opt.Plan.Workspace.ImageCache, "logs")
	sum := sha256.Sum256([]byte(place))
	file := filepath.Join(dir, fmt.Sprintf("%s-%x.packages.log", out.Name, sum[:4]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("keeping what package tools printed: %w", err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", fmt.Errorf("keeping what package tools printed: %w", err)
	}
	return file, nil
}
