// SPDX-License-Identifier: MPL-2.0

package guest

import "github.com/seed-736dd801/packer-plugin-diskimage/internal/getopt"

// options describes what a helper accepts. Names are written with their dashes.
type options struct {
	flags  []string // options without a value
	values []string // options with a value
	// lenient takes unknown options for operands (pkg-map does).
	lenient bool
}

// parsed is what a command line said.
type parsed struct {
	set      map[string]string // value by full option name, "" for flags; the last wins
	operands []string
}

func (p parsed) has(name string) bool { _, ok := p.set[name]; return ok }

// parse reads a command line as GNU getopt does.
func (o options) parse(args []string) (parsed, error) {
	found, err := getopt.Options{Flags: o.flags, Values: o.values, Lenient: o.lenient}.Parse(args)
	p := parsed{set: map[string]string{}, operands: found.Operands}
	for _, s := range found.Settings {
		p.set[s.Name] = s.Value
	}
	return p, err
}
