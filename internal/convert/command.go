// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/getopt"
)

// What a run of convert ends with.
const (
	// StatusSame: the template builds the same images.
	StatusSame = 0
	// StatusNothing: nothing was written.
	StatusNothing = 1
	// StatusDiffers: there is a template, but an image is missing, or is not the
	// same, or the template is not valid before something is done.
	StatusDiffers = 2
)

// Usage is the help.
const Usage = `Usage: packer-plugin-diskimage convert [-o FILE] [-f] -- disk-image-create [OPTION | ELEMENT]...
       packer-plugin-diskimage convert [-o FILE] [-f] [SCRIPT | IMAGES.yaml]...

Turns what builds images with diskimage-builder into a Packer template that
builds the same images:

  -- COMMAND     a command line. Variables may stand in front of it:
                 -- DIB_RELEASE=bookworm disk-image-create -o x debian-minimal vm
  SCRIPT         a shell script, or a piece of one, that sets variables and calls
                 disk-image-create. Without a file it is read from standard input.
                 No shell is run: what only a shell can tell is said.
  IMAGES.yaml    files of the command diskimage-builder, merged as it does that

Options:
  -o, --output FILE   write the template to FILE (NAME.pkr.hcl), not to standard output
  -f, --force         replace FILE if it is there
      --from FORMAT   "script" or "yaml", where the ending (.yaml, .yml) does not tell
  -h, --help          this help

Paths stay as they are: run packer where disk-image-create was run.
Nothing is left out in silence. What has another place in Packer, or none, stands
as a comment in the template and on standard error:

  note           the image is the same without it
  not the same   the image cannot be the same, or the template is not valid yet
  error          nothing could be made of it

Exit status: 0  the template builds the same images
             1  nothing was written
             2  a template was written, but something is missing or not the same

docs/moving.md has the table of all options, variables and keys.
`

// Check asks the builder what it says to a source's attributes: notes, and
// mistakes of which each names its attribute.
type Check func(attributes map[string]any) (notes []string, mistakes []error)

// Command is a call of convert.
type Command struct {
	Arguments      []string // after "convert"
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Environment and Directory are those that packer is expected to have.
	Environment func(string) (string, bool)
	Directory   string
	Check       Check
}

// Run is the command; it returns the exit status.
func (c Command) Run() int {
	ours, line := c.Arguments, []string(nil)
	if at := slices.Index(c.Arguments, "--"); at >= 0 {
		ours, line = c.Arguments[:at], c.Arguments[at+1:]
	}
	wanted, err := parseArguments(ours, line)
	if err != nil {
		return c.fail(err)
	}
	if wanted.help {
		fmt.Fprint(c.Stdout, Usage)
		return StatusSame
	}
	found, said, err := c.read(wanted, line)
	if err != nil {
		return c.fail(err)
	}
	return c.write(wanted, found, said)
}

func (c Command) fail(err error) int {
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintln(c.Stderr, "convert: "+line)
	}
	return StatusNothing
}

type arguments struct {
	help, force  bool
	output, from string
	files        []string
}

func parseArguments(args, line []string) (arguments, error) {
	parsed, err := getopt.Options{
		Flags:  []string{"-h", "--help", "-f", "--force"},
		Values: []string{"-o", "--output", "--from"},
	}.Parse(args)
	if err != nil {
		return arguments{}, fmt.Errorf("%w; see convert --help (a command line to convert stands behind \"--\")", err)
	}
	a := arguments{files: parsed.Operands}
	for _, s := range parsed.Settings {
		switch s.Name {
		case "-h", "--help":
			a.help = true
		case "-f", "--force":
			a.force = true
		case "-o", "--output":
			a.output = s.Value
		case "--from":
			a.from = s.Value
		}
	}
	switch {
	case a.from != "" && a.from != "script" && a.from != "yaml":
		return a, fmt.Errorf("--from %s: write script or yaml", a.from)
	case len(line) > 0 && len(a.files) > 0:
		return a, fmt.Errorf("%s and a command line are too much at once; convert one of them", a.files[0])
	case len(a.files) > 0 && isOurs(a.files[0]):
		return a, fmt.Errorf("a command line to convert stands behind \"--\": convert -- %s …", a.files[0])
	case a.output != "" && !strings.HasSuffix(a.output, ".pkr.hcl"):
		return a, fmt.Errorf("-o %s: packer reads templates by their ending; call it %s.pkr.hcl", a.output, strings.TrimSuffix(a.output, filepath.Ext(a.output)))
	}
	return a, nil
}

// largestInput bounds what is read of a file.
const largestInput = 512 << 10

