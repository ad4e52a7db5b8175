// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// runPartsScript does what only bash can do: source bash files and run hooks in
// the environment these leave.
//
//go:embed runparts.bash
var runPartsScript string

// runParts is dib-run-parts [--list] DIR (element contract §2.5). It finds and
// orders the files and then becomes bash, so that the caller's signals, streams
// and process group hold for the hooks.
func runParts(_ context.Context, c *call) error {
	args := c.args
	list := len(args) > 0 && args[0] == "--list"
	if list {
		args = args[1:]
	}
	if len(args) == 0 {
		return c.runPartsUsage()
	}
	dir := args[0]
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		fmt.Fprintf(c.stderr, "%s Scripts directory [%s] must exist and be a directory\n", c.name(), dir)
		return c.runPartsUsage()
	}
	hooks, ignored, err := hook.ListMatching(dir, c.getenv("RUN_PARTS_REGEX", ""))
	if err != nil {
		return err
	}
	if list {
		for _, name := range hooks {
			c.sayf("%s/%s", dir, name)
		}
		return nil
	}
	if trace, _ := strconv.Atoi(c.getenv("DIB_DEBUG_TRACE", "0")); trace > 0 {
		c.reportIgnored(dir, ignored)
	}
	return c.becomeRunner(dir, hooks)
}

func (c *call) runPartsUsage() error {
	fmt.Fprintf(c.stderr, "Usage: %s [--list] DIRECTORY\n"+
		"Sources the files of DIRECTORY/../environment.d and runs the executable files of DIRECTORY in order.\n"+
		"  --list  print the paths of the files that would run\n", c.name())
	return &statusError{status: 1}
}

// reportIgnored names the files that are not run, by reason.
func (c *call) reportIgnored(dir string, ignored []string) {
	var idle, misnamed []string
	for _, name := range ignored {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 == 0 {
			idle = append(idle, name)
		} else {
			misnamed = append(misnamed, name)
		}
	}
	if len(idle) > 0 {
		fmt.Fprintf(c.stderr, "%s Ignoring non-executable files: %s\n", c.name(), strings.Join(idle, " "))
	}
	if len(misnamed) > 0 {
		fmt.Fprintf(c.stderr, "%s Ignoring non-conforming filenames: %s\n", c.name(), strings.Join(misnamed, " "))
	}
}

// becomeRunner replaces this process by the bash that runs the hooks.
func (c *call) becomeRunner(dir string, hooks []string) error {
	environment := dir + "/../environment.d"
	files, err := hook.ListEnvironment(environment)
	if err != nil {
		return err
	}
	bash, err := command.LookPath("bash", c.getenv("PATH", "")+":/usr/bin:/bin")
	if err != nil {
		return fmt.Errorf("environment files of elements are bash scripts, but there is no bash here; install it in root.d: %w", err)
	}
	argv := []string{"bash", "-c", runPartsScript, c.self(), dir, strconv.Itoa(len(files)), strconv.Itoa(len(hooks))}
	for _, name := range files {
		argv = append(argv, environment+"/"+name)
	}
	argv = append(argv, hooks...)
	argv = append(argv, slices.Sorted(slices.Values(hooks))...) // upstream's profile is sorted by name
	if err := c.exec(bash, argv, c.env); err != nil {
		return fmt.Errorf("starting %s: %w", bash, err)
	}
	return nil
}

// self is the path of this helper, as $0 of a script in its place would be.
func (c *call) self() string {
	if path, err := command.LookPath(c.argv0, c.getenv("PATH", "")); err == nil {
		return path
	}
	return c.argv0
}
