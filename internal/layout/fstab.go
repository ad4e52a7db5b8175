// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"slices"
	"strings"
)

// MountOrder lists the mounts parents first: in plain byte order of their mount
// points, swap last (element contract §5.7).
func (l *Layout) MountOrder() []Mount {
	mounts := slices.Clone(l.Mounts)
	slices.SortStableFunc(mounts, func(a, b Mount) int {
		return strings.Compare(l.point(a), l.point(b))
	})
	return mounts
}

// point is the mount point as fstab has it: "none" for swap.
func (l *Layout) point(m Mount) string {
	if fs, _ := l.FileSystem(m.Base); fs.Type == "swap" {
		return "none"
	}
	return m.Point
}

// Fstab is the text of /etc/fstab: one line for every mount that has an fstab
// node, in mount order (element contract §5.7).
func (l *Layout) Fstab() string {
	var out strings.Builder
	for _, m := range l.MountOrder() {
		for _, e := range l.FstabNodes {
			if e.Base != m.Name {
				continue
			}
			fs, _ := l.FileSystem(m.Base)
			if fs.Type == "swap" {
				e.Options, e.Dump, e.Pass = "sw", 0, 0
			}
			fmt.Fprintf(&out, "LABEL=%s %s %s %s %d %d\n",
				strings.ReplaceAll(fs.Label, " ", `\040`), l.point(m), fs.Type, e.Options, e.Dump, e.Pass)
		}
	}
	return out.String()
}

// Variables are the layout's values for hooks (element contract §2.7):
// DIB_ROOT_LABEL, DIB_ROOT_FSTYPE, DIB_BOOT_LABEL (empty without /boot) and
// DIB_MOUNTPOINTS (mount points in document order, joined by "|").
func (l *Layout) Variables() map[string]string {
	root := l.Root()
	v := map[string]string{
		"DIB_ROOT_LABEL":  root.Label,
		"DIB_ROOT_FSTYPE": root.Type,
		"DIB_BOOT_LABEL":  "",
	}
	points := make([]string, len(l.Mounts))
	for i, m := range l.Mounts {
		points[i] = m.Point
		if m.Point == "/boot" {
			fs, _ := l.FileSystem(m.Base)
			v["DIB_BOOT_LABEL"] = fs.Label
		}
	}
	v["DIB_MOUNTPOINTS"] = strings.Join(points, "|")
	return v
}
