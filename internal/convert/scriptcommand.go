// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// command carries out one simple command, as far as that matters here.
func (s *script) command(words []word) error {
	var before []assignment
	for len(words) > 0 {
		a, ok, err := s.assignment(words[0])
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		before, words = append(before, a), words[1:]
	}
	if len(words) == 0 {
		for _, a := range before {
			s.assign(a.name, a.v)
		}
		return nil
	}
	name := bare(words[0])
	s.previous = name
	switch name {
	case "export", "declare", "typeset", "local", "readonly":
		return s.declare(name, words[1:])
	}
	var args []string
	for _, w := range words {
		list, err := s.fields(w)
		if err != nil {
			return err
		}
		args = append(args, list...)
	}
	if len(args) == 0 {
		return nil
	}
	return s.call(args, before)
}

// declare is export and what else sets variables by name.
func (s *script) declare(command string, words []word) error {
	exported := command == "export"
	for _, w := range words {
		a, ok, err := s.assignment(w)
		if err != nil {
			return err
		}
		if ok {
			a.v.exported = exported
			s.assign(a.name, a.v)
			continue
		}
		list, err := s.fields(w)
		if err != nil {
			return err
		}
		for _, t := range list {
			switch {
			case strings.HasPrefix(t, "-") && strings.Contains(t, "x"):
				exported = true
			case strings.HasPrefix(t, "-"):
				exported = exported && t != "-n"
			case namePattern.FindString(t) == t && exported:
				v := s.values[t]
				v.exported = true
				if !v.set {
					continue // what the environment has is passed on anyway
				}
				s.assign(t, v)
			case !isReadable(t):
				s.tell(Differs, "%s %s cannot be read without a shell: write out the variables that it sets", command, asWritten(t))
			}
		}
	}
	return nil
}

// programs whose images are converted.
const (
	diskProgram    = "disk-image-create"
	ramdiskProgram = "ramdisk-image-create"
)

func isOurs(arg string) bool {
	return isPlain(arg) && (base(arg) == diskProgram || base(arg) == ramdiskProgram) ||
		!isPlain(arg) && (strings.HasSuffix(arg, "/"+diskProgram) || strings.HasSuffix(arg, "/"+ramdiskProgram))
}

// talkers name programs without running them.
var talkers = []string{
	"echo", "printf", "which", "type", "hash", "man", "alias", "apt", "apt-get", "pip", "pip3", "dnf", "yum", "rm", "chmod", "chown",
	"cp", "mv", "ln", "ls", "cat", "grep", "sed", "test", "[", "[[", "mkdir", "pkill", "killall", "pgrep", "git", ":",
}

// call looks for what matters here among all commands.
func (s *script) call(args []string, before []assignment) error {
	switch name := args[0]; {
	case isOurs(name):
		return s.image(args[0], args[1:], before, "")
	case name == "cd" || name == "pushd":
		s.moved = true
	case name == "set":
		for i, a := range args[1:] {
			on := strings.HasPrefix(a, "-")
			if a == "-a" || a == "+a" || a == "allexport" && i > 0 {
				s.allExported = on || a == "allexport" && args[i] == "-o"
			}
		}
	case name == "unset":
		for _, name := range args[1:] {
			s.forget(name)
		}
	case name == "." || name == "source":
		if len(args) > 1 && base(args[1]) != "activate" {
			s.tell(Differs, "%s is not read: write what it sets for %s in front of the command", asWritten(args[1]), diskProgram)
		}
	case base(name) == "diskimage-builder":
		s.tell(Differs, "the images of %s are not converted: give the YAML file itself to convert", asWritten(strings.Join(args, " ")))
	case slices.Contains(talkers, base(name)):
	default:
		return s.wrapped(args, before)
	}
	return nil
}

// wrapped is a command that may run another one: sudo, env, timeout, bash -c …
func (s *script) wrapped(args []string, before []assignment) error {
	if (base(args[0]) == "bash" || base(args[0]) == "sh") && len(args) > 2 && strings.HasPrefix(args[1], "-") && strings.Contains(args[1], "c") {
		return s.inner(args[2])
	}
	for i, arg := range args {
		a := assignmentPattern.FindStringSubmatch(arg)
		switch {
		case isOurs(arg):
			return s.image(arg, args[i+1:], before, strings.Join(args[:i], " "))
		case a != nil && i > 0:
			before = append(before, assignment{a[1], text(arg[len(a[0]):])})
		}
	}
	for _, arg := range args {
		if callPattern.MatchString(arg) {
			s.tell(Differs, "%s stands in a text that only %s reads; give that text to convert", diskProgram, asWritten(args[0]))
		}
	}
	return nil
}

var callPattern = regexp.MustCompile(`(?:^|[\s/;&])(?:disk|ramdisk)-image-create\s`)

// inner reads the text of "sh -c".
func (s *script) inner(source string) error {
	if !callPattern.MatchString(source) {
		return nil
	}
	if !isReadable(source) {
		s.tell(Differs, "the text of sh -c cannot be read without a shell: %s", asWritten(source))
		return nil
	}
	if err := s.open("subshell"); err != nil {
		return err
	}
	line := s.line
	err := s.run(source)
	s.line = line
	s.close("subshell")
	return err
}

// transparent are programs before a command that leave it as it is.
var transparent = []string{"sudo", "env", "time", "nice", "ionice", "nohup", "exec", "command", "timeout", "setsid", "stdbuf", "bash", "sh"}

// image notes a call of disk-image-create.
func (s *script) image(program string, args []string, before []assignment, wrapper string) error {
	name := diskProgram
	if base(asWritten(program)) == ramdiskProgram {
		name = ramdiskProgram
	}
	if first, _, _ := strings.Cut(wrapper, " "); first != "" && !slices.Contains(transparent, base(first)) {
		s.tell(Note, "what stands before %s is not converted: %s", name, asWritten(wrapper))
	}
	if n := len(s.blocks); s.maybe || n > 0 && s.blocks[n-1].kind != "group" && s.blocks[n-1].kind != "subshell" {
		s.tell(Note, "%s stands under a condition, in a loop or in a function; it is converted as if it ran once", name)
	}
	i := Invocation{Where: s.where(), Program: name, Arguments: args, Moved: s.moved}
	for _, variable := range slices.Sorted(maps.Keys(s.values)) {
		v := s.values[variable]
		switch {
		case v.set && v.exported && !v.array:
			i.Environment = append(i.Environment, Variable{variable, v.text()})
		case v.set && strings.HasPrefix(variable, "DIB_") || v.set && variable == "ELEMENTS_PATH":
			if !slices.ContainsFunc(before, func(a assignment) bool { return a.name == variable }) {
				s.tell(Note, "%s is set but not exported: %s does not see it, and it is left out", variable, name)
			}
		}
	}
	for _, a := range before {
		i.set(a.name, a.v.text())
	}
	s.found = append(s.found, i)
	if len(s.found) > maxImages {
		return errTooMany
	}
	return nil
}
