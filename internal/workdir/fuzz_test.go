// SPDX-License-Identifier: MPL-2.0

package workdir

import (
	"fmt"
	"strings"
	"testing"
)

// What the kernel writes of a mount (proc(5)) is read as that mount, whatever
// lies around it; no other line ends in a panic.
func FuzzMountinfo(f *testing.F) {
	f.Add("/", "/mnt/a b", "ext4", "/dev/loop0p1", "36 35 98:0 / / rw - ext4 x rw\n")
	f.Add("/x\ty", "/a\\040b\n#", "fuse.x", "a - b", "\n")
	f.Add("", "/dir//deleted", "tmpfs", "", "1 2 3")
	f.Add("/", "/", "t", "\\", "1 x 0:1 / / rw - t s o")
	f.Fuzz(func(t *testing.T, root, point, kind, source, other string) {
		if _, err := parseMountinfo(other); err == nil && strings.TrimSpace(other) != "" && !strings.Contains(other, " - ") {
			t.Errorf("%q was read", other)
		}
		if root == "-" || point == "-" || kind == "" || strings.ContainsAny(kind, " \n\\\t#") {
			return
		}
		line := fmt.Sprintf("36 35 98:0 %s %s rw,noatime master:1 - %s %s rw,errors=continue\n", escape(root), escape(point), kind, escape(source))
		mounts, err := parseMountinfo(line + line)
		want := Mount{ID: 36, Parent: 35, Device: "98:0", Root: root, Point: point, Type: kind, Source: source}
		if err != nil || len(mounts) != 2 || mounts[0] != want || mounts[1] != want {
			t.Errorf("%q is read as %+v, %v", line, mounts, err)
		}
		if !want.Below(point) || want.Below(point+"/x") || !want.Below("/") {
			t.Errorf("%+v is below the wrong directories", want)
		}
	})
}

// escape writes a name as the kernel does.
func escape(name string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`).Replace(name)
}
