// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"regexp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

// interfacesFile is a line of /etc/network/interfaces.
var interfacesFile = regexp.MustCompile(`(?m)^\s*(?:auto|allow-hotplug|iface)[ \t]+[A-Za-z]`)

// networkConfig checks a network-config of version 1 or 2, with or without the key
// `network` around it. A document without content would end cloud-init 22.1
// with an exception.
func (r reporter) networkConfig(text []byte) {
	if found := interfacesFile.FindIndex(text); found != nil && !hasKeys.Match(text) {
		r.fail(placeOf(string(text), found[0]), "this is /etc/network/interfaces (ENI), which cloud-init does not read as network-config",
			"write it as version 1 or 2: version: 2, ethernets: {eth0: {dhcp4: true}}")
		return
	}
	root, ok := r.configText(text, "network-config")
	if !ok {
		return
	}
	if root == nil {
		r.fail(place{}, "network-config is empty, which some versions of cloud-init crash on", "leave the attribute out, or write {}")
		return
	}
	r.findings(schema.NetworkConfig(root, r.options))
}

// hasKeys tells YAML from the lines of /etc/network/interfaces.
var hasKeys = regexp.MustCompile(`(?m)^\s*"?(?:version|network|config)"?\s*:`)

// findings reports what the schema found.
func (r reporter) findings(found []schema.Finding) {
	for _, f := range found {
		r.add(place{f.Line, f.Column}, f.Text, f.Advice, f.Warning)
		(*r.out)[len(*r.out)-1].ByVersion = f.ByVersion
	}
}
