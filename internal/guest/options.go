// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"fmt"
	"slices"
	"strings"
)

// options describes what a helper accepts. Names are written with their dashes.
// Options and operands may be mixed and "--" ends the options, as with GNU getopt.
type options struct {
	flags  []string // options without a value
	values []string // options with a value
	// lenient takes unknown options for operands (pkg-map does).
	lenient bool
}

// parsed is what a command line said.
type parsed struct {
	set      map[string]string // value by full option name, "" for flags
	operands []string
}

func (p parsed) has(name string) bool { _, ok := p.set[name]; return ok }

// parse reads a command line. Long options may be shortened while they are
// unambiguous and take their value after "=" or as the next argument; short
// ones may be joined and take their value directly or as the next argument.
func (o options) parse(args []string) (parsed, error) {
	p := parsed{set: map[string]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			p.operands = append(p.operands, args...)
			break
		}
		var err error
		switch {
		case strings.HasPrefix(arg, "--"):
			args, err = o.long(&p, arg, args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = o.short(&p, arg, args)
		default:
			p.operands = append(p.operands, arg)
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func (o options) long(p *parsed, arg string, rest []string) ([]string, error) {
	name, value, joined := strings.Cut(arg, "=")
	full, err := o.expand(name)
	if err != nil {
		if o.lenient {
			p.operands = append(p.operands, arg)
			return rest, nil
		}
		return nil, err
	}
	if slices.Contains(o.flags, full) {
		if joined {
			return nil, fmt.Errorf("option %s takes no value", full)
		}
		p.set[full] = ""
		return rest, nil
	}
	if !joined {
		if len(rest) == 0 {
			return nil, fmt.Errorf("option %s needs a value", full)
		}
		value, rest = rest[0], rest[1:]
	}
	p.set[full] = value
	return rest, nil
}

// expand finds the option that name is, or is the beginning of.
func (o options) expand(name string) (string, error) {
	var found []string
	for _, known := range slices.Concat(o.flags, o.values) {
		if known == name {
			return known, nil
		}
		if strings.HasPrefix(known, name) {
			found = append(found, known)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("unknown option %s", name)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("option %s is ambiguous: %s", name, strings.Join(found, ", "))
}

func (o options) short(p *parsed, arg string, rest []string) ([]string, error) {
	for i := 1; i < len(arg); i++ {
		name := "-" + arg[i:i+1]
		switch {
		case slices.Contains(o.flags, name):
			p.set[name] = ""
		case slices.Contains(o.values, name):
			if i+1 < len(arg) {
				p.set[name] = arg[i+1:]
				return rest, nil
			}
			if len(rest) == 0 {
				return nil, fmt.Errorf("option %s needs a value", name)
			}
			p.set[name] = rest[0]
			return rest[1:], nil
		case o.lenient && i == 1:
			p.operands = append(p.operands, arg)
			return rest, nil
		default:
			return nil, fmt.Errorf("unknown option %s", name)
		}
	}
	return rest, nil
}
