// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"path/filepath"
	"strconv"
	"testing"
)

// NoCloud is the NoCloud datasource of a Debian release's cloud-init, in a machine
// of which a test says what its kernel and firmware tell.
type NoCloud struct{ program *Program }

const datasourceProgram = `
import os, sys, tempfile
sys.path.insert(0, DIR)
os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", BLKID_FILE="/dev/null")
from cloudinit import dmi, helpers, url_helper, util
from cloudinit.sources import DataSourceNoCloud as module

url_helper.time.sleep = lambda seconds: None
blkid = util.find_devs_with

def text(b):
    return b.decode("utf-8", "replace") if isinstance(b, bytes) else b or ""

def answer(q):
    util.get_cmdline = lambda: q["Kernel"]
    dmi.read_dmi_data = lambda key: q["Serial"] if key == "system-serial-number" else None
    volumes = q["Volumes"] or {}
    util.find_devs_with = lambda criteria: [v for v in volumes if blkid(criteria, path=v)]
    util.mount_cb = lambda device, callback, data: callback(volumes[device], data)
    module.util, module.dmi = util, dmi
    with tempfile.TemporaryDirectory() as dir:
        of = module.DataSourceNoCloudNet if q["Network"] else module.DataSourceNoCloud
        source = of({}, None, helpers.Paths({"cloud_dir": dir, "run_dir": dir}))
        found = source._get_data()
        if not found:
            return {"Found": False}
        meta = source.metadata or {}
        return {
            "Found": True, "Seed": source.seed, "UserData": text(source.userdata_raw), "VendorData": text(source.vendordata_raw),
            "InstanceID": str(meta.get("instance-id", "")), "Hostname": str(meta.get("local-hostname", "")),
            "Network": source._network_config is not None,
        }
`

// Machine is what a machine tells cloud-init: its kernel's command line, the
// SMBIOS serial number, and whether it has a network yet.
type Machine struct {
	Kernel, Serial string
	Network        bool
	// Volumes are devices, or files like them, of which blkid knows the labels;
	// each with a directory of what is on it, since nothing is mounted.
	Volumes map[string]string
}

// Found is what the datasource makes of it.
type Found struct {
	Found                                            bool
	Seed, UserData, VendorData, InstanceID, Hostname string
	// Network tells that there is a network configuration.
	Network bool
}

// NewNoCloud is the datasource of bookworm's (22.4) or trixie's (25.1)
// cloud-init. Nil, which is said, if it is not to be had.
func NewNoCloud(tb testing.TB, release string) *NoCloud {
	tb.Helper()
	dir := CloudInitDir(tb)
	if dir == "" {
		return nil
	}
	p := Python(tb, "DIR = "+strconv.Quote(filepath.Join(dir, release, "usr/lib/python3/dist-packages"))+datasourceProgram)
	if p == nil {
		return nil
	}
	return &NoCloud{p}
}

// Look has the datasource look for its seed.
func (n *NoCloud) Look(tb testing.TB, m Machine) (f Found) {
	tb.Helper()
	if !n.program.Ask(tb, m, &f) {
		tb.Fatal("cloud-init does not answer")
	}
	return f
}
