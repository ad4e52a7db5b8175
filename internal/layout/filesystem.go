// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// kind is what is known of a type of file system.
type kind struct {
	label   int   // longest label in bytes (element contract §5.5)
	minimum int64 // smallest size in bytes that can be made
}

// kinds are the supported types. The minimum of xfs is that of xfsprogs 5.19.
var kinds = map[string]kind{
	"ext2": {16, 2 * mib}, "ext3": {16, 8 * mib}, "ext4": {16, 8 * mib},
	"xfs": {12, 300 * mib}, "vfat": {11, 5 * mib}, "swap": {16, mib},
}

// IsExt tells whether a type belongs to the ext family.
func IsExt(fsType string) bool { return strings.HasPrefix(fsType, "ext") }

// MinimumBytes is the smallest size a file system of this type can have on
// sectors of the given size.
func MinimumBytes(fsType string, sectorSize int64) int64 {
	if fsType == "vfat" && sectorSize == 4096 {
		// A cluster is a sector at least, and FAT32 has 65525 of them at least.
		return 260 * mib
	}
	return kinds[fsType].minimum
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
var serialPattern = regexp.MustCompile(`^[0-9A-F]{4}-[0-9A-F]{4}$`)

// normalise checks type, label and uuid and writes them as they will be on disk.
func (fs *FileSystem) normalise(n *node) error {
	if fs.Type == "" {
		return n.errorf("type", "it is required (only %s has a default)", rootNode)
	}
	if _, ok := kinds[fs.Type]; !ok {
		return n.errorf("type", "%q is not a supported file system%s; supported are %s",
			fs.Type, nearest.Hint(fs.Type, kindNames()), strings.Join(kindNames(), ", "))
	}
	if fs.Type == "vfat" {
		fs.Label = strings.ToUpper(fs.Label)
	}
	return fs.normaliseUUID(n)
}

// checkLabel tells whether the type can have the label.
func (fs *FileSystem) checkLabel() error {
	longest := kinds[fs.Type].label
	if len(fs.Label) > longest {
		return fmt.Errorf("%q is too long for %s: %d bytes, at most %d", fs.Label, fs.Type, len(fs.Label), longest)
	}
	bad := "\x00\t\r\n\\#\"'"
	if fs.Type == "vfat" {
		bad += "*?<>|+=[]:;,./"
	}
	if i := strings.IndexAny(fs.Label, bad); i >= 0 {
		return fmt.Errorf("%q has the character %q, which a label of %s must not have", fs.Label, fs.Label[i], fs.Type)
	}
	return nil
}

func (fs *FileSystem) normaliseUUID(n *node) error {
	switch {
	case fs.UUID == "":
	case fs.Type == "vfat":
		if fs.UUID = strings.ToUpper(fs.UUID); !serialPattern.MatchString(fs.UUID) {
			return n.errorf("uuid", "%q is not a serial number of vfat: write it as 1234-ABCD", fs.UUID)
		}
	default:
		if fs.UUID = strings.ToLower(fs.UUID); !uuidPattern.MatchString(fs.UUID) {
			return n.errorf("uuid", "%q is not a UUID", fs.UUID)
		}
	}
	return nil
}

// kindNames are the keys of kinds, the likeliest to be meant first.
func kindNames() []string {
	return []string{"ext4", "ext3", "ext2", "xfs", "vfat", "swap"}
}
