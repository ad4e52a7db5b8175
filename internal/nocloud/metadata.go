// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

const (
	instanceIDKey    = "instance-id"
	localHostnameKey = "local-hostname"
	// defaultID is what cloud-init calls every machine whose meta-data has no instance-id.
	defaultID = "nocloud"
)

var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// checkMetaData checks meta-data, and that it and the seed's own fields agree.
func (s Seed) checkMetaData(r reporter) {
	root, ok := r.configText(s.MetaData.Text, "meta-data")
	if !ok || root == nil {
		return
	}
	r.scalarKey(root, instanceIDKey, s.InstanceID, "instance_id")
	r.scalarKey(root, localHostnameKey, s.Hostname, "hostname")
	for _, name := range slices.Sorted(maps.Keys(s.Meta)) {
		if key, _ := field(root, name); key != nil {
			r.fail(at(key), fmt.Sprintf("%s is given here and in meta", name), "give it once")
		}
	}
	if _, id := field(root, instanceIDKey); id != nil && id.Value == defaultID {
		r.fail(at(id), defaultIDText, "give each machine its own, or leave it out to have one derived")
	}
	key, mode := field(root, "dsmode")
	if key != nil && mode.Value == "disabled" {
		r.warn(at(key), "dsmode: disabled makes cloud-init pass over this seed", "remove it")
	} else if key != nil && !slices.Contains([]string{"local", "net", "pass"}, mode.Value) {
		r.warn(at(key), "a dsmode that cloud-init does not know and will ignore", "use local or net")
	}
	if key, _ := field(root, "network-interfaces"); key != nil {
		r.warn(at(key), "network-interfaces (ENI) in meta-data is deprecated since cloud-init 24.3", "give a network-config of version 2 or 1")
	}
	for _, name := range [][2]string{{"instance_id", instanceIDKey}, {"local_hostname", localHostnameKey}, {"hostname", localHostnameKey}} {
		if key, _ := field(root, name[0]); key != nil {
			r.warn(at(key), fmt.Sprintf("NoCloud does not read %s", name[0]), "write "+name[1]+", unless a template of your own reads it")
		}
	}
	if key, _ := field(root, "seedfrom"); key != nil && s.NetworkConfig.Given() {
		r.warn(at(key), "with seedfrom, many versions ignore network-config", "leave seedfrom out, or network-config")
	}
}

const defaultIDText = `the instance-id "nocloud" is that of every machine without one: clones would share it`

// configText checks a document that is YAML whatever its first line says:
// neither compressed nor a template.
func (r reporter) configText(text []byte, what string) (*yaml.Node, bool) {
	if isGzip(text) {
		r.fail(place{}, fmt.Sprintf("compressed; cloud-init reads %s as plain YAML", what), "decompress it")
		return nil, false
	}
	if !r.plainText(text) {
		return nil, false
	}
	if headerKind(firstLine(string(text))) == jinja && bytes.Contains(text, []byte("{{")) {
		r.fail(place{1, 1}, fmt.Sprintf("a template; cloud-init does not render %s", what), "write the values themselves")
		return nil, false
	}
	return r.yamlMapping(r.unixLines(string(text)), what)
}

// scalarKey checks a key that names the machine.
func (r reporter) scalarKey(root *yaml.Node, name, attribute, attributeName string) {
	key, value := field(root, name)
	switch {
	case key == nil:
	case value.Kind != yaml.ScalarNode || isNull(value) || strings.TrimSpace(value.Value) == "":
		r.fail(at(key), fmt.Sprintf("%s must be a text, not a %s", name, emptyOr(value)), "write one, or leave the key out")
	case attribute != "" && attribute != value.Value:
		r.fail(at(key), fmt.Sprintf("%s is %q here and %q in %s", name, value.Value, attribute, attributeName), "give it once")
	}
}

func emptyOr(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return "blank"
	}
	return kindName(n)
}

// checkNames checks the fields that are not documents.
func (s Seed) checkNames(out *Problems) {
	id := newReporter(Document{Attribute: "instance_id"}, out)
	switch {
	case s.InstanceID == "":
	case s.InstanceID == defaultID:
		id.fail(place{}, defaultIDText, "give each machine its own, or leave it out to have one derived")
	case s.InstanceID == "." || s.InstanceID == "..",
		strings.TrimSpace(s.InstanceID) != s.InstanceID,
		strings.ContainsFunc(s.InstanceID, func(c rune) bool { return c < ' ' || c == 0x7f }),
		len(s.InstanceID) > 255:
		id.fail(place{}, "cloud-init makes a directory of this name and cannot of this one", "use letters, digits and dashes, at most 255")
	}
	if s.Hostname != "" && (!hostname.MatchString(s.Hostname) || len(s.Hostname) > 253) {
		newReporter(Document{Attribute: "hostname"}, out).
			fail(place{}, "not a host name", "use letters, digits, dashes and dots")
	}
}

// keyValue is one line to add to meta-data.
type keyValue struct{ key, value string }

// addKeys puts keys before the first one of a YAML mapping and leaves all else
// as it stands.
func addKeys(text []byte, keys []keyValue) ([]byte, error) {
	if len(keys) == 0 {
		return text, nil
	}
	root, err := parseYAML(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading meta-data: %w", err)
	}
	switch {
	case root == nil:
		return append(blockLines("", keys), text...), nil
	case isNull(root): // "~", or "---" alone
		return blockLines("", keys), nil
	}
	offset, added := insertion(string(text), root, keys)
	result := slices.Concat(text[:offset], added, text[offset:])
	again, err := parseYAML(bytes.NewReader(result))
	for _, k := range keys {
		if _, value := field(again, k.key); err == nil && (value == nil || value.Value != k.value) {
			err = fmt.Errorf("%s would not be read", k.key)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("meta-data is written in a way that nothing can be added to (%w); give it %s and %s yourself", err, instanceIDKey, localHostnameKey)
	}
	return result, nil
}

// insertion says where in a mapping keys go, and in what form.
func insertion(text string, root *yaml.Node, keys []keyValue) (offset int, added []byte) {
	if root.Style&yaml.FlowStyle != 0 {
		open := offsetOf(text, at(root))
		open += strings.IndexByte(text[open:], '{') + 1
		return open, flowFields(keys, len(root.Content) > 0)
	}
	first := at(root.Content[0])
	offset = offsetOf(text, place{first.line, 1})
	return offset, blockLines(strings.Repeat(" ", first.column-1), keys)
}

// offsetOf is the byte offset of a position.
func offsetOf(text string, p place) int {
	offset := 0
	for range p.line - 1 {
		offset += strings.IndexByte(text[offset:], '\n') + 1
	}
	for range p.column - 1 {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	return offset
}

func blockLines(indent string, keys []keyValue) []byte {
	var b bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&b, "%s%s: %s\n", indent, yamltext.Scalar(k.key), yamltext.Scalar(k.value))
	}
	return b.Bytes()
}

func flowFields(keys []keyValue, more bool) []byte {
	var b bytes.Buffer
	for i, k := range keys {
		fmt.Fprintf(&b, "%s: %s", yamltext.Quoted(k.key), yamltext.Quoted(k.value))
		if more || i+1 < len(keys) {
			b.WriteString(", ")
		}
	}
	return b.Bytes()
}
