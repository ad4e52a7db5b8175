// SPDX-License-Identifier: MPL-2.0

package workdir

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Mount is one line of a mountinfo file (proc(5)).
type Mount struct {
	// ID is the mount's number, Parent that of the mount it lies on.
	ID, Parent int
	// Device is major:minor of the files in it.
	Device string
	// Root is the directory of the filesystem that is mounted.
	Root string
	// Point is where it is mounted, an absolute path.
	Point string
	// Type is the filesystem's type, Source what it was mounted from.
	Type, Source string
}

// Below reports whether the mount point is dir or lies below it. Both are
// clean absolute paths without symbolic links.
func (m Mount) Below(dir string) bool {
	return m.Point == dir || dir == "/" || strings.HasPrefix(m.Point, dir+"/")
}

// MountsBelow lists what is mounted at or below dir in this process's mount
// namespace, in the order in which it was mounted. Elsewhere than on Linux the
// list is empty.
func MountsBelow(dir string) ([]Mount, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for mounts below %s: %w", dir, err)
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, fmt.Errorf("looking for mounts below %s: %w", dir, err)
	}
	text, err := readMountinfo()
	if err != nil {
		return nil, fmt.Errorf("looking for mounts below %s: %w", dir, err)
	}
	all, err := parseMountinfo(text)
	if err != nil {
		return nil, err
	}
	var below []Mount
	for _, m := range all {
		if m.Below(real) {
			below = append(below, m)
		}
	}
	return below, nil
}

func parseMountinfo(text string) ([]Mount, error) {
	var mounts []Mount
	for line := range strings.Lines(text) {
		m, err := parseMount(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// parseMount reads "ID parent major:minor root point options [tags…] - type
// source options".
func parseMount(line string) (Mount, error) {
	left, right, ok := strings.Cut(line, " - ")
	l, r := strings.Split(left, " "), strings.SplitN(right, " ", 3)
	if !ok || len(l) < 6 || len(r) < 2 {
		return Mount{}, fmt.Errorf("the kernel's list of mounts has a line that cannot be read: %q", line)
	}
	id, err := strconv.Atoi(l[0])
	parent, err2 := strconv.Atoi(l[1])
	if err != nil || err2 != nil {
		return Mount{}, fmt.Errorf("the kernel's list of mounts has a line without numbers: %q", line)
	}
	return Mount{
		ID: id, Parent: parent, Device: l[2], Root: unescape(l[3]), Point: unescape(l[4]),
		Type: r[0], Source: unescape(r[1]),
	}, nil
}

// unescape undoes the kernel's octal escapes of space, tab, newline and
// backslash.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`, `\043`, "#").Replace(s)
}