// read reads all that is to be converted.
func (c Command) read(a arguments, line []string) ([]Invocation, messages, error) {
	if len(line) > 0 {
		return readLine(line)
	}
	if len(a.files) == 0 {
		a.files = []string{"-"}
	}
	var all []Invocation
	var said messages
	var entries []entry
	for _, name := range a.files {
		text, err := c.open(name)
		if err != nil {
			return nil, nil, err
		}
		if name == "-" {
			name = "stdin"
		}
		if isYAML(a.from, name, text) {
			more, err := readEntries(name, text)
			if err != nil {
				return nil, nil, err
			}
			entries = append(entries, more...)
			continue
		}
		found, more, err := readScript(name, text)
		if err != nil {
			return nil, nil, err
		}
		all, said = append(all, found...), append(said, more...)
	}
	all = append(all, invocations(entries)...)
	if len(all) == 0 {
		return nil, nil, errors.Join(noImages(a.files, said)...)
	}
	return all, said, nil
}

func noImages(files []string, said messages) []error {
	errs := []error{fmt.Errorf("%s: there is no call of %s in it, and no image of a YAML file", strings.Join(files, ", "), diskProgram)}
	for _, m := range said {
		errs = append(errs, errors.New(m.String()))
	}
	return errs
}

func (c Command) open(name string) (string, error) {
	in := c.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, largestInput+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading %s: %w", name, err)
	case len(text) > largestInput:
		return "", fmt.Errorf("%s is larger than 512 KiB: that is not a script that people write", name)
	case !utf8.Valid(text) || strings.ContainsAny(string(text), "\x00"+marks):
		return "", fmt.Errorf("%s is not a text: it has bytes that are not UTF-8, or control characters", name)
	}
	return string(text), nil
}

var yamlStart = regexp.MustCompile(`\A(?:\s*(?:#[^\n]*)?\n)*(?:---|-[ \n]|\[\s*\{|\[\s*\]\s*\z)`)

// isYAML tells a YAML file from a script: no command begins with "- ".
func isYAML(from, name, text string) bool {
	if from != "" {
		return from == "yaml"
	}
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") || yamlStart.MatchString(text)
}

// readLine reads a command line that a shell has taken apart already.
func readLine(line []string) ([]Invocation, messages, error) {
	s := &script{scope: scope{values: map[string]value{}, budget: largestExpansion}}
	for _, arg := range line {
		if !utf8.ValidString(arg) || strings.ContainsAny(arg, marks) {
			return nil, nil, fmt.Errorf("%q is not a text: it is not UTF-8, or has control characters", arg)
		}
	}
	args, before := line, []assignment(nil)
	for len(args) > 0 {
		a := assignmentPattern.FindStringSubmatch(args[0])
		if a == nil {
			break
		}
		before = append(before, assignment{a[1], text(args[0][len(a[0]):])})
		args = args[1:]
	}
	if len(args) == 0 {
		return nil, nil, fmt.Errorf("there is no %s behind \"--\"", diskProgram)
	}
	if err := s.call(args, before); err != nil {
		return nil, nil, err
	}
	if len(s.found) == 0 {
		return nil, nil, fmt.Errorf("%s is not %s; write -- %s …", args[0], diskProgram, diskProgram)
	}
	for i := range s.found {
		s.found[i].Where = ""
	}
	for i := range s.said {
		s.said[i].Where = ""
	}
	return s.found, s.said, nil
}

// write converts the images and writes the template and the messages.
func (c Command) write(a arguments, found []Invocation, said messages) int {
	var sources []source
	for _, i := range found {
		s, ok := toSource(i)
		if !ok {
			said = append(said, s.said...)
			continue
		}
		s.checked(c)
		sources = append(sources, s)
	}
	label(sources)
	sameFiles(sources)
	all := slices.Clone(said)
	for _, s := range sources {
		all = append(all, s.said...)
	}
	for _, m := range all {
		fmt.Fprintln(c.Stderr, m)
	}
	if len(sources) == 0 {
		fmt.Fprintln(c.Stderr, "convert: nothing was written")
		return StatusNothing
	}
	if err := c.save(a, render(header(said), sources)); err != nil {
		return c.fail(err)
	}
	if all.worst() > Note {
		return StatusDiffers
	}
	return StatusSame
}

// header is what stands above the whole template.
func header(said messages) []string {
	lines := []string{"Made by \"packer-plugin-diskimage convert\" of calls of disk-image-create."}
	for _, m := range said {
		lines = append(lines, m.String())
	}
	return lines
}

func (c Command) save(a arguments, template []byte) (err error) {
	if a.output == "" {
		_, err = c.Stdout.Write(template)
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if a.force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(a.output, flags, 0o666)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is already there; -f replaces it", a.output)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(template)
	return errors.Join(err, f.Close())
}
