// SPDX-License-Identifier: MPL-2.0

package pipeline

// Result is what a build made.
type Result struct {
	// Files are the image files in the order of the template's formats.
	Files []string
	// More are the artifact's other files: a kernel and its ramdisk, or, when no
	// image is written, whatever files hooks put there.
	More []string
	// Beside are the other files and directories that hooks put beside them.
	Beside []string
	// DirectoriesMade are the output directory and those above it that were
	// not there before, outermost first.
	DirectoriesMade []string
	// SHA256 is the digest of the first file, in hexadecimal; empty if there is none.
	SHA256 string
	// DiskBytes is the size of the disk in the image.
	DiskBytes int64
}
