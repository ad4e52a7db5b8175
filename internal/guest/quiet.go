// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// quietName is the helper that our elements put before apt-get.
const quietName = "dib-quiet"

// HooksInTarget is where hooks in the chroot see the hooks tree (element contract
// §2.4).
const HooksInTarget = "/tmp/in_target.d"

// ChatterLog is the file, at the top of the hooks tree, to which dib-quiet writes
// what it does not show. Without it dib-quiet shows everything.
const ChatterLog = ".packages.log"

// quietly is dib-quiet COMMAND [ARGUMENT…]: it runs apt-get, or a program that
// calls it, and prints a digest of what that prints, with all its warnings and
// errors. The whole text goes to ChatterLog, and its end is printed when the
// command fails, whose status is that of dib-quiet.
func quietly(ctx context.Context, c *call) error {
	if len(c.args) == 0 {
		return statusf(2, "want a command")
	}
	log, err := c.openChatterLog()
	if err != nil {
		return err
	}
	if log == nil {
		path, err := command.LookPath(c.args[0], c.getenv("PATH", ""))
		if err == nil {
			err = c.exec(path, c.args, c.env)
		}
		return statusf(127, "%w", err)
	}
	run := command.Command{Path: c.args[0], Args: c.args[1:], Env: c.env}
	fmt.Fprintf(log, "+ %s\n", run)
	d := &digest{log: log, say: func(line string) { c.sayf("%s", line) }, now: time.Now}
	run.Stdout, run.Stderr = d, d
	err = c.runner.Run(ctx, run)
	d.end(err != nil)
	if failed := log.Close(); err == nil && failed != nil {
		err = fmt.Errorf("writing what %s printed: %w", run.Path, failed)
	}
	var exit *command.ExitError
	if errors.As(err, &exit) {
		return &statusError{status: exit.Status} // the last lines have said why
	}
	return err
}

// openChatterLog opens the log of the build for appending. It is nil where there
// is none, and where the user wants to see everything.
func (c *call) openChatterLog() (*os.File, error) {
	if trace := c.getenv("DIB_DEBUG_TRACE", "0"); strings.Trim(trace, "0") != "" {
		return nil, nil
	}
	// The variable holds the host's path in the chroot, too.
	for _, top := range []string{c.getenv("TMP_HOOKS_PATH", "/nowhere"), c.path(HooksInTarget)} {
		log, err := os.OpenFile(filepath.Join(top, ChatterLog), os.O_WRONLY|os.O_APPEND, 0)
		if !errors.Is(err, os.ErrNotExist) {
			return log, err
		}
	}
	return nil, nil
}
