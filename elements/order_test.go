// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
)

// reference is what diskimage-builder 3.42 runs for some lists of elements (element
// contract, appendix B). Its environment.d/11-dib-install-type.bash is written by the engine.
var reference = map[string]map[string]string{
	"debian-minimal vm block-device-efi cloud-init": {
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
	},
	"ubuntu-minimal vm block-device-mbr": {
		"elements": `base block-device-mbr bootloader debootstrap dib-init-system dpkg install-bin install-types
			manifests modprobe package-installs pkg-map sysprep ubuntu-common ubuntu-minimal vm`,
		"root.d": `08-debootstrap[debootstrap] 09-apt-keyring[dpkg] 50-block-apt-translations[dpkg]
			50-block-daemons[dpkg] 50-build-with-http-cache[dpkg] 50-shared-apt-cache[dpkg] 50-trim-dpkg[dpkg]
			75-ubuntu-minimal-baseinstall[ubuntu-minimal]`,
		"extra-data.d": `10-create-pkg-map-dir[pkg-map] 20-manifest-dir[manifests] 50-modprobe-blacklist[modprobe]
			99-enable-install-types[install-types] 99-squash-package-install[package-installs]`,
		"pre-install.d": `00-disable-apt-recommends[dpkg] 01-install-bin[install-bin] 03-baseline-tools[base]
			04-dib-init-system[dib-init-system] 10-package-installs[package-installs] 99-apt-get-update[dpkg]
			99-package-uninstalls[package-installs]`,
		"install.d": `00-baseline-environment[base] 00-up-to-date[base] 01-package-installs[package-installs]
			10-cloud-init[base] 10-debian-networking[debootstrap] 12-debian-locale-gen[debootstrap]
			15-cleanup-debootstrap[debootstrap] 20-install-init-scripts[dib-init-system]
			80-disable-rfc3041[ubuntu-common] 80-modprobe-blacklist[modprobe] 99-package-uninstalls[package-installs]`,
		"post-install.d": `00-package-installs[package-installs] 10-enable-init-scripts[dib-init-system]
			95-package-uninstalls[package-installs] 99-autoremove[ubuntu-common]`,
		"finalise.d": `50-bootloader[bootloader] 50-remove-bogus-udev-links[vm] 99-clean-up-cache[dpkg]
			99-clear-machine-id[sysprep] 99-write-dpkg-manifest[dpkg]`,
		"cleanup.d": `01-copy-manifests-dir[manifests] 40-unblock-daemons[dpkg] 50-remove-img-build-proxy[dpkg]
			60-untrim-dpkg[dpkg] 99-clean-up-cache[debootstrap]`,
		"environment.d": `10-base-defaults[base] 10-bootloader-default-cmdline[bootloader]
			10-debootstrap-default-locale[debootstrap] 10-dpkg.bash[dpkg] 10-ubuntu-distro-name.bash[ubuntu-common]
			11-ubuntu-init-system.bash[ubuntu-common] 11-ubuntu-kernel.bash[ubuntu-minimal]
			12-ubuntu-repo-dists.bash[ubuntu-minimal] 14-manifests[manifests] 15-block-device.bash[block-device-mbr]
			20-network-interface-names[debootstrap] 99-dib-init-system[dib-init-system]`,
	},
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
	for wanted, lists := range reference {
		set, tree := resolve(t, strings.Fields(wanted)...)
		got := map[string][]string{"elements": set.Names(), "environment.d": labels(tree.EnvironmentFiles())}
		slices.Sort(got["elements"])
		for _, phase := range hook.Phases() {
			got[phase.Name] = labels(tree.Hooks(phase.Name))
		}
		for name, hooks := range got {
			if want := strings.Fields(lists[name]); !slices.Equal(hooks, want) {
				t.Errorf("%s, %s:\n got %v\nwant %v", wanted, name, hooks, want)
			}
		}
	}
}

// ownHooks are the hooks of elements that appendix B has no orders of, as its appendix A has them.
var ownHooks = map[string]string{
	"apt-conf":        "extra-data.d/99-override-default-apt-conf",
	"apt-preferences": "extra-data.d/99-set-apt-package-pins",
	"apt-sources":     "extra-data.d/99-override-default-apt-sources",
	"debian":          "install.d/10-cloud-opinions",
	"dkms":            "post-install.d/97-dkms",
	"ubuntu": `root.d/10-cache-ubuntu-tarball pre-install.d/00-remove-apt-xapian-index
		pre-install.d/01-set-ubuntu-mirror environment.d/99-cloud-init-datasources.bash`,
}

func TestHooksHaveUpstreamsNames(t *testing.T) {
	for name, want := range ownHooks {
		wanted := []string{name}
		if name != "ubuntu" && name != "debian" {
			wanted = append(wanted, "debian-minimal")
		}
		_, tree := resolve(t, wanted...)
		var got []string
		for _, phase := range hook.Phases() {
			for _, h := range tree.Hooks(phase.Name) {
				if h.Element == name {
					got = append(got, phase.Name+"/"+h.Name)
				}
			}
		}
		for _, h := range tree.EnvironmentFiles() {
			if h.Element == name {
				got = append(got, "environment.d/"+h.Name)
			}
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
}

// Elements that other people bring along expect to find these together without conflict. Only
// one of those that provide the same name can be had.
func TestAllElementsMerge(t *testing.T) {
	all := files(t)
	var wanted []string
	choices := map[string][]string{}
	for _, name := range names(t) {
		provided := element.ParseList([]byte(all[name+"/element-provides"]))
		// Element debian is one by the element that it depends on.
		for _, dependency := range element.ParseList([]byte(all[name+"/element-deps"])) {
			provided = append(provided, element.ParseList([]byte(all[dependency+"/element-provides"]))...)
		}
		for _, virtual := range provided {
			choices[virtual] = append(choices[virtual], name)
		}
		if len(provided) == 0 {
			wanted = append(wanted, name)
		}
	}
	for _, system := range choices["operating-system"] {
		for _, layout := range choices["block-device"] {
			resolve(t, append(slices.Clone(wanted), system, layout)...)
		}
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
