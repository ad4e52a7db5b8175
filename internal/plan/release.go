// SPDX-License-Identifier: MPL-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// releases are the suites that built-in elements of an operating system can mean
// by DIB_RELEASE. New ones appear faster than new versions of this plugin.
var releases = map[string][]string{
	"debian-minimal": {
		"bookworm", "trixie", "forky", "duke", "bullseye", "buster", "stretch", "jessie",
		"sid", "unstable", "testing", "stable", "oldstable", "oldoldstable", "experimental",
	},
	"ubuntu-minimal": {
		"noble", "jammy", "focal", "bionic", "xenial", "trusty", "plucky", "questing", "oracular", "mantic", "devel",
	},
}

// checkRelease refuses a release that is a known one misspelt, which else only
// the archive would notice. Other unknown names may be new: they are noted. Who
// brings sources of his own may call his suites as he likes.
func (p *Plan) checkRelease() error {
	release := p.request.Environment["DIB_RELEASE"]
	if release == "" || p.request.Environment["DIB_APT_SOURCES_CONF"] != "" {
		return nil
	}
	for _, e := range p.Set.Elements {
		known := releases[e.Name]
		if !e.Builtin || len(known) == 0 || slices.Contains(known, release) {
			continue
		}
		if meant, ok := nearest.Name(release, known); ok {
			return &AttributeError{"environment", fmt.Errorf("DIB_RELEASE: %s knows no release %q (did you mean %q?); known are %s. "+
				"A suite of that very name in an archive of your own needs DIB_APT_SOURCES_CONF, too", e.Name, release, meant, strings.Join(known, ", "))}
		}
		p.Notes = append(p.Notes, fmt.Sprintf("environment: DIB_RELEASE: %s does not know the release %q; "+
			"if the archive has none of that name, the bootstrap will fail (known are %s)", e.Name, release, strings.Join(known, ", ")))
	}
	return nil
}

// logins are the elements that make a login possible.
var logins = []string{"cloud-init", "cloud-init-datasources", "cloud-init-nocloud", "devuser", "dynamic-login", "local-config", "simple-init"}

// noteLogin tells of an image that boots and lets nobody in. What elements of the
// user's own do about users is not known.
func (p *Plan) noteLogin() {
	boots := false
	for _, e := range p.Set.Elements {
		if !e.Builtin || slices.Contains(logins, e.Name) {
			return
		}
		boots = boots || e.Name == "bootloader" || p.Set.Provides("bootloader")
	}
	if boots {
		p.Notes = append(p.Notes, "no element makes a login possible: unless a provisioner adds a user or a password, nobody can log in to the image; "+
			"the elements devuser and cloud-init-nocloud do, with openssh-server also over the network")
	}
}
