// SPDX-License-Identifier: MPL-2.0

package layout

// Kinds of partition table.
const (
	MBR = "mbr"
	GPT = "gpt"
)

// Layout is a disk as it was asked for. It marshals to JSON without loss.
type Layout struct {
	// Disk is the node name of the disk; hooks and outputs rely on "image0".
	Disk string `json:"disk"`
	// DiskBytes is the size the document itself fixes; 0 leaves it open.
	DiskBytes int64 `json:"disk_bytes,omitempty"`
	// SectorSize is 512 or 4096 bytes.
	SectorSize int64 `json:"sector_size"`
	// Table is nil for a partitionless disk: one file system on the whole of it.
	Table *Table `json:"table,omitempty"`
	// FileSystems, Mounts and Fstab stand in document order.
	FileSystems []FileSystem `json:"filesystems"`
	Mounts      []Mount      `json:"mounts"`
	FstabNodes  []FstabEntry `json:"fstab,omitempty"`
	// Warnings are settings that have no effect.
	Warnings []string `json:"warnings,omitempty"`
}

// Table is a partition table.
type Table struct {
	Name string `json:"name"`
	// Kind is MBR or GPT.
	Kind string `json:"kind"`
	// Align is the alignment of partition starts in bytes.
	Align      int64       `json:"align"`
	Partitions []Partition `json:"partitions"`
}

// Partition is one entry of the table; its number is its place in the list,
// counted from 1.
type Partition struct {
	Name string `json:"name"`
	Size Amount `json:"size"`
	// Start is where it begins, in bytes; 0 is the next aligned place. Either all
	// partitions of a table have one or none, and with it 100% is the disk's rest.
	Start int64 `json:"start,omitempty"`
	// Type is as written: hexadecimal for MBR; an sgdisk code or a GUID for GPT.
	Type string `json:"type"`
	// Boot sets the active flag (MBR); GPT ignores it.
	Boot bool `json:"boot,omitempty"`
}

// FileSystem is a file system or swap area.
type FileSystem struct {
	Name string `json:"name"`
	// Base is a partition, or the disk itself.
	Base  string `json:"base"`
	Type  string `json:"type"`
	Label string `json:"label"`
	// UUID is empty when it is to be derived from the build's seed.
	UUID string `json:"uuid,omitempty"`
	// Options are arguments for the mkfs program.
	Options []string `json:"options,omitempty"`
	// OptionsGiven tells that the document itself sets the options.
	OptionsGiven bool `json:"options_given,omitempty"`
}

// Mount puts a file system at an absolute path of the image. For swap the path
// is only a word that DIB_MOUNTPOINTS shows.
type Mount struct {
	Name  string `json:"name"`
	Base  string `json:"base"`
	Point string `json:"point"`
}

// FstabEntry asks for a line in /etc/fstab.
type FstabEntry struct {
	Name string `json:"name"`
	// Base is a mount's name.
	Base    string `json:"base"`
	Options string `json:"options"`
	Dump    int    `json:"dump"`
	Pass    int    `json:"pass"`
}

// Defaults fill what a document leaves open.
type Defaults struct {
	// RootFS is the type of mkfs_root (FS_TYPE); ext4 when empty.
	RootFS string
	// RootLabel is the label of mkfs_root; when empty cloudimg-rootfs, or
	// img-rootfs on xfs, which allows 12 bytes only.
	RootLabel string
	// RootOptions are mkfs arguments of mkfs_root (MKFS_OPTS).
	RootOptions []string
	// SectorSize overrides the document's block_size (DIB_BLOCK_SIZE); 0 does not.
	SectorSize int64
}

// rootNode is the file system that Defaults apply to (element contract §5.3).
const rootNode = "mkfs_root"

// diskNode is the only name that outputs know (element contract §5.7).
const diskNode = "image0"

// Fallback is the layout of an image without a block-device element: one file
// system on the whole disk (element contract §5.1 item 4).
func Fallback(d Defaults) (*Layout, error) {
	return Parse([]byte(`
- local_loop:
    name: image0
    mkfs:
      name: mkfs_root
      mount:
        mount_point: /
        fstab:
          options: defaults
          fsck-passno: 1
`), d)
}

// Root is the file system mounted at "/". Parse guarantees it.
func (l *Layout) Root() FileSystem {
	for _, m := range l.Mounts {
		if m.Point == "/" {
			fs, _ := l.FileSystem(m.Base)
			return fs
		}
	}
	return FileSystem{}
}

// FileSystem finds a file system by its node name.
func (l *Layout) FileSystem(name string) (FileSystem, bool) {
	for _, fs := range l.FileSystems {
		if fs.Name == name {
			return fs, true
		}
	}
	return FileSystem{}, false
}

// SetRootOptions gives mkfs_root the options that ComputeSize found, unless the
// document sets its own.
func (l *Layout) SetRootOptions(options []string) {
	for i := range l.FileSystems {
		if fs := &l.FileSystems[i]; fs.Name == rootNode && !fs.OptionsGiven {
			fs.Options = options
		}
	}
}
