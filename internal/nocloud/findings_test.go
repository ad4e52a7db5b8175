// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"reflect"
	"strings"
	"testing"
)

// Every fact that can be told is told in a sentence that says what to do, and a
// machine with nothing wrong gives none.
func TestWarnings(t *testing.T) {
	seed, _ := render(t, fullSeed)
	fine := Report{Seed: Installed, Pin: Installed, Units: "one", Proof: Found, Version: "25.1.4", Machine: "x86_64"}
	if all := fine.Warnings(seed); len(all) > 0 {
		t.Errorf("%q", all)
	}
	for says, change := range map[string]func(r *Report){
		"Install the package":                         func(r *Report) { r.Absent = true },
		"cloud-init.disabled exists":                  func(r *Report) { r.Disabled = true },
		"/f has cloud-init=disabled":                  func(r *Report) { r.ArgumentDisabled = []string{"/f"} },
		"/f is masked":                                func(r *Report) { r.Masked = []string{"/f"} },
		"a, b: not enabled":                           func(r *Report) { r.Off = []string{"a", "b"} },
		"a: not started at boot":                      func(r *Report) { r.Off, r.Units = []string{"a"}, "scripts" },
		"neither units for systemd nor scripts":       func(r *Report) { r.Units = "none" },
		"Install netcat-openbsd":                      func(r *Report) { r.NoNetcat = true },
		"/f is read later":                            func(r *Report) { r.Overridden = []string{"/f"} },
		"/f has a datasource_list without NoCloud":    func(r *Report) { r.List = "/f" },
		"/f has ds=":                                  func(r *Report) { r.ArgumentDatasource = []string{"/f"} },
		"Set pin_datasource, or the seed will not be": func(r *Report) { r.Identify = Late },
		"written by somebody else":                    func(r *Report) { r.Identify = Kept },
		"could not be proven":                         func(r *Report) { r.Proof = Missing },
		"/f configures the network":                   func(r *Report) { r.Network = []string{"/f"} },
		"/f: cloud-init was told to trust":            func(r *Report) { r.Cache = []string{"/f"} },
		"/f has another seed for NoCloud":             func(r *Report) { r.Inline = []string{"/f"} },
		"run cloud-init clean, or":                    func(r *Report) { r.Acted = true },
	} {
		r := fine
		change(&r)
		if all := r.Warnings(seed); len(all) != 1 || !strings.Contains(strings.ToLower(all[0]), strings.ToLower(says)) {
			t.Errorf("want %q, got %q", says, all)
		}
	}
}

func TestChanges(t *testing.T) {
	all := Report{Pin: Installed, Identify: Installed, Enabled: []string{"cloud-init.service"}, Proof: Found}.Changes()
	if len(all) != 4 || !strings.Contains(strings.Join(all, "\n"), "Enabled cloud-init: cloud-init.service") {
		t.Errorf("%q", all)
	}
	if all := (Report{Pin: Removed, Identify: Removed}).Changes(); len(all) != 2 || !strings.Contains(all[1], "of an earlier run removed") {
		t.Errorf("%q", all)
	}
}

