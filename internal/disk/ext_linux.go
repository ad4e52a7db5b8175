// SPDX-License-Identifier: MPL-2.0

//go:build linux

package disk

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// ext4Profile takes the place of the host's mke2fs.conf, so that the features
// do not depend on the host's release: kernels and boot loaders of all
// supported guests read these. Blocks are 4 KiB but on floppy-sized file
// systems, since images grow.
const ext4Profile = `[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	enable_periodic_fsck = 0
	blocksize = 4096
	inode_size = 256
	inode_ratio = 16384
[fs_types]
	ext3 = {
		features = has_journal
	}
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
	small = {
		inode_ratio = 4096
	}
	floppy = {
		blocksize = 1024
		inode_ratio = 8192
	}
	big = {
		inode_ratio = 32768
	}
	huge = {
		inode_ratio = 65536
	}
	news = {
		inode_ratio = 4096
	}
	largefile = {
		inode_ratio = 1048576
	}
	largefile4 = {
		inode_ratio = 4194304
	}
`

// makeExt makes a file system of the ext family directly in the raw file and
// fills it with the part's files in the same run.
func (d *Disk) makeExt(ctx context.Context, q *part) error {
	profile, err := os.CreateTemp("", "mke2fs-*.conf")
	if err != nil {
		return fmt.Errorf("making the file system %q: %w", q.fs.Name, err)
	}
	defer os.Remove(profile.Name())
	_, err = profile.WriteString(ext4Profile)
	if err = firstError(err, profile.Close()); err != nil {
		return fmt.Errorf("writing the mke2fs profile: %w", err)
	}
	c := command.Command{Path: "mke2fs", Args: d.extArgs(q), IgnoreSync: true, Env: []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
		"MKE2FS_CONFIG=" + profile.Name(),
	}}
	if t := d.spec.Time; t != nil {
		epoch := strconv.FormatInt(t.Unix(), 10)
		c.Env = append(c.Env, "SOURCE_DATE_EPOCH="+epoch, "E2FSPROGS_FAKE_TIME="+epoch)
	}
	run := func() error { return d.spec.Runner.Run(ctx, c) }
	if err := d.whileGrowing(ctx, q, func() error { return q.withoutBelow(ctx, run) }); err != nil {
		return fmt.Errorf("making the file system %q (%s, %d bytes) with %d entries that take %d bytes: %w%s",
			q.fs.Name, q.fs.Type, q.extent.Bytes, q.entries, q.bytes, err, hintSpace(err))
	}
	return nil
}

// extArgs is the command line of mke2fs. It heeds only the last -E, so that
// those of the layout are joined with ours.
func (d *Disk) extArgs(q *part) []string {
	options, extended := splitExtended(q.fs.Options)
	extended = append(extended,
		"hash_seed="+deriveUUID(d.spec.Seed, "hash "+q.fs.Name),
		"lazy_itable_init=0", "lazy_journal_init=1", // the file is new, so it is zero already
		"root_owner=0:0",
		fmt.Sprintf("offset=%d", q.extent.Start))
	args := []string{"-F", "-q", "-t", q.fs.Type, "-L", q.fs.Label, "-U", d.uuid(q), "-E", strings.Join(extended, ",")}
	if d.spec.Placed.Layout.SectorSize == 4096 {
		args = append(args, "-b", "4096")
	}
	args = append(args, options...)
	if q.source != "" {
		args = append(args, "-d", q.source)
	}
	return append(args, d.spec.Path, fmt.Sprintf("%dk", q.extent.Bytes/1024))
}

// splitExtended takes the -E options out of mkfs arguments.
func splitExtended(args []string) (rest, extended []string) {
	for i := 0; i < len(args); i++ {
		switch value, ok := strings.CutPrefix(args[i], "-E"); {
		case ok && value != "":
			extended = append(extended, value)
		case ok && i+1 < len(args):
			i++
			extended = append(extended, args[i])
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, extended
}

// hintSpace adds what can be done when the file system was too small. "No space
// left" is what the system says of where the raw image lies.
func hintSpace(err error) string {
	text := strings.ToLower(err.Error())
	for _, sign := range []string{"could not allocate", "too big for filesystem", "no free", "too small"} {
		if strings.Contains(text, sign) {
			return "; raise disk_size (DIB_IMAGE_SIZE) or the partition's size"
		}
	}
	return ""
}

// mendExt restores what mke2fs -d does not carry over, on the mounted file
// system: owner, mode and attributes of its root, fractions of seconds and
// times beyond 2038.
func (d *Disk) mendExt(ctx context.Context, q *part) error {
	target := d.at(q.point)
	if q.source == "" {
		return nil
	}
	c := &copier{clamp: d.spec.Time}
	var dirs [][2]string
	err := q.walk(func(from, rel string, st *syscall.Stat_t) error {
		if rel == "." || d.inexact(st.Mtim) {
			// Backwards, since work in a directory changes its time.
			dirs = append(dirs, [2]string{from, filepath.Join(target, rel)})
		}
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("comparing %q with the tree: %w", q.fs.Name, err)
	}
	for _, pair := range slices.Backward(dirs) {
		var st unix.Stat_t
		if err := unix.Lstat(pair[0], &st); err != nil {
			return &os.PathError{Op: "lstat", Path: pair[0], Err: err}
		}
		if pair[1] == target {
			if err := c.attributes(pair[0], pair[1], &st); err != nil {
				return fmt.Errorf("setting the attributes of the root of %q: %w", q.fs.Name, err)
			}
			continue
		}
		if err := setTimes(pair[1], clampTime(st.Atim, d.spec.Time), clampTime(st.Mtim, d.spec.Time)); err != nil {
			return err
		}
	}
	return nil
}

// inexact tells of a time that mke2fs -d cannot carry. Where times are clamped,
// whole seconds are enough.
func (d *Disk) inexact(t syscall.Timespec) bool {
	return d.spec.Time == nil && t.Nsec != 0 || t.Sec > math.MaxInt32 || t.Sec < math.MinInt32
}

// whileGrowing reports how much the raw file has grown while do runs.
func (d *Disk) whileGrowing(ctx context.Context, q *part, do func() error) error {
	if d.spec.Progress == nil {
		return do()
	}
	before, what := d.allocated(), "filling "+q.fs.Name
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for command.Pause(ctx, 500*time.Millisecond) == nil {
			d.spec.Progress(what, min(max(d.allocated()-before, 0), q.bytes), q.bytes)
		}
	}()
	err := do()
	stop()
	<-ended
	if err == nil {
		d.spec.Progress(what, q.bytes, q.bytes)
	}
	return err
}

// allocated is the space that the raw file takes, in bytes.
func (d *Disk) allocated() int64 {
	var st unix.Stat_t
	if unix.Fstat(int(d.file.Fd()), &st) != nil {
		return 0
	}
	return st.Blocks * 512
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
