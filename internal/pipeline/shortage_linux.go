// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// ShortageError is an error of a build that had no room left.
type ShortageError struct {
	// Shortage says which file system is full and what to do.
	Shortage string
	// Err is what failed for it.
	Err error
}

// Error begins with what to do: what failed for it may be long.
func (e *ShortageError) Error() string { return e.Shortage + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *ShortageError) Unwrap() error { return e.Err }

// Explain adds to an error of the build which file system is full, if one is,
// and what to do about it. It must be called before anything is released.
func (b *Build) Explain(err error) error {
	var short *ShortageError
	var hook *HookError
	var output *image.NoSpaceError
	switch {
	case err == nil, errors.As(err, &short), errors.As(err, &output), errors.As(err, &hook) && hook.Hint != "":
		return err
	}
	if text := b.shortage(err.Error()); text != "" {
		return &ShortageError{text, err}
	}
	return err
}

// place is a directory in which a build writes.
type place struct{ dir, name, remedy string }

// places are all of them, the image's own file systems first.
func (b *Build) places() []place {
	var places []place
	if b.disk != nil {
		for _, dir := range b.disk.MountPoints() {
			places = append(places, place{dir, "the image's file system of /" + strings.Trim(strings.TrimPrefix(dir, b.dirs.mount), "/"),
				"raise disk_size or image_extra_size"})
		}
	}
	if b.work != nil {
		if b.opt.Plan.Workspace.MemoryBytes > 0 {
			places = append(places, place{b.dirs.build, "the tree in memory",
				`set tmpfs = "never" to have it in work_directory, or free memory`})
		}
		places = append(places, place{b.work.Path(), "work_directory: the file system of " + b.opt.WorkParent,
			"free space there or set work_directory to a directory of a larger one"})
	}
	if b.staging != nil {
		out := b.opt.Plan.Output.Directory
		places = append(places, place{b.staging.Dir(), "output_directory: the file system of " + out,
			"free space there or choose an output_directory on a larger one"})
	}
	temporary := os.TempDir()
	return append(places, place{temporary, "the file system of " + temporary, "free space there or set TMPDIR"})
}

// shortage says which places are full, "" if none is. What failed may have
// taken back what it wrote: if it said that there was no space, the place that
// the build was filling is named.
func (b *Build) shortage(said string) string {
	var full, likely string
	seen := map[uint64]bool{}
	for _, p := range b.places() {
		var at unix.Stat_t
		var st unix.Statfs_t
		if unix.Stat(p.dir, &at) != nil || unix.Statfs(p.dir, &st) != nil || seen[at.Dev] {
			continue
		}
		// A place that is not mounted any more is a directory of the next.
		seen[at.Dev] = true
		how := fullness(&st)
		switch {
		case how == "" && likely == "":
			likely = fmt.Sprintf("%s had no space left (%s free now); %s", p.name, plan.Bytes(int64(st.Bfree)*st.Bsize), p.remedy)
		case how != "" && full != "":
			full += "; "
			fallthrough
		case how != "":
			full += fmt.Sprintf("%s %s; %s", p.name, how, p.remedy)
		}
	}
	if full == "" && strings.Contains(strings.ToLower(said), "no space left on device") {
		return likely
	}
	return full
}

// fullness says how a file system is full, "" if it is not. Programs that run
// out of space often take back what they wrote last, so a little may be free.
func fullness(st *unix.Statfs_t) string {
	const most = 8 << 20
	size, free := int64(st.Blocks)*st.Bsize, int64(st.Bfree)*st.Bsize
	switch {
	case st.Files > 0 && st.Ffree == 0:
		return fmt.Sprintf("has no inodes left, it is full with %d files", st.Files)
	case st.Blocks > 0 && free < min(most, size/64):
		return fmt.Sprintf("is full (%s of %s free)", plan.Bytes(free), plan.Bytes(size))
	}
	return ""
}
