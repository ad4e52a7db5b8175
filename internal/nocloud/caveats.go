// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

// aspects is what of a seed and of the target the caveats ask about.
type aspects struct {
	report  Report
	network bool
	// emptyNetwork: a network-config without content.
	emptyNetwork bool
	// seedFrom is meta-data's seedfrom.
	seedFrom string
}

// caveat is a difference between versions of cloud-init that matters to a seed.
type caveat struct {
	// Versions from..before have it; zero is no bound.
	from, before schema.Version
	// when says whether it matters.
	when func(a aspects) bool
	Text string
}

func v(major, minor int, patch ...int) schema.Version {
	version := schema.Version{Major: major, Minor: minor}
	if len(patch) > 0 {
		version.Patch = patch[0]
	}
	return version
}

// caveatTable is by version. What is prevented whatever the version (a seed without
// meta-data, a constant instance-id) is not in it.
var caveatTable = []caveat{
	{v(22, 1), v(22, 2), func(a aspects) bool { return a.emptyNetwork },
		"cloud-init 22.1 ends with an error when network-config is empty. Leave network_config out."},
	{schema.Version{}, v(22, 4), func(a aspects) bool { return strings.Contains(a.seedFrom, "__dmi.") },
		"this cloud-init does not put DMI values in the place of __dmi.…__ in seedfrom (22.4 does)."},
	{schema.Version{}, v(24, 2), func(a aspects) bool { return strings.HasPrefix(a.seedFrom, "ftp") },
		"this cloud-init fetches no seed by ftp (24.2 does)."},
	{schema.Version{}, v(24, 3), func(a aspects) bool { return a.network && a.seedFrom != "" },
		"with seedfrom in the meta-data, this cloud-init reads no network-config at seedfrom (24.3 does); what is in this seed counts."},
	{v(24, 3), schema.Version{}, func(a aspects) bool { return a.network && a.seedFrom != "" && a.withoutNetworkPatch() },
		"with seedfrom in the meta-data, Ubuntu's cloud-init up to 24.04 reads no network-config at seedfrom, whatever its version; what is in this seed counts."},
	{v(24, 3), schema.Version{}, func(a aspects) bool { return a.network && a.seedFrom != "" && !a.withoutNetworkPatch() },
		"with seedfrom in the meta-data, this cloud-init replaces the seed's network-config by what is at seedfrom. Put the network-config there."},
	{schema.Version{}, schema.Version{}, func(a aspects) bool { return a.seedFrom != "" },
		"the meta-data has seedfrom: user-data and vendor-data of this seed are replaced by what is found there, even by nothing."},
	{v(24, 3), schema.Version{}, func(a aspects) bool { return strings.HasPrefix(a.seedFrom, "http") && !a.network },
		"from 24.3 on cloud-init also asks seedfrom for network-config and tries again where there is none. Serve a valid one."},
	{v(25, 1, 4), schema.Version{}, func(a aspects) bool { return a.report.Pin != Installed && a.report.Pin != Unchanged && !a.x86() },
		"from 25.1.4 on ds-identify turns cloud-init off on machines without DMI where it finds nothing; on this architecture a pinned datasource is the safer choice. Set pin_datasource."},
	{v(24, 1), schema.Version{}, func(a aspects) bool { return len(a.report.Second) > 0 },
		"the name nocloud-net is deprecated since 24.1."},
}

// withoutNetworkPatch: Ubuntu's long-term releases up to 24.04 carry a patch
// by which seedfrom has no network-config.
func (a aspects) withoutNetworkPatch() bool {
	return slices.Contains([]string{"ubuntu 20.04", "ubuntu 22.04", "ubuntu 24.04"}, a.report.OS)
}

func (a aspects) x86() bool {
	return a.report.Machine == "" || slices.Contains([]string{"x86_64", "amd64", "i386", "i486", "i586", "i686"}, a.report.Machine)
}

// caveats are those that matter to this seed on this target. Of an unknown version
// only what holds for all is said.
func caveats(r Report, seed Rendered) (all []caveat) {
	a := aspects{report: r}
	if network := seed.file(NetworkConfigFile); network != nil {
		a.network = true
		a.emptyNetwork = len(bytes.TrimSpace(network)) == 0
	}
	if root, err := parseYAML(bytes.NewReader(seed.file(MetaDataFile))); err == nil {
		if _, value := field(root, "seedfrom"); value != nil {
			a.seedFrom = value.Value
		}
	}
	version := r.SchemaVersion()
	for _, c := range caveatTable {
		within := version.Known() && !version.Before(c.from) && (!c.before.Known() || version.Before(c.before))
		always := !c.from.Known() && !c.before.Known()
		if (within || always) && c.when(a) {
			all = append(all, c)
		}
	}
	return all
}
