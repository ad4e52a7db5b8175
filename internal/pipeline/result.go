// SPDX-License-Identifier: MPL-2.0

package pipeline

// Result is what a build made.
type Result struct {
	// Files are the image files in the order of the template's formats.
	Files []string
	// Beside are files and directories that hooks put beside them.
	Beside []string
	// DirectoryMade tells that the output directory was not there before.
	DirectoryMade bool
	// SHA256 is the digest of the first.
	SHA256 string
	// DiskBytes is the size of the disk in the image.
	DiskBytes int64
}
