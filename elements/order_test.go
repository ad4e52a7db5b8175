// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// reference is what diskimage-builder 3.42 runs for
// "base debian-minimal vm block-device-efi cloud-init" (element contract, appendix B).
// Its environment.d/11-dib-install-type.bash is written by the engine.
var reference = map[string]string{
	"elements": `base block-device-efi bootloader cloud-init debian-minimal debootstrap dib-init-system dpkg
		install-bin install-types manifests modprobe package-installs pkg-map sysprep vm`,
	"root.d": `08-debootstrap[debootstrap] 09-apt-keyring[dpkg] 50-block-apt-translations[dpkg]
		50-block-daemons[dpkg] 50-build-with-http-cache[dpkg] 50-shared-apt-cache[dpkg] 50-trim-dpkg[dpkg]
		75-debian-minimal-baseinstall[debian-minimal]`,
	"extra-data.d": `10-create-pkg-map-dir[pkg-map] 20-manifest-dir[manifests] 50-modprobe-blacklist[modprobe]
		99-enable-install-types[install-types] 99-squash-package-install[package-installs]`,
	"pre-install.d": `00-disable-apt-recommends[dpkg] 01-install-bin[install-bin] 03-baseline-tools[base]
		04-dib-init-system[dib-init-system] 10-package-installs[package-installs] 99-apt-get-update[dpkg]
		99-package-uninstalls[package-installs]`,
	"install.d": `00-baseline-environment[base] 00-up-to-date[base] 01-package-installs[package-installs]
		10-cloud-init[base] 10-debian-networking[debootstrap] 12-debian-locale-gen[debootstrap]
		15-cleanup-debootstrap[debootstrap] 20-install-init-scripts[dib-init-system]
		80-modprobe-blacklist[modprobe] 99-package-uninstalls[package-installs]`,
	"post-install.d": `00-package-installs[package-installs] 10-enable-init-scripts[dib-init-system]
		20-enable-cloud-init[cloud-init] 21-cloud-init-allow-password-auth[cloud-init]
		22-cloud-init-ssh_genkeytypes[cloud-init] 95-package-uninstalls[package-installs]`,
	"post-root.d":    ``,
	"block-device.d": ``,
	"pre-finalise.d": ``,
	"finalise.d": `50-bootloader[bootloader] 50-remove-bogus-udev-links[vm] 99-clean-up-cache[dpkg]
		99-clear-machine-id[sysprep] 99-write-dpkg-manifest[dpkg]`,
	"cleanup.d": `01-copy-manifests-dir[manifests] 40-unblock-daemons[dpkg] 50-remove-img-build-proxy[dpkg]
		60-untrim-dpkg[dpkg] 99-clean-up-cache[debootstrap]`,
	"environment.d": `10-base-defaults[base] 10-bootloader-default-cmdline[bootloader]
		10-debian-minimal.bash[debian-minimal] 10-debootstrap-default-locale[debootstrap] 10-dpkg.bash[dpkg]
		14-manifests[manifests] 15-block-device.bash[block-device-efi] 20-network-interface-names[debootstrap]
		99-dib-init-system[dib-init-system]`,
}

func resolve(t *testing.T, wanted ...string) (*element.Set, *hook.Tree) {
	t.Helper()
	catalog, _, err := element.Load(FS(), nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := catalog.Resolve(element.Request{Elements: wanted, Arch: "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := hook.Merge(set.Elements)
	if err != nil {
		t.Fatal(err)
	}
	return set, tree
}

func labels(hooks []hook.Hook) []string {
	all := make([]string, 0, len(hooks))
	for _, h := range hooks {
		// Written by the engine, whichever package puts it there.
		if h.Name != "11-dib-install-type.bash" {
			all = append(all, h.Name+"["+h.Element+"]")
		}
	}
	return all
}

func TestHooksAreThoseOfTheReference(t *testing.T) {
	set, tree := resolve(t, "debian-minimal", "vm", "block-device-efi", "cloud-init")
	got := map[string][]string{"elements": set.Names(), "environment.d": labels(tree.EnvironmentFiles())}
	slices.Sort(got["elements"])
	for _, phase := range hook.Phases() {
		got[phase.Name] = labels(tree.Hooks(phase.Name))
	}
	for name, list := range reference {
		if want := strings.Fields(list); !slices.Equal(got[name], want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got[name], want)
		}
	}
}

// Elements that other people bring along expect to find these together without conflict.
func TestAllElementsMerge(t *testing.T) {
	var wanted []string
	for _, name := range names(t) {
		if !strings.HasPrefix(name, "block-device-") {
			wanted = append(wanted, name)
		}
	}
	for _, layout := range []string{"block-device-mbr", "block-device-gpt", "block-device-efi"} {
		resolve(t, append(wanted, layout)...)
	}
}

func TestExampleBringsCloudInit(t *testing.T) {
	set, _ := resolve(t, "debian-minimal", "vm", "block-device-efi", "cloud-init-nocloud", "openssh-server", "growroot")
	for _, name := range []string{"cloud-init", "runtime-ssh-host-keys", "bootloader"} {
		if !set.Contains(name) {
			t.Errorf("the example set lacks %s", name)
		}
	}
}
