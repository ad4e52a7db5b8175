// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"fmt"
	"strings"
)

// Warnings are, in sentences, what the script saw and left as it is: what may keep
// the seed from being read, and what the target's version of cloud-init does
// with this seed.
func (r Report) Warnings(seed Rendered) (all []string) {
	if r.Absent {
		return []string{"the seed is installed, but nothing will read it: the machine has no cloud-init. Install the package before the image is used."}
	}
	all = append(all, r.starting()...)
	all = append(all, r.choosing()...)
	all = append(all, r.reading()...)
	all = append(all, r.rendering(seed.file(NetworkConfigFile))...)
	for _, c := range caveats(r, seed) {
		all = append(all, c.Text)
	}
	return all
}

const enableAdvice = "Set enable_cloud_init, or "

// starting is about whether cloud-init is started at boot.
func (r Report) starting() (all []string) {
	if r.Disabled {
		all = append(all, "/etc/cloud/cloud-init.disabled exists, so cloud-init will not run. "+enableAdvice+"remove that file, if the seed is to be used.")
	}
	for _, file := range r.ArgumentDisabled {
		all = append(all, file+" has cloud-init=disabled for the kernel, so cloud-init will not run. Take it out, and have the boot loader's configuration made again.")
	}
	for _, file := range r.Masked {
		all = append(all, file+" is masked, so cloud-init will not run, or not wholly. "+enableAdvice+"remove that file.")
	}
	if len(r.Off) > 0 && r.Units == "scripts" {
		all = append(all, strings.Join(r.Off, ", ")+": not started at boot, so the seed will not be read, or not wholly. Add the scripts to their runlevels (rc-update add, update-rc.d; Alpine: setup-cloud-init).")
	} else if len(r.Off) > 0 {
		all = append(all, strings.Join(r.Off, ", ")+": not enabled, so the seed will not be read, or not wholly. "+enableAdvice+"run systemctl enable.")
	}
	if r.Units == "none" {
		all = append(all, "cloud-init has nothing here that this machine's init starts, neither units for systemd nor scripts in /etc/init.d. Install the distribution's own package.")
	}
	if r.NoNetcat {
		all = append(all, "this cloud-init is one process that its units reach by nc, which is missing. Install netcat-openbsd.")
	}
	return all
}

// choosing is about whether cloud-init looks for this seed.
func (r Report) choosing() (all []string) {
	for _, file := range r.Overridden {
		all = append(all, file+" is read later and sets datasource_list again, so NoCloud may not be looked for. Remove that file or its list.")
	}
	if r.List != "" {
		all = append(all, r.List+" has a datasource_list without NoCloud, so the seed will not be looked for. Remove that list, or set pin_datasource.")
	}
	for _, file := range r.ArgumentDatasource {
		all = append(all, file+" has ds= (or ci.ds=) for the kernel, which chooses a datasource, or another seed, before this one is looked for. Take it out, and have the boot loader's configuration made again.")
	}
	switch r.Identify {
	case Late:
		all = append(all, "/var is a file system of its own, which is not mounted yet when ds-identify looks for the seed. Set pin_datasource, or the seed will not be found.")
	case Kept:
		all = append(all, IdentifyFile+" was written by somebody else and is left as it is. See that it names no other datasource.")
	}
	if r.Proof == Missing || r.Proof == Unclear {
		all = append(all, "it could not be proven that cloud-init will find the seed: the machine has no ds-identify that says so.")
	}
	return all
}

// reading is about what counts more than this seed.
func (r Report) reading() (all []string) {
	for _, file := range r.Network {
		all = append(all, file+" configures the network, or turns that off, and counts more than the seed's network-config. Remove that file or its key network.")
	}
	for _, file := range r.Cache {
		all = append(all, file+": cloud-init was told to trust what it knows from an earlier boot (manual_cache_clean), and will not read a new seed there. Remove it, and run cloud-init clean.")
	}
	for _, file := range r.Inline {
		all = append(all, file+" has another seed for NoCloud (seedfrom, or documents), which is merged with this one and may replace its user-data. Remove it.")
	}
	for _, dir := range r.Second {
		all = append(all, dir+" has another seed, which is not read, as this one comes first. Remove it.")
	}
	if r.Acted {
		all = append(all, "cloud-init has already run on this machine for this instance-id and will not run again for it. Set generalise, run cloud-init clean, or give another instance_id.")
	}
	return all
}

// Changes are, in sentences, what the script did.
func (r Report) Changes() (all []string) {
	switch r.Pin {
	case Removed:
		all = append(all, fmt.Sprintf("Datasource list no longer pinned: %s removed", PinFile))
	case None:
		all = append(all, "Datasource list not pinned: cloud-init will search for its datasource")
	default:
		all = append(all, fmt.Sprintf("Datasource list pinned to NoCloud by %s: %s", PinFile, r.Pin))
	}
	switch r.Identify {
	case Installed, Unchanged:
		all = append(all, fmt.Sprintf("Datasource named for ds-identify, since /var is mounted late, by %s: %s", IdentifyFile, r.Identify))
	case Removed:
		all = append(all, fmt.Sprintf("%s of an earlier run removed", IdentifyFile))
	}
	for _, what := range r.Enabled {
		all = append(all, "Enabled cloud-init: "+what)
	}
	if r.Proof == Found {
		all = append(all, "Proven: the machine's own ds-identify finds the seed")
	}
	return all
}
