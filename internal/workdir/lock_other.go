// SPDX-License-Identifier: MPL-2.0

//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd

package workdir

import "os"

// tryLock knows no lock that ends with its process here: a new directory (its
// lock file is empty still) counts as locked, an existing one as in use.
func tryLock(f *os.File) (bool, error) {
	info, err := f.Stat()
	return err == nil && info.Size() == 0, err
}
