// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"fmt"
	"os"
	"runtime"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// watcher is a shell that becomes the program of its arguments and leaves behind
// a process that kills it at the end of the pipe that is descriptor 3.
const watcher = `{ read -r line <&3 || kill -9 $$; } >/dev/null 2>&1 &
exec "$@" 3<&-`

// lifeline makes a command end with this process, killed though it may be: QEMU
// would run on for ever. The end of the pipe that only this process has is
// returned and must be closed when the command has ended.
func lifeline(c command.Command) (command.Command, *os.File, error) {
	if runtime.GOOS == "windows" {
		return c, nil, nil // no such shell
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return c, nil, fmt.Errorf("making the life-line of %s: %w", c.Path, err)
	}
	c.Args = append([]string{"-c", watcher, "sh", c.Path}, c.Args...)
	c.Path = "sh"
	c.Files = []*os.File{theirs}
	return c, ours, nil
}
