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
	statusKilled      = 128 + int(unix.SIGKILL)
)

// Guest runs scripts in a tree and moves files in and out. It is what a Packer
// communicator needs, and safe for concurrent use. Paths in the tree begin at
// its root, with or without a slash in front; "~" at the beginning is HOME.
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

// path is a path of the tree with ~ replaced.
func (g *Guest) path(name string) string {
	if name != "~" && !strings.HasPrefix(name, "~/") {
		return name
	}
	for _, e := range g.env {
		if home, ok := strings.CutPrefix(e, "HOME="); ok {
			return home + name[1:]
		}
	}
	return name
}

// Run runs a script with the tree's /bin/sh: in a session of its own, with the
// working directory / and the umask 022. It returns the exit status as shells
// have it: 128+n if signal n ended the script; together with an error 127 if
// there is no /bin/sh, and 126 if it cannot run. When ctx ends, the script is
// killed with all its descendants; status is 137 then, and the error ctx's.
// Processes that the script leaves behind go on; KillAll ends them. No error
// tells the script, which may hold secrets.
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
		return statusKilled, err
	}
	status, reason := cannotRun(err, script)
	return status, fmt.Errorf("running a script in %s: %w", g.tree.root, reason)
}

// cannotRun explains why no script runs.
func cannotRun(err error, script string) (status int, reason error) {
	// Without the command line: scripts are long, and may hold secrets.
	var path *fs.PathError
	var errno unix.Errno
	if errors.As(err, &path) {
		err = path
	} else if errors.As(err, &errno) {
		err = errno
	}
	switch {
	case errors.Is(err, unix.ENOENT):
		return statusNotFound, fmt.Errorf("no /bin/sh there that runs: %w; is the root file system complete?", err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.ENOEXEC):
		return statusNotRunnable, fmt.Errorf("its /bin/sh cannot run on this machine: %w; "+
			"for another architecture register qemu-user in binfmt_misc", err)
	case errors.Is(err, unix.E2BIG):
		return statusNotRunnable, fmt.Errorf("it is too long (%d bytes): %w; upload it as a file", len(script), err)
	case strings.ContainsRune(script, 0):
		return statusNotRunnable, errors.New("it contains a NUL character, which no shell takes; upload it as a file")
	}
	return statusNotRunnable, err
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
