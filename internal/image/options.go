// SPDX-License-Identifier: MPL-2.0

package image

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// Options are further options of qcow2 (qemu-img convert -o), by name.
type Options map[string]string

// optionNames are the options that change how a qcow2 file is laid out.
var optionNames = []string{"cluster_size", "compat", "extended_l2", "lazy_refcounts", "nocow", "preallocation", "refcount_bits"}

// Check tells what is wrong with the options of a file that is compressed so.
func (o Options) Check(compression Compression) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(o)) {
		switch {
		case name == "compression_type":
			errs = append(errs, errors.New("compression_type is the attribute qcow2_compression; take it out here"))
		case slices.Contains([]string{"backing_file", "backing_fmt", "data_file", "data_file_raw", "size"}, name) || strings.HasPrefix(name, "encrypt"):
			errs = append(errs, fmt.Errorf("%s would make another image than the one that is built; take it out", name))
		case !slices.Contains(optionNames, name):
			errs = append(errs, fmt.Errorf("%q is not an option of qcow2%s; there are %s",
				name, nearest.Hint(name, optionNames), strings.Join(optionNames, ", ")))
		case o[name] == "" || strings.ContainsAny(o[name], " \t\r\n"):
			errs = append(errs, fmt.Errorf("%s = %q is not a value of it; write a word such as \"64k\" or \"on\"", name, o[name]))
		}
	}
	old := o["compat"] == "0.10" || o["compat"] == "v2"
	if old && compression == Zstd {
		errs = append(errs, fmt.Errorf("compat = %q cannot be read with zstd; set qcow2_compression to \"zlib\" or \"none\"", o["compat"]))
	}
	if p := o["preallocation"]; p != "" && p != "off" && compression != NoCompression {
		errs = append(errs, fmt.Errorf("preallocation = %q and compression exclude each other; set qcow2_compression to \"none\"", p))
	}
	return errors.Join(errs...)
}

// ParseOptions reads what diskimage-builder hands to qemu-img convert -o:
// "name=value,name=value". A comma of a value is doubled.
func ParseOptions(text string) (Options, error) {
	const comma = "\x00"
	o := Options{}
	for _, part := range strings.Split(strings.ReplaceAll(text, ",,", comma), ",") {
		name, value, ok := strings.Cut(strings.ReplaceAll(part, comma, ","), "=")
		switch {
		case name == "":
		case !ok:
			return nil, fmt.Errorf("%q is not NAME=VALUE", name)
		default:
			o[name] = value
		}
	}
	return o, nil
}

// argument is what follows qemu-img's -o; first stands before the options.
func (o Options) argument(first ...string) string {
	all := first
	for _, name := range slices.Sorted(maps.Keys(o)) {
		all = append(all, name+"="+strings.ReplaceAll(o[name], ",", ",,"))
	}
	return strings.Join(all, ",")
}
