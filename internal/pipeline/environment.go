// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"os"
	"sort"
	"strings"
)

// Environment is a set of variables with one value each.
type Environment map[string]string

// Evaluation is what environment files come to.
type Evaluation struct {
	// Environment is what hooks get.
	Environment Environment
	// Set are the variables of it that the files have made or changed.
	Set Environment
}

// ParseEnvironment reads "NAME=value" entries; later ones win.
func ParseEnvironment(entries []string) Environment {
	env := Environment{}
	for _, entry := range entries {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}

// CallerEnvironment is what hooks get of the environment that packer was
// started with: all of it, as diskimage-builder's hooks do, but nothing that
// belongs to Packer, and no value that the template marks sensitive.
func CallerEnvironment(entries []string, sensitive []string) Environment {
	secret := map[string]bool{}
	for _, value := range sensitive {
		secret[value] = value != ""
	}
	env := ParseEnvironment(entries)
	for name, value := range env {
		if packerOwn(name) || secret[value] {
			delete(env, name)
		}
	}
	return env
}

func packerOwn(name string) bool {
	for _, prefix := range []string{"PKR_VAR_", "PACKER_", "HCP_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// With returns a copy in which the given variables are set.
func (e Environment) With(more Environment) Environment {
	all := make(Environment, len(e)+len(more))
	for name, value := range e {
		all[name] = value
	}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// Without returns a copy that lacks the named variables.
func (e Environment) Without(names ...string) Environment {
	rest := e.With(nil)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// List is the environment as programs take it, sorted by name.
func (e Environment) List() []string {
	list := make([]string, 0, len(e))
	for name, value := range e {
		list = append(list, name+"="+value)
	}
	sort.Strings(list)
	return list
}

// systemDirectories must be on the PATH of host hooks (element contract §1.2).
var systemDirectories = []string{"/sbin", "/usr/sbin", "/usr/local/sbin"}

// HostPath completes a PATH for hooks on the host; extra directories come last.
func HostPath(path string, extra ...string) string {
	parts := strings.Split(path, string(os.PathListSeparator))
	if path == "" {
		parts = []string{"/usr/local/bin", "/usr/bin", "/bin"}
	}
	has := map[string]bool{}
	for _, p := range parts {
		has[p] = true
	}
	for _, dir := range append(append([]string{}, systemDirectories...), extra...) {
		if !has[dir] {
			parts = append(parts, dir)
		}
	}
	return strings.Join(parts, string(os.PathListSeparator))
}

// chrootPath is the PATH of hooks in the chroot (element contract §2.4), less
// the literal "$PATH" that upstream's quoting leaves in front of it.
const chrootPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// hostOnly are exported bash functions and settings that sudo would take from
// a hook in the chroot, and variables that upstream removes there (§2.4).
func hostOnly(name string) bool {
	switch name {
	case "PS4", "TMPDIR", "VIRTUAL_ENV", "BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "GLOBIGNORE", "CDPATH", "IFS",
		"PYTHONPATH", "PYTHONHOME", "PERL5LIB", "PERL5OPT", "PERLLIB", "RUBYLIB", "RUBYOPT":
		return true
	}
	return strings.HasPrefix(name, "BASH_FUNC_") || strings.HasPrefix(name, "LD_")
}

// chroot is the environment of a hook in the chroot, made from a host hook's.
func (e Environment) chroot() Environment {
	inner := Environment{}
	for name, value := range e {
		if !hostOnly(name) {
			inner[name] = value
		}
	}
	// As sudo sets them: whose build it is means nothing in the image. SHELL and
	// TERM are kept if they are there; CI often has none.
	inner["HOME"], inner["USER"], inner["LOGNAME"] = "/root", "root", "root"
	inner["PATH"] = chrootPath
	for name, value := range map[string]string{"SHELL": "/bin/bash", "TERM": "unknown"} {
		if _, ok := inner[name]; !ok {
			inner[name] = value
		}
	}
	return inner
}
