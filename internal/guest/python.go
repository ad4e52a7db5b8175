// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// pythonShim is python3-shim, the value of DIB_PYTHON_EXEC: a Python for the
// hooks of diskimage-builder's own elements. Its package-installs-squash is
// served natively, anything else by the host's Python if it has one.
func pythonShim(ctx context.Context, c *call) error {
	if len(c.args) > 0 && filepath.Base(c.args[0]) == "package-installs-squash" {
		inner := *c
		inner.argv0, inner.args = c.args[0], c.args[1:]
		return squash(ctx, &inner)
	}
	for _, dir := range filepath.SplitList(c.getenv("PATH", "") + ":/usr/bin:/usr/local/bin") {
		python, err := command.LookPath("python3", dir)
		if err != nil || c.isSelf(python) {
			continue
		}
		if err := c.exec(python, append([]string{"python3"}, c.args...), c.env); err != nil {
			return fmt.Errorf("starting %s: %w", python, err)
		}
		return nil
	}
	return &statusError{status: 127, err: errors.New(
		"a hook wants to run Python through DIB_PYTHON_EXEC, but this host has no python3; install it, or use the built-in version of the element")}
}
