// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/image"
)

// attribute is one of a source: a string, []string, []Variable, bool or int64.
// Texts may have marks that are readable.
type attribute struct {
	name  string
	value any
}

// source is a source "diskimage" and its build.
type source struct {
	label      string
	invocation Invocation
	attributes []attribute
	// checksums are for the post-processor; file is its output without the
	// name of the algorithm.
	checksums []string
	file      string
	said      messages
}

// converter makes a source of an invocation.
type converter struct {
	invocation Invocation
	out        source
}

func (c *converter) tell(level Level, format string, args ...any) {
	c.out.said.add(level, c.invocation.Where, format, args...)
}

// set sets an attribute; an empty text is as good as none.
func (c *converter) set(name string, value any) {
	if value == "" {
		return
	}
	c.out.attributes = append(c.out.attributes, attribute{name, value})
}

// toSource makes a source; false means that there is none, and the messages
// say why.
func toSource(i Invocation) (source, bool) {
	c := &converter{invocation: i, out: source{invocation: i}}
	if i.Program == ramdiskProgram {
		c.tell(Fatal, "%s is not converted: this version of the plugin builds no ramdisks", ramdiskProgram)
		return c.out, false
	}
	w, ok := c.read(i)
	if !ok {
		return c.out, false
	}
	c.readVariables(&w)
	if len(w.elements) == 0 {
		c.tell(Fatal, "%s names no element that can be read, so there is no image to build", i.Program)
		return c.out, false
	}
	c.what(&w)
	c.outputs(&w)
	c.disk(&w)
	c.how(&w)
	c.environment(&w)
	for _, name := range variables([]source{c.out}) {
		c.tell(Note, "$%s is not set in front of the command: it is a variable of the template, which takes it from the environment", name)
	}
	return c.out, true
}

// what is in the image.
func (c *converter) what(w *wishes) {
	c.set("elements", w.elements)
	if value, ok := w.take("ELEMENTS_PATH"); ok {
		var paths []string
		for _, p := range strings.Split(value, ":") {
			if p != "" {
				paths = append(paths, p)
			}
		}
		if len(paths) > 0 {
			c.set("element_paths", paths)
			c.relative("ELEMENTS_PATH", paths...)
		}
	}
	if len(w.packages) > 0 {
		c.set("packages", w.packages)
	}
	if arch, ok := w.options["-a"]; ok {
		if ours := map[string]string{"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el"}[arch]; ours != "" {
			c.tell(Note, "-a %s is written as Debian has it: %s", arch, ours)
			arch = ours
		}
		c.set("architecture", arch)
	}
	if _, ok := w.options["-n"]; ok {
		c.set("skip_base", true)
	}
	if t, ok := w.options["--install-type"]; ok {
		c.set("install_type", t)
	}
}

// relative tells of paths that a "cd" in the script gives another meaning.
func (c *converter) relative(what string, paths ...string) {
	for _, p := range paths {
		if c.invocation.Moved && !strings.HasPrefix(p, "/") && !strings.HasPrefix(p, homeDirectory) {
			c.tell(Note, "%s: %s is relative, and there is a \"cd\" in front; in the template it is relative to where packer is run", what, asWritten(p))
		}
	}
}

// outputs are name, directory and formats of the image files.
func (c *converter) outputs(w *wishes) {
	types := c.types(w)
	name, given := w.options["-o"]
	if !given {
		name = "image"
	}
	if len(types) == 1 {
		name = strings.TrimSuffix(name, "."+types[0])
	}
	directory, file := splitName(name)
	if file == "" {
		c.tell(Differs, "-o %s has no name for the file; it is \"image\" in the template", quoted(asWritten(name)))
		file = "image"
	}
	c.relative("-o", directory)
	c.out.label = file
	c.set("output_directory", directory)
	c.set("image_name", file)
	formats := c.formats(types)
	if _, ok := w.options["-t"]; ok && len(formats) > 0 {
		c.set("formats", formats)
	}
	c.qcow2(w, len(formats) == 0 || slices.Contains(formats, string(image.QCOW2)))
	c.checksums(w, file, formats)
}

// splitName splits "-o" into directory and name. What a variable adds to the
// name must have no slash, or the builder says so.
func splitName(name string) (directory, file string) {
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		return ".", name
	}
	directory = path.Clean(name[:at+1])
	return directory, name[at+1:]
}

