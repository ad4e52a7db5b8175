// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// sudoName is the one helper that is linked only where the host lacks the real one.
const sudoName = "sudo"

// sudo stands in for sudo on a build host that has none: hooks call it on every
// other line although the build runs as root. It keeps the environment, with -E
// and without, and changes to another user with -u and -g.
func sudo(_ context.Context, c *call) error {
	r, err := parseSudo(c.args)
	if err != nil {
		return fmt.Errorf("%w (this is the stand-in for a host without sudo; install sudo for more)", err)
	}
	if r.nothing {
		return nil
	}
	who, err := findIdentity(r.user, r.group)
	if err != nil {
		return err
	}
	env := c.sudoEnvironment(r, who)
	path, argv, err := sudoCommand(r, who, env)
	if err != nil {
		return err
	}
	if err := c.become(who); err != nil {
		return fmt.Errorf("becoming the user %s: %w", who.name, err)
	}
	dir := r.dir
	if r.login && dir == "" {
		dir = who.home
	}
	if dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	if err := c.exec(path, argv, env); err != nil {
		return fmt.Errorf("unable to execute %s: %w", path, err)
	}
	return nil
}

// sudoRequest is what a sudo command line asks for.
type sudoRequest struct {
	user, group, dir     string
	keep, home           bool // -E, -H
	login, shell         bool // -i, -s
	nothing              bool // only credentials are concerned: -v, -k, -K
	environment, command []string
}

// sudoLong are the long options by their short form; those of sudoValued need a value.
var sudoLong = map[string]byte{
	"background": 'b', "chdir": 'D', "close-from": 'C', "edit": 'e', "group": 'g', "help": 'h', "host": 'h',
	"list": 'l', "login": 'i', "non-interactive": 'n', "preserve-env": 'E', "preserve-groups": 'P', "prompt": 'p',
	"remove-timestamp": 'K', "reset-timestamp": 'k', "set-home": 'H', "shell": 's', "stdin": 'S', "user": 'u',
	"validate": 'v', "version": 'V', "askpass": 'A', "bell": 'B', "no-update": 'N',
}

const sudoValued = "CDgpRrTtUu"

func parseSudo(args []string) (sudoRequest, error) {
	r := sudoRequest{user: "root"}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		used, err := r.option(arg, args)
		if err != nil {
			return r, err
		}
		args = args[used:]
	}
	for len(args) > 0 && isAssignment(args[0]) {
		r.environment = append(r.environment, args[0])
		args = args[1:]
	}
	r.command = args
	if len(args) == 0 && !r.login && !r.shell && !r.nothing {
		return r, errors.New("usage: sudo [-EHn] [-u USER] [-g GROUP] [-D DIR] [-i | -s] [VAR=value] [--] COMMAND …")
	}
	return r, nil
}

// option takes one argument of options and says how many further ones it used.
func (r *sudoRequest) option(arg string, rest []string) (int, error) {
	letters, value, joined := arg[1:], "", false
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		name, value, joined = strings.Cut(name, "=")
		letter, known := sudoLong[name]
		if !known {
			return 0, fmt.Errorf("unknown option --%s", name)
		}
		letters = string(letter)
	}
	for i := range len(letters) {
		letter := letters[i]
		if !strings.ContainsRune(sudoValued, rune(letter)) {
			if err := r.flag(letter); err != nil {
				return 0, err
			}
			continue
		}
		switch {
		case joined:
		case i+1 < len(letters):
			value = letters[i+1:]
		case len(rest) == 0:
			return 0, fmt.Errorf("option -%c needs a value", letter)
		default:
			return 1, r.valued(letter, rest[0])
		}
		return 0, r.valued(letter, value)
	}
	return 0, nil
}

func (r *sudoRequest) flag(letter byte) error {
	switch letter {
	case 'E':
		r.keep = true
	case 'H':
		r.home = true
	case 'i':
		r.login = true
	case 's':
		r.shell = true
	case 'v', 'k', 'K':
		r.nothing = true
	case 'A', 'B', 'N', 'n', 'P', 'S': // about asking for passwords
	default:
		return fmt.Errorf("the option -%c is not supported", letter)
	}
	return nil
}

func (r *sudoRequest) valued(letter byte, value string) error {
	switch letter {
	case 'u':
		r.user = value
	case 'g':
		r.group = value
	case 'D':
		r.dir = value
	case 'C', 'p', 'r', 't', 'T': // nothing here asks, logs or waits
	default:
		return fmt.Errorf("the option -%c is not supported", letter)
	}
	return nil
}

// isAssignment tells VAR=value from a command.
func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsRune(name, '/')
}

// sudoEnvironment is the caller's environment with the new user's name and, as
// sudo does it unless told to keep the environment, home.
func (c *call) sudoEnvironment(r sudoRequest, who identity) []string {
	changes := map[string]string{"USER": who.name, "LOGNAME": who.name}
	if r.home || r.login || !r.keep {
		changes["HOME"] = who.home
	}
	if r.login {
		changes["SHELL"] = who.shell
	}
	var env []string
	for _, entry := range c.env {
		name, _, _ := strings.Cut(entry, "=")
		if _, changed := changes[name]; !changed {
			env = append(env, entry)
		}
	}
	for _, name := range []string{"HOME", "LOGNAME", "SHELL", "USER"} {
		if value, ok := changes[name]; ok {
			env = append(env, name+"="+value)
		}
	}
	return overlay(env, r.environment)
}

// overlay sets variables in an environment.
func overlay(env, set []string) []string {
	for _, assignment := range set {
		name, _, _ := strings.Cut(assignment, "=")
		kept := env[:0:0]
		for _, entry := range env {
			if !strings.HasPrefix(entry, name+"=") {
				kept = append(kept, entry)
			}
		}
		env = append(kept, assignment)
	}
	return env
}

// sudoCommand is the program to become and its arguments.
func sudoCommand(r sudoRequest, who identity, env []string) (string, []string, error) {
	inner := call{env: env}
	if !r.login && !r.shell {
		path, err := command.LookPath(r.command[0], inner.getenv("PATH", "")+":/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
		if err != nil {
			return "", nil, fmt.Errorf("%s: command not found", r.command[0])
		}
		return path, r.command, nil
	}
	shell := who.shell
	if r.shell {
		shell = inner.getenv("SHELL", who.shell)
	}
	name := filepath.Base(shell)
	if r.login {
		name = "-" + name
	}
	argv := []string{name}
	if len(r.command) > 0 {
		argv = append(argv, "-c", escapeWords(r.command))
	}
	return shell, argv, nil
}

// escapeWords joins words for a shell; as in sudo a "$" keeps its meaning.
func escapeWords(list []string) string {
	escaped := make([]string, len(list))
	for i, word := range list {
		var b strings.Builder
		for _, c := range []byte(word) {
			switch {
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("_-$", c) >= 0, c > 127:
			default:
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
		escaped[i] = b.String()
	}
	return strings.Join(escaped, " ")
}
