// SPDX-License-Identifier: MPL-2.0

package hook

import (
	"io/fs"
	"strings"
)

// runnable marks a file as executable when it begins as a script does. It
// serves on systems whose file systems have no such mark (Windows), where a
// plan is made but nothing runs.
func runnable(fsys fs.FS, name string, info fs.FileInfo) (fs.FileInfo, error) {
	if !info.Mode().IsRegular() || executable(info) {
		return info, nil
	}
	content, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(content), "#!") {
		return script{info}, nil
	}
	return info, nil
}

// script is the information on a file, with all execute bits.
type script struct{ fs.FileInfo }

func (s script) Mode() fs.FileMode { return s.FileInfo.Mode() | 0o111 }
