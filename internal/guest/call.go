// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// call is one run of a helper with all it may see and touch.
type call struct {
	argv0          string   // as the caller wrote it
	args           []string // after argv0
	env            []string // "NAME=value"; a later entry wins
	root           string   // the system whose /etc and /usr/share are meant: "/"
	stdin          io.Reader
	stdout, stderr io.Writer
	runner         command.Runner
	// exec replaces this process; it returns only on failure.
	exec func(path string, argv, env []string) error
	// become changes this process to another user.
	become func(who identity) error
}

// name is the helper's name, for messages.
func (c *call) name() string { return filepath.Base(c.argv0) }

// lookupEnv returns the value of an environment variable and whether it is set.
func (c *call) lookupEnv(name string) (string, bool) {
	for i := len(c.env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(c.env[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// getenv returns the value of an environment variable, or fallback when it is
// unset or empty.
func (c *call) getenv(name, fallback string) string {
	if v, _ := c.lookupEnv(name); v != "" {
		return v
	}
	return fallback
}

// need returns the value of a variable that the engine always sets.
func (c *call) need(name string) (string, error) {
	v := c.getenv(name, "")
	if v == "" {
		return "", fmt.Errorf("the variable %s is not set; this command is meant to be called by a hook of a build", name)
	}
	return v, nil
}

// path is a path of the system at root.
func (c *call) path(elem ...string) string {
	return filepath.Join(append([]string{c.root}, elem...)...)
}

// sayf prints a line on standard output.
func (c *call) sayf(format string, args ...any) {
	fmt.Fprintf(c.stdout, format+"\n", args...)
}

// warnf prints a warning on standard error.
func (c *call) warnf(format string, args ...any) {
	fmt.Fprintf(c.stderr, c.name()+": warning: "+format+"\n", args...)
}

// run starts a program with this call's environment and streams. Its input is
// empty: a hook's standard input is no business of the programs behind a helper.
func (c *call) run(ctx context.Context, path string, args ...string) error {
	return c.runner.Run(ctx, command.Command{
		Path: path, Args: args, Env: c.env, Stdout: c.stdout, Stderr: c.stderr,
	})
}

// output is run with the standard output returned instead of shown.
func (c *call) output(ctx context.Context, path string, args ...string) (string, error) {
	return command.Output(ctx, c.runner, command.Command{Path: path, Args: args, Env: c.env, Stderr: c.stderr})
}

// statusError is an error with an exit status of its own. With a nil err the
// helper has already said what there is to say.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// statusf is an error that ends the helper with the given status.
func statusf(status int, format string, args ...any) error {
	return &statusError{status: status, err: fmt.Errorf(format, args...)}
}

// serve runs a helper, prints its error and turns it into a status.
func serve(ctx context.Context, run helper, c *call) int {
	err := run(ctx, c)
	if err == nil {
		return 0
	}
	status := 1
	var withStatus *statusError
	if errors.As(err, &withStatus) {
		status = withStatus.status
		if withStatus.err == nil {
			return status
		}
	}
	fmt.Fprintf(c.stderr, "%s: %v\n", c.name(), err)
	return status
}
