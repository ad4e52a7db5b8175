// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// commands are what diskimage-builder would run, with the variables in front.
func commands(t *testing.T, sources ...string) []string {
	t.Helper()
	var entries []entry
	for _, source := range sources {
		more, err := readEntries("x.yaml", source)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, more...)
	}
	var all []string
	for _, i := range invocations(entries) {
		line := ""
		for _, v := range i.Environment {
			line += v.Name + "=" + quoted(v.Value) + " "
		}
		all = append(all, line+i.String())
	}
	return all
}

// The commands are those of "diskimage-builder --dry-run" (reference §1.4).
func TestEntriesBecomeCommands(t *testing.T) {
	for _, tc := range []struct {
		name    string
		sources []string
		want    []string
	}{
		{"every key, in the order of the schema", []string{`
- elements: [a, b]
  skip-base: true
  packages: [p, q]
  docker-target: d/t
  install-type: package
  ramdisk-element: re
  root-label: rl
  qemu-img-options: {k1: v1, k2: v2}
  offline: true
  no-tmpfs: true
  mkfs-options: -i 8192
  mkfs-journal-size: 3
  min-tmpfs: 2
  max-online-resize: 1000
  image-cache: /c
  image-extra-size: 4
  image-size: 5
  checksum: true
  logfile: l.log
  clear: true
  uncompressed: true
  debug-trace: 2
  ramdisk: false
  environment: {A: "1", B: two words}
  types: [qcow2, raw]
  arch: amd64
  imagename: n
`}, []string{"A=1 B='two words' disk-image-create -o n -a amd64 -t qcow2,raw -x -x -u -c --logfile l.log --checksum --image-size 5 " +
			"--image-extra-size 4 --image-cache /c --max-online-resize 1000 --min-tmpfs 2 --mkfs-journal-size 3 --mkfs-options '-i 8192' " +
			"--no-tmpfs --offline --qemu-img-options k1=v1,k2=v2 --root-label rl --ramdisk-element re --install-type package --docker-target d/t -p p,q -n a b"}},
		{"nothing given", []string{"- {}"}, []string{"disk-image-create"}},
		{"off, empty and zero", []string{"- {checksum: false, offline: no, debug-trace: 0, packages: [], root-label: '', imagename: '', types: []}"}, []string{"disk-image-create"}},
		{"a ramdisk", []string{"- {ramdisk: true, elements: [a]}"}, []string{"ramdisk-image-create a"}},
		{"several", []string{"- {imagename: x, elements: [a]}\n- {imagename: y, elements: [b]}"}, []string{"disk-image-create -o x a", "disk-image-create -o y b"}},
		{"merged by name", []string{`
- {imagename: x, elements: [a], types: [raw], environment: {A: "1", B: "1"}, image-size: 1, checksum: true}
- {imagename: y, elements: [b]}
- {imagename: x, elements: [c], environment: {A: "2", C: "2"}, image-size: 2, checksum: false}
`}, []string{"A=2 B=1 C=2 disk-image-create -o x -t raw --image-size 2 a c", "disk-image-create -o y b"}},
		{"an entry without a name joins the one before", []string{"- {elements: [a]}\n- {packages: [p]}\n- {imagename: x, elements: [b]}\n- {elements: [c]}"},
			[]string{"disk-image-create -p p a", "disk-image-create -o x b c"}},
		{"the first without a name is image", []string{"- {elements: [a]}\n- {imagename: image, elements: [b]}"}, []string{"disk-image-create -o image a b"}},
		{"over files", []string{"- {imagename: x, elements: [a]}", "- {packages: [p]}\n- {imagename: x, elements: [b]}"}, []string{"disk-image-create -o x -p p a b"}},
		{"aliases and merged maps", []string{"- &one {imagename: x, elements: &e [a], image-size: 1}\n- <<: *one\n  imagename: y\n  elements: *e\n"},
			[]string{"disk-image-create -o x --image-size 1 a", "disk-image-create -o y --image-size 1 a"}},
		{"of several merged maps the first wins", []string{"- {<<: [{image-size: 1}, {image-size: 2, imagename: x}], elements: [a]}"},
			[]string{"disk-image-create -o x --image-size 1 a"}},
	} {
		if diff := cmp.Diff(tc.want, commands(t, tc.sources...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestMistakesInYAML(t *testing.T) {
	for source, want := range map[string]string{
		"":                                 "is not a list of images",
		"imagename: x":                     "is not a list of images",
		"- x":                              `x.yaml:1: "x" is not an image`,
		"- a: [":                           "x.yaml: yaml:",
		"- {elements: [a]}\n---\n- {}":     "second document",
		"- {elments: [a]}":                 `"elments" is not a key of diskimage-builder (did you mean "elements"?)`,
		"- {}\n- {image_size: 3}":          `x.yaml:2: "image_size" is not a key of diskimage-builder (did you mean "image-size"?)`,
		"- {elements: a}":                  `elements: "a" is not a list`,
		"- {elements: [[a]]}":              "elements: a list is not a text",
		"- {elements: [1]}":                `elements: "1" is not a text to YAML; put it in quotes: "1"`,
		"- {environment: {A: 1}}":          `environment: A: "1" is not a text`,
		"- {environment: {A: yes}}":        `environment: A: "yes" is not a text`,
		"- {environment: {A: 1:30}}":       `environment: A: "1:30" is not a text`,
		"- {environment: {A: }}":           "is not a text",
		"- {environment: [A]}":             "environment: a list is not a map",
		"- {environment: {A: \"a\\x01\"}}": "control character",
		"- {checksum: 1}":                  `checksum: "1" is not true or false`,
		"- {checksum: 'true'}":             "is not true or false",
		"- {image-size: 0}":                "image-size: 0 is less than 1",
		"- {image-size: 1.5}":              "is not a whole number",
		"- {image-size: '5'}":              "is not a whole number",
		"- {debug-trace: 3}":               "3 is none of 0, 1, 2",
		"- {arch: x86}":                    `arch: "x86" is none of`,
		"- {types: [qcow3]}":               `(did you mean "qcow2"?)`,
		"- {install-type: pakage}":         `(did you mean "package"?)`,
		"- {arch: x86, types: [qcow3]}":    "qcow3",
		"- &a {<<: *a}":                    "x.yaml",
		"- {<<: 1}":                        "x.yaml",
	} {
		_, err := readEntries("x.yaml", source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", source, err, want)
		}
	}
}
