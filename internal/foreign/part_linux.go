// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Part copies the size bytes of a file that begin at start to a new file, for
// judges that take no offset. Holes stay holes and are not read: the kernel
// would make pages of zeros for all of an empty disk.
func Part(t testing.TB, path, out string, start, size int64) {
	t.Helper()
	dst, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := dst.Truncate(size); err != nil {
		t.Error(err)
	}
	Data(t, path, func(part *io.SectionReader) {
		_, from, length := part.Outer()
		begin, end := max(from, start), min(from+length, start+size)
		if begin >= end {
			return
		}
		if _, err := part.Seek(begin-from, io.SeekStart); err != nil {
			t.Error(err)
		}
		if _, err := io.CopyN(io.NewOffsetWriter(dst, begin-start), part, end-begin); err != nil {
			t.Error(err)
		}
	})
	if err := dst.Close(); err != nil {
		t.Error(err)
	}
}

// Data passes the parts of a file that are no holes.
func Data(t testing.TB, path string, look func(*io.SectionReader)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	for end := int64(0); ; {
		start, err := file.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return
		}
		if err == nil {
			end, err = file.Seek(start, unix.SEEK_HOLE)
		}
		if err != nil {
			t.Errorf("reading %s: %v", path, err)
			return
		}
		look(io.NewSectionReader(file, start, end-start))
	}
}
