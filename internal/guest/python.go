// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// pythonShim is python3-shim, the value of DIB_PYTHON_EXEC: a Python for the
// hooks of diskimage-builder's own elements. Of those, only package-installs-squash
// is called by it, in 3.13 as in 3.42; it is served natively. Anything else goes to
// the host's Python if it has one.
func pythonShim(ctx context.Context, c *call) error {
	if len(c.args) > 0 && filepath.Base(c.args[0]) == "package-installs-squash" {
		inner := *c
		inner.argv0, inner.args = c.args[0], c.args[1:]
		return squash(ctx, &inner)
	}
	for _, dir := range append(filepath.SplitList(c.getenv("PATH", "")), c.path("usr/bin"), c.path("usr/local/bin")) {
		python, err := command.LookPath("python3", dir)
		if err != nil || c.isSelf(python) {
			continue
		}
		if err := c.exec(python, append([]string{"python3"}, c.args...), c.env); err != nil {
			return fmt.Errorf("starting %s: %w", python, err)
		}
		return nil
	}
	return statusf(127, "%s wants to run through DIB_PYTHON_EXEC, but this host has no python3; install it, or use an element that does without", c.pythonScript())
}

// pythonScript names what Python is to run and the element that brought it.
func (c *call) pythonScript() string {
	if len(c.args) == 0 {
		return "python3"
	}
	if script := c.args[0]; !strings.HasPrefix(script, "-") {
		return filepath.Clean(script) + c.owner(script)
	}
	return command.Command{Path: "python3", Args: c.args}.String()
}

// owner says of which element a file is; empty if that cannot be told. Hooks run in
// the merged tree, where a file has the path that it has in its element.
func (c *call) owner(file string) string {
	sources, err := c.elements()
	if err != nil {
		return ""
	}
	full, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	within, err := filepath.Rel(c.getenv("TMP_HOOKS_PATH", "/"), full)
	if err != nil {
		return ""
	}
	for _, s := range sources {
		if strings.HasPrefix(full, s.dir+string(filepath.Separator)) {
			return " of element " + s.name
		}
		if _, err := os.Stat(filepath.Join(s.dir, within)); err == nil {
			return " of element " + s.name
		}
	}
	return ""
}
