// SPDX-License-Identifier: MPL-2.0

package pipeline

// Result is what a build made.
type Result struct {
	// Files are the image files in the order of the template's formats.
	Files []string
	// Beside are files and directories that hooks put beside them.
	Beside []string
	// DirectoriesMade are the output directory and those above it that were
	// not there before, outermost first.
	DirectoriesMade []string
	// SHA256 is the digest of the first file, in hexadecimal.
	SHA256 string
	// DiskBytes is the size of the disk in the image.
	DiskBytes int64
}
