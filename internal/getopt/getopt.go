// SPDX-License-Identifier: MPL-2.0

// Package getopt reads command lines by the rules of GNU getopt: options and
// operands may be mixed, "--" ends the options, short options may be joined and
// long ones shortened while they are unambiguous.
package getopt

import (
	"fmt"
	"slices"
	"strings"
)

// Options describes what a command accepts. Names are written with their dashes.
type Options struct {
	Flags  []string // options without a value
	Values []string // options with a value
	// Late are options with a value that may be shortened only where no other
	// option can be meant.
	Late []string
	// Lenient takes unknown options for operands.
	Lenient bool
}

// Setting is an option as it was given, by its full name; flags have no value.
type Setting struct{ Name, Value string }

// Parsed is what a command line said, in its order.
type Parsed struct {
	Settings []Setting
	Operands []string
}

func (p *Parsed) add(name, value string) { p.Settings = append(p.Settings, Setting{name, value}) }

// Parse reads a command line. Long options take their value after "=" or as the
// next argument, short ones directly or as the next argument.
func (o Options) Parse(args []string) (Parsed, error) {
	var p Parsed
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			p.Operands = append(p.Operands, args...)
			break
		}
		var err error
		switch {
		case strings.HasPrefix(arg, "--"):
			args, err = o.long(&p, arg, args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = o.short(&p, arg, args)
		default:
			p.Operands = append(p.Operands, arg)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func (o Options) long(p *Parsed, arg string, rest []string) ([]string, error) {
	name, value, joined := strings.Cut(arg, "=")
	full, err := o.expand(name)
	if err != nil {
		if o.Lenient {
			p.Operands = append(p.Operands, arg)
			return rest, nil
		}
		return nil, err
	}
	if slices.Contains(o.Flags, full) {
		if joined {
			return nil, fmt.Errorf("option %s takes no value", full)
		}
		p.add(full, "")
		return rest, nil
	}
	if !joined {
		if len(rest) == 0 {
			return nil, fmt.Errorf("option %s needs a value", full)
		}
		value, rest = rest[0], rest[1:]
	}
	p.add(full, value)
	return rest, nil
}

// expand finds the option that name is, or is the beginning of.
func (o Options) expand(name string) (string, error) {
	if slices.Contains(o.Late, name) {
		return name, nil
	}
	found := beginWith(name, slices.Concat(o.Flags, o.Values))
	if len(found) == 0 {
		found = beginWith(name, o.Late)
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("unknown option %s", name)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("option %s is ambiguous: %s", name, strings.Join(found, ", "))
}

// beginWith lists the options that begin so, or the one that is so.
func beginWith(name string, options []string) []string {
	if slices.Contains(options, name) {
		return []string{name}
	}
	var found []string
	for _, known := range options {
		if strings.HasPrefix(known, name) {
			found = append(found, known)
		}
	}
	return found
}

func (o Options) short(p *Parsed, arg string, rest []string) ([]string, error) {
	for i := 1; i < len(arg); i++ {
		name := "-" + arg[i:i+1]
		switch {
		case slices.Contains(o.Flags, name):
			p.add(name, "")
		case slices.Contains(o.Values, name):
			if i+1 < len(arg) {
				p.add(name, arg[i+1:])
				return rest, nil
			}
			if len(rest) == 0 {
				return nil, fmt.Errorf("option %s needs a value", name)
			}
			p.add(name, rest[0])
			return rest[1:], nil
		case o.Lenient && i == 1:
			p.Operands = append(p.Operands, arg)
			return rest, nil
		default:
			return nil, fmt.Errorf("unknown option %s", name)
		}
	}
	return rest, nil
}