// caveatCases: what is said of a seed by version. An empty text is nothing.
var caveatCases = []struct {
	version, os, machine string
	seed                 Seed
	pin                  Change
	says                 string
}{
	{"22.1", "", "", Seed{}, Installed, ""},
	{"22.4.2-1+deb12u3", "debian 12", "x86_64", fromSeed("http://x/"), Installed, "reads no network-config at seedfrom (24.3 does)"},
	{"24.2", "fedora 41", "x86_64", fromSeed("file:///x/"), Installed, "reads no network-config at seedfrom (24.3 does)"},
	{"24.3.1", "fedora 41", "x86_64", fromSeed("http://x/"), Installed, "replaces the seed's network-config"},
	{"25.2-0ubuntu1~24.04.1", "ubuntu 24.04", "x86_64", fromSeed("http://x/"), Installed, "Ubuntu's cloud-init up to 24.04 reads no network-config"},
	{"26.1-0ubuntu1~22.04.1", "ubuntu 22.04", "x86_64", fromSeed("http://x/"), Installed, "Ubuntu's cloud-init up to 24.04 reads no network-config"},
	{"24.3.1-0ubuntu0~20.04.1", "ubuntu 20.04", "x86_64", fromSeed("http://x/"), Installed, "Ubuntu's cloud-init up to 24.04 reads no network-config"},
	{"25.2-0ubuntu1~25.04.1", "ubuntu 25.04", "x86_64", fromSeed("http://x/"), Installed, "replaces the seed's network-config"},
	{"23.4", "", "", Seed{MetaData: given("m", "seedfrom: ftp://x/\n")}, Installed, "fetches no seed by ftp"},
	{"24.2", "", "", Seed{MetaData: given("m", "seedfrom: ftp://x/\n")}, Installed, "replaced by what is found there"},
	{"22.2", "", "", Seed{MetaData: given("m", "seedfrom: http://x/__dmi.system-uuid__/\n")}, Installed, "__dmi.…__"},
	{"24.4", "", "", Seed{MetaData: given("m", "seedfrom: http://x/\n")}, Installed, "asks seedfrom for network-config"},
	{"25.1.4-1+deb13u1", "debian 13", "aarch64", Seed{}, None, "turns cloud-init off on machines without DMI"},
	{"25.1.4-1+deb13u1", "debian 13", "aarch64", Seed{}, Installed, ""},
	{"25.1.4-1+deb13u1", "debian 13", "x86_64", Seed{}, None, ""},
	{"25.1.3", "", "aarch64", Seed{}, None, ""},
	{"", "ubuntu 24.04", "aarch64", Seed{}, None, ""},
	{"", "", "", fromSeed("http://x/"), Installed, "replaced by what is found there"},
}

func fromSeed(url string) Seed {
	return Seed{MetaData: given("m", "seedfrom: "+url+"\n"), NetworkConfig: given("n", "version: 2\n")}
}

func TestCaveats(t *testing.T) {
	for _, c := range caveatCases {
		seed, _ := render(t, c.seed)
		r := Report{Version: c.version, OS: c.os, Machine: c.machine, Pin: c.pin, Proof: Found}
		all := strings.Join(r.Warnings(seed), "\n")
		if (c.says == "") != (all == "") || !strings.Contains(all, c.says) {
			t.Errorf("%s on %s: want %q, got %q", c.version, c.os, c.says, all)
		}
	}
	// Check and Render give no empty network-config, which 22.1 could not read.
	seed := Rendered{Files: []File{{Name: NetworkConfigFile, Content: []byte(" \n")}}}
	if all := (Report{Version: "22.1-14", Proof: Found}).Warnings(seed); len(all) != 1 || !strings.Contains(all[0], "22.1") {
		t.Errorf("%q", all)
	}
	second := Report{Version: "24.1", Second: []string{"/d"}, Proof: Found}
	if all := strings.Join(second.Warnings(Rendered{}), "\n"); !strings.Contains(all, "deprecated since 24.1") {
		t.Errorf("%q", all)
	}
}

// Each list of a report comes from a fact of the script.
func TestReportIsParsed(t *testing.T) {
	text := "x\nnocloud.seed=installed\r\nnocloud.pin=none\nnocloud.identify=kept\nnocloud.acted=yes\nnocloud.replaced=yes\nnocloud.absent=yes\nnocloud.disabled=yes\n" +
		"nocloud.netcat=missing\nnocloud.schema=user-data: a: b\nnocloud.schema=user-data:c\nnocloud.judged=user-data:refused\nnocloud.proof=found\n"
	for _, name := range []string{"enabled", "off", "masked", "overridden", "network", "cache", "inline", "second", "argument_disabled", "argument_datasource",
		"units", "list", "version", "machine", "os", "chosen", "renderer", "lacking"} {
		text += "nocloud." + name + "=" + name + "=1\n"
	}
	r, err := ParseReport(text + "nocloud.done=yes\n")
	if err != nil || r.Seed != Installed || r.Judged[0] != (Verdict{"user-data", "refused", " a: b\nc\n"}) || r.Off[0] != "off=1" || r.Chosen != "chosen=1" {
		t.Errorf("%+v, %v", r, err)
	}
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is empty", v.Type().Field(i).Name)
		}
	}
}