// types are the words of "-t", each once.
func (c *converter) types(w *wishes) []string {
	given, ok := w.options["-t"]
	if !ok {
		return []string{string(image.QCOW2)}
	}
	var types []string
	for _, t := range strings.Split(given, ",") {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	if len(types) == 0 {
		c.tell(Differs, "-t has no format; the template makes qcow2")
	}
	return types
}

// formats are the types that this plugin writes.
func (c *converter) formats(types []string) []string {
	var formats []string
	for _, t := range types {
		if _, err := image.ParseFormat(t); err != nil && isPlain(t) {
			c.tell(Differs, "-t %s: %v", t, err)
			continue
		}
		formats = append(formats, t)
	}
	if len(types) > 0 && len(formats) == 0 {
		c.tell(Differs, "-t: none of the formats is there, so the template makes qcow2 instead")
	}
	return formats
}

// qcow2 is how qcow2 files are made, if there are any.
func (c *converter) qcow2(w *wishes, wanted bool) {
	_, plain := w.options["-u"]
	given := w.options["--qemu-img-options"]
	if !wanted {
		if plain || given != "" {
			c.tell(Note, "-u and --qemu-img-options are left out: they are about qcow2, and no such file is made")
		}
		return
	}
	options, err := image.ParseOptions(given)
	if err != nil {
		c.tell(Differs, "--qemu-img-options: %s", asWritten(err.Error()))
	}
	compression := options["compression_type"]
	delete(options, "compression_type")
	if plain {
		compression = string(image.NoCompression)
	}
	if compression != "" {
		c.set("qcow2_compression", compression)
	}
	var pairs []Variable
	for name, value := range options {
		pairs = append(pairs, Variable{name, value})
	}
	if len(pairs) > 0 {
		slices.SortFunc(pairs, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
		c.set("qemu_img_options", pairs)
	}
}

// checksums are a post-processor's work.
func (c *converter) checksums(w *wishes, file string, formats []string) {
	value, ok := w.options["--checksum"]
	if !ok || value == "0" {
		return
	}
	for _, name := range []string{"md5", "sha256"} {
		if value == "" || value == "1" || strings.Contains(value, name) {
			c.out.checksums = append(c.out.checksums, name)
		}
	}
	c.out.file = file
	switch len(formats) {
	case 0:
		c.out.file += "." + string(image.QCOW2)
	case 1:
		c.out.file += "." + formats[0]
	default:
		c.tell(Note, "--checksum: the post-processor writes the sums of all formats into one file for each algorithm")
	}
}

// disk is its size and its root file system.
func (c *converter) disk(w *wishes) {
	for _, size := range []struct{ option, attribute, unit string }{
		{"--image-size", "disk_size", "G"},
		{"--image-extra-size", "image_extra_size", "M"},
		{"--mkfs-journal-size", "mkfs_journal_size", "M"},
	} {
		if value, ok := w.options[size.option]; ok {
			c.set(size.attribute, withUnit(value, size.unit))
		}
	}
	if _, ok := w.options["--image-extra-size"]; ok {
		c.tell(Note, "--image-extra-size is MiB, as DIB_IMAGE_EXTRA_SIZE always was, although the help of disk-image-create says GB")
	}
	if value, ok := w.take("FS_TYPE"); ok {
		c.set("root_fs", value)
	}
	if value, ok := w.options["--root-label"]; ok {
		c.set("root_label", value)
	}
	if options := strings.Fields(w.options["--mkfs-options"]); len(options) > 0 {
		c.set("mkfs_options", options)
	}
	if value, ok := w.options["--max-online-resize"]; ok {
		if blocks, err := strconv.ParseInt(value, 10, 64); err == nil {
			c.set("max_online_resize", blocks)
		} else {
			c.set("max_online_resize", value)
		}
	}
}

var numberPattern = regexp.MustCompile(`^[0-9]*\.?[0-9]+$`)

// withUnit is a size of the template. What is no number stays, for the builder
// to complain about.
func withUnit(value, unit string) string {
	if numberPattern.MatchString(value) || !isPlain(value) {
		return value + unit
	}
	return value
}

// how the image is built.
func (c *converter) how(w *wishes) {
	work, ok := w.take("TMPDIR")
	if other, second := w.take("TMP_DIR"); second && (!ok || work == "") {
		work, ok = other, true
	}
	if ok && work != "" {
		c.relative("TMPDIR", work)
		c.set("work_directory", work)
	}
	if _, ok := w.options["--no-tmpfs"]; ok {
		c.set("tmpfs", "never")
	}
	if cache, ok := w.options["--image-cache"]; ok {
		c.relative("--image-cache", cache)
		c.set("image_cache_directory", cache)
	}
	if _, ok := w.options["--offline"]; ok {
		c.set("offline", true)
	}
	if _, ok := w.options["--min-tmpfs"]; ok {
		c.tell(Note, "--min-tmpfs is gone: a tmpfs is used if 4 GiB of memory are available; tmpfs = \"always\" or \"never\" says otherwise")
	}
	if _, ok := w.options["-c"]; ok {
		c.tell(Note, "-c is gone: it never worked in disk-image-create; hooks get packer's environment, and \"env -i\" in front of packer makes that an empty one")
	}
	if file, ok := w.options["--logfile"]; ok {
		c.tell(Note, "--logfile is packer's to do: PACKER_LOG=1 PACKER_LOG_PATH=%s packer build …, or a pipe to tee", quoted(asWritten(file)))
	}
	if _, ok := w.options["--docker-target"]; ok {
		c.tell(Note, "--docker-target is gone, as there is no format docker")
	}
	if _, ok := w.options["--ramdisk-element"]; ok {
		c.tell(Note, "--ramdisk-element is gone: it is for %s, and without effect here", ramdiskProgram)
	}
}

var secretPattern = regexp.MustCompile(`(?i)passw(or)?d$|secret|token|credential|private_?key`)

// environment is what is left for the elements' hooks.
func (c *converter) environment(w *wishes) {
	trace, _ := w.take("DIB_DEBUG_TRACE")
	if before, err := strconv.Atoi(trace); w.trace > 0 && (err == nil || trace == "") {
		trace = fmt.Sprint(before + w.trace)
	}
	if trace != "" && trace != "0" {
		w.variables = append(w.variables, Variable{"DIB_DEBUG_TRACE", trace})
	}
	for _, v := range w.variables {
		if isPlain(v.Value) && secretPattern.MatchString(v.Name) {
			c.tell(Note, "%s seems to be a secret and is written out; a variable with sensitive = true keeps it out of the template", v.Name)
		}
	}
	if len(w.variables) > 0 {
		c.set("environment", w.variables)
	}
}
