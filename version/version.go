// SPDX-License-Identifier: MPL-2.0

// Package version says which version of the plugin this is. Packer compares
// what PluginVersion reports with the name of the installed file and with the
// constraints of required_plugins, so a release must report exactly its tag.
package version

import "github.com/hashicorp/packer-plugin-sdk/version"

var (
	// Version is the version being worked on or released, without a leading v.
	// The linker sets it when a release is built (.goreleaser.yml).
	Version = "0.1.0"

	// VersionPrerelease marks what is not a release: "dev" in a checkout, ""
	// in a released binary. Packer installs only versions without it from afar.
	VersionPrerelease = "dev"

	// PluginVersion is what the plugin reports to Packer.
	PluginVersion = version.NewPluginVersion(Version, VersionPrerelease, "")
)
