// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/getopt"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// commandLine are the options of disk-image-create (reference §1.2). Two are
// documented there but refused by its getopt; they are meant all the same.
func commandLine() getopt.Options {
	return getopt.Options{
		Flags: []string{"-h", "-x", "-u", "-c", "-n", "--checksum", "--no-tmpfs", "--offline", "--help", "--version"},
		Values: []string{"-a", "-o", "-t", "-p", "--min-tmpfs", "--image-size", "--image-cache", "--max-online-resize",
			"--mkfs-options", "--qemu-img-options", "--ramdisk-element", "--root-label", "--install-type", "--docker-target", "--logfile"},
		Late: []string{"--image-extra-size", "--mkfs-journal-size"},
	}
}

// wishes are what a command asks for: options, and the variables that stand in
// for options that are not there.
type wishes struct {
	options   map[string]string // by option; the last wins
	trace     int
	packages  []string
	elements  []string
	variables []Variable // those that are left
}

// read takes a command line apart.
func (c *converter) read(i Invocation) (wishes, bool) {
	w := wishes{options: map[string]string{}, variables: slices.Clone(i.Environment)}
	parsed, err := commandLine().Parse(i.Arguments)
	if err != nil {
		name, unknown := strings.CutPrefix(err.Error(), "unknown option ")
		hint := ""
		if unknown {
			o := commandLine()
			hint = nearest.Hint(name, slices.Concat(o.Values, o.Late, o.Flags))
		}
		c.tell(Fatal, "%s does not take this command line: %s%s", i.Program, asWritten(err.Error()), hint)
		return w, false
	}
	for _, s := range parsed.Settings {
		switch s.Name {
		case "-x":
			w.trace++
		case "-p":
			for _, part := range strings.Split(s.Value, ",") {
				w.packages = append(w.packages, c.words("-p", part)...)
			}
		case "-h", "--help", "--version":
			c.tell(Fatal, "%s %s only prints; there is nothing to convert", i.Program, s.Name)
			return w, false
		default:
			if c.readable(s.Name, s.Value) {
				w.options[s.Name] = s.Value
			}
		}
	}
	for _, operand := range parsed.Operands {
		w.elements = append(w.elements, c.words("elements", operand)...)
	}
	return w, true
}

// words takes a text apart at blanks, and leaves out what cannot be read.
func (c *converter) words(what, t string) []string {
	if !c.readable(what, t) {
		return nil
	}
	if variablePattern.FindString(t) == t && t != "" {
		c.tell(Note, "%s: $%s is taken for one word; if it holds several, write them out", what, strings.Trim(t, variable))
	}
	return strings.Fields(t)
}

// readable tells whether a text can stand in a template, and says so if not.
func (c *converter) readable(what, t string) bool {
	if isReadable(t) {
		return true
	}
	hint := ""
	if strings.Contains(t, "date") {
		hint = `; a date is formatdate("YYYYMMDD", timestamp()) in a template`
	}
	c.tell(Differs, "%s: %q cannot be read without a shell; it is left out%s", what, asWritten(t), hint)
	return false
}

// take returns the value of a variable and removes it from those that are left.
func (w *wishes) take(name string) (string, bool) {
	at := slices.IndexFunc(w.variables, func(v Variable) bool { return v.Name == name })
	if at < 0 {
		return "", false
	}
	value := w.variables[at].Value
	w.variables = slices.Delete(w.variables, at, at+1)
	return value, true
}
