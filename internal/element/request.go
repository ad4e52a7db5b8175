// SPDX-License-Identifier: MPL-2.0

package element

import (
	"slices"
	"strings"
)

// Request is what a template asks for.
type Request struct {
	// Elements are the names in the template's order.
	Elements []string
	// Arch is the architecture of the image, in Debian's words ("amd64").
	Arch string
	// SkipBase leaves out the element base, as disk-image-create -n does.
	SkipBase bool
	// PathInfrastructure names the infrastructure elements whose version on
	// the search path shall serve instead of the built-in one.
	PathInfrastructure []string
}

// Expand adds what is there without being asked for (element contract §2.1
// step 3): base in front, and for vm without an element for it the
// usual layout of the architecture. rules tells why for each name so added.
func (r Request) Expand() (names []string, rules map[string]string) {
	names = slices.Clone(r.Elements)
	rules = map[string]string{}
	isLayout := func(name string) bool {
		// diskimage-builder had the second one long before vm knew of layouts.
		return strings.HasPrefix(name, "block-device-") || name == "partitioning-sfdisk"
	}
	if slices.Contains(names, "vm") && !slices.ContainsFunc(names, isLayout) {
		layout := "block-device-mbr"
		if r.Arch == "arm64" || r.Arch == "aarch64" {
			layout = "block-device-efi"
		}
		names = append(names, layout)
		rules[layout] = "vm without a block-device-* element"
	}
	if !r.SkipBase {
		if !slices.Contains(names, "base") {
			rules["base"] = "part of every image"
		}
		names = append([]string{"base"}, names...)
	}
	return names, rules
}

// Reason tells why an element is in a Set.
type Reason struct {
	// Requested tells that the template names it.
	Requested bool
	// Rule is the reason for which it was added by default, if it was.
	Rule string
	// NeededBy are the elements that name it in their element-deps, sorted.
	NeededBy []string
}

// String is the reason in words, as "requested; needed by base, vm".
func (r Reason) String() string {
	var parts []string
	if r.Requested {
		parts = append(parts, "requested")
	}
	if r.Rule != "" {
		parts = append(parts, "added by default: "+r.Rule)
	}
	if len(r.NeededBy) > 0 {
		parts = append(parts, "needed by "+strings.Join(r.NeededBy, ", "))
	}
	return strings.Join(parts, "; ")
}
