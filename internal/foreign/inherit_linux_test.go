// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFilesOfTheTestAreItsOwn(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "own"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	// Unlike what Go opens, a duplicate goes to programs that are started.
	duplicate, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(duplicate) }()
	if duplicate > 9 {
		t.Skip("too many files are open for this test")
	}
	o := Python(t, `
import os
def answer(path): return path in [os.readlink(e.path) for e in os.scandir("/proc/self/fd") if os.path.islink(e.path) and os.path.lexists(e.path)]`)
	if o == nil {
		t.Skip("no python3 on this host")
	}
	var inherited bool
	if o.Ask(t, file.Name(), &inherited) && inherited {
		t.Error("the program has an open file of the test")
	}
}
