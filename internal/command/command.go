// SPDX-License-Identifier: MPL-2.0

// Package command starts external programs, and is the only place that does.
//
// A Command says everything about the program: its environment is explicit, it
// gets a session of its own (so a terminal's Ctrl-C does not reach it behind
// our back), it is killed with its descendants when the context ends, and the last lines
// of its standard error stand in the error. Tests use Fake in its place.
package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// Command describes one run of a program.
type Command struct {
	// Path is the program: a path, or a name to look up in PATH of Env.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Dir is the working directory, inside Root if that is set ("/" then by default).
	Dir string
	// Env is the whole environment, "NAME=value" each. Empty means the PATH
	// of system directories and nothing else.
	Env []string
	// Root is a directory to change root into (Linux, needs root). Path is
	// then a path inside it.
	Root string
	// Stdin may be a stream that never ends; it does not delay the exit.
	Stdin io.Reader
	// Stdout and Stderr receive the output; nil discards it. The last lines
	// of the standard error are kept for the error either way.
	Stdout, Stderr io.Writer
	// Files are inherited as descriptors 3, 4, …
	Files []*os.File
	// IgnoreSync makes fsync and its kin do nothing in the program and all it
	// starts (Linux): a tree that is lost with the build needs no flushing.
	IgnoreSync bool
}

// String is the program and its arguments, quoted where a shell would need it.
func (c Command) String() string {
	words := append([]string{c.Path}, c.Args...)
	for i, w := range words {
		words[i] = shell.Word(w)
	}
	return strings.Join(words, " ")
}

// Runner runs commands. A non-zero exit is an *ExitError.
type Runner interface {
	Run(ctx context.Context, c Command) error
}

// ExitError says that a program ran and failed.
type ExitError struct {
	// Command is the command line without its environment.
	Command string
	// Status is the exit status; 128+n if signal n ended the program.
	Status int
	// Stderr is the end of the standard error, without a final newline.
	Stderr string
}

// Error names the program, its status and what it said last.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s: exit status %d", e.Command, e.Status)
	if e.Status > 128 {
		text += fmt.Sprintf(" (ended by signal %d)", e.Status-128)
	}
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}

// Output runs c and returns its standard output without trailing newlines.
func Output(ctx context.Context, r Runner, c Command) (string, error) {
	var out strings.Builder
	c.Stdout = &out
	err := r.Run(ctx, c)
	return strings.TrimRight(out.String(), "\n"), err
}

// defaultPath is searched when a command's environment has no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// LookPath finds an executable file by name in a list of directories written
// as PATH is. A name with a slash is returned as it is.
func LookPath(name, path string) (string, error) {
	if strings.ContainsRune(name, '/') {
		return name, nil
	}
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("the program %q was not found in %s", name, path)
}

// pathOf returns the value of PATH in an environment.
func pathOf(env []string) string {
	path := defaultPath
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	return path
}
