// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Exit statuses as shells have them.
const (
	statusNotRunnable = 126
	statusNotFound    = 127
)

// Guest runs scripts in a tree and moves files in and out. It is what a Packer
// communicator needs, and safe for concurrent use.
type Guest struct {
	tree *Tree
	env  []string
}

// defaults are what every environment in a guest has unless the caller says
// otherwise. The order of PATH is that of the element contract, §2.4.
func defaults() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
	}
}

// Guest returns access to the tree. Scripts get env ("NAME=value"), with
// defaults for PATH and HOME, and nothing of this process's environment.
func (t *Tree) Guest(env []string) *Guest {
	env = slices.Clone(env)
	for _, d := range defaults() {
		name, _, _ := strings.Cut(d, "=")
		if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			env = append(env, d)
		}
	}
	return &Guest{tree: t, env: env}
}

// Run runs a script with the tree's /bin/sh: in a session of its own, with the
// working directory / and the umask 022. It returns the exit status as shells
// have it: 128+n if signal n ended the script, and with an error 127 if there is
// no /bin/sh, or 126 if it cannot run. Other errors have the status -1; when ctx
// ends, the script's process group is killed and its error returned. Processes
// that the script leaves behind go on; KillAll ends them.
func (g *Guest) Run(ctx context.Context, script string, stdin io.Reader, stdout, stderr io.Writer) (status int, err error) {
	args, variables := shellScript(script)
	err = g.tree.runner.Run(ctx, command.Command{
		Path: "/bin/sh", Args: args,
		Root: g.tree.root, Dir: "/", Env: slices.Concat(g.env, variables),
		Stdin: stdin, Stdout: stdout, Stderr: stderr,
	})
	var exit *command.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.Status, nil
	case ctx.Err() != nil:
		return -1, err
	case errors.Is(err, unix.ENOENT):
		return statusNotFound, fmt.Errorf("running a script in %s: no /bin/sh there that runs: %w; "+
			"is the root file system complete?", g.tree.root, brief(err))
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOEXEC):
		return statusNotRunnable, fmt.Errorf("running a script in %s: its /bin/sh cannot run on this machine: %w; "+
			"for another architecture register qemu-user in binfmt_misc", g.tree.root, brief(err))
	case errors.Is(err, unix.E2BIG):
		return statusNotRunnable, fmt.Errorf("running a script in %s: it is too long (%d bytes): %w; "+
			"upload it as a file", g.tree.root, len(script), brief(err))
	}
	return -1, fmt.Errorf("running a script in %s: %w", g.tree.root, err)
}

// brief leaves a system error without the command line: scripts are long, and
// may hold secrets.
func brief(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path
	}
	return err
}

const (
	// pieceLimit stays below MAX_ARG_STRLEN, 128 KiB, which the kernel allows
	// for a single variable. All of them together may have more.
	pieceLimit = 120 << 10
	// pieceName begins the names of the variables that hold the script.
	pieceName = "_diskimage_script_"
	setUmask  = "umask 022;"
)

// shellScript makes sh -c run a script of any length that the kernel takes. A
// process's arguments are for all to see and the script may hold secrets (the
// shell provisioner writes its environment_vars into it), so it goes in
// variables, which only root and their owner can read. The shell forgets them
// before the script begins. Unlike a file or a pipe this takes neither /proc nor
// a descriptor, and $0, $#, standard input and line numbers are those of sh -c:
// umask and unset stand on the script's first line.
func shellScript(script string) (args, env []string) {
	forget, all := "unset", ""
	for piece := range slices.Chunk([]byte(script), pieceLimit) {
		name := pieceName + strconv.Itoa(len(env))
		env = append(env, name+"="+string(piece))
		forget += " " + name
		all += "$" + name
	}
	if len(env) == 0 {
		return []string{"-c", setUmask}, nil
	}
	return []string{"-c", setUmask + `eval "` + forget + ";" + all + `"`}, env
}

// KillAll ends every process whose root directory is the tree or lies in it,
// also daemons that left their script's session, and waits until they are gone
// (at most 10 s).
func (g *Guest) KillAll(ctx context.Context) error {
	here, err := g.tree.territory()
	if err != nil {
		return err
	}
	here.rootOnly = true
	return here.kill(ctx)
}
