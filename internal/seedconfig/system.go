// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown

package seedconfig

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

// System is what the machine has and does.
type System struct {
	// The full host name, such as `web-1.example.com`. Without `hostname` the
	// machine is called by its first label.
	FQDN string `mapstructure:"fqdn"`
	// Whether cloud-init keeps the host's name in `/etc/hosts`: `true` writes the
	// whole file of a template at each boot, `localhost` changes one line.
	ManageEtcHosts string `mapstructure:"manage_etc_hosts"`
	// The time zone, such as `Europe/Berlin`.
	Timezone string `mapstructure:"timezone"`
	// The locale, such as `en_GB.UTF-8`.
	Locale string `mapstructure:"locale"`
	// The keyboard. See [`keyboard`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#keyboard).
	Keyboard *Keyboard `mapstructure:"keyboard"`
	// How the root partition is made to fill the disk, which cloud-init does by
	// default. See [`growpart`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#growpart).
	Growpart *Growpart `mapstructure:"growpart"`
	// Lines for `/etc/fstab`, each a list of up to six fields:
	// `[["/dev/vdb1", "/srv", "ext4", "defaults,nofail", "0", "2"]]`.
	Mounts [][]string `mapstructure:"mounts"`
	// Time servers. See [`ntp`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#ntp).
	NTP *NTP `mapstructure:"ntp"`
	// Commands that run early at **every** boot, before the network is there. Each
	// is a line for `sh`.
	Bootcmd []string `mapstructure:"bootcmd"`
	// A file to write. Repeatable; see [`write_file`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#write_file).
	WriteFiles []WriteFile `mapstructure:"write_file"`
	// Packages to install at the first boot, by name or `name=version`.
	Packages []string `mapstructure:"packages"`
	// Whether the lists of packages are fetched anew first.
	PackageUpdate config.Trilean `mapstructure:"package_update"`
	// Whether all packages are upgraded.
	PackageUpgrade config.Trilean `mapstructure:"package_upgrade"`
	// Whether the machine is rebooted if the packages ask for it.
	PackageReboot config.Trilean `mapstructure:"package_reboot_if_required"`
	// Commands that run once per instance, late in the first boot. Each is a line
	// for `sh`; for lists of arguments use `cloud_config`.
	Runcmd []string `mapstructure:"runcmd"`
	// A script. Repeatable; see [`script`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#script).
	Scripts []Script `mapstructure:"script"`
	// A further part of the user-data. Repeatable; see [`part`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#part).
	Parts []Part `mapstructure:"part"`
	// What the console says at the end of each boot.
	FinalMessage string `mapstructure:"final_message"`
	// Whether the machine is switched off or rebooted after its first boot. See [`power_state`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#power_state).
	PowerState *PowerState `mapstructure:"power_state"`
}

// Keyboard is the keyboard's layout.
type Keyboard struct {
	// The layout, such as `de`.
	Layout string `mapstructure:"layout" required:"true"`
	// The model, such as `pc105`.
	Model string `mapstructure:"model"`
	// The variant, such as `nodeadkeys`.
	Variant string `mapstructure:"variant"`
	// Options, such as `compose:ralt`.
	Options string `mapstructure:"options"`
}

// Growpart is how partitions grow.
type Growpart struct {
	// `auto`, `growpart`, `gpart` (BSD) or `off`. Defaults to `auto`.
	Mode string `mapstructure:"mode"`
	// Mount points or devices to grow. Defaults to `["/"]`.
	Devices []string `mapstructure:"devices"`
}

// NTP is where the time comes from.
type NTP struct {
	// Whether it is configured at all. Defaults to `true`.
	Enabled config.Trilean `mapstructure:"enabled"`
	// Servers, by name or address.
	Servers []string `mapstructure:"servers"`
	// Names that stand for a pool of servers.
	Pools []string `mapstructure:"pools"`
	// The program: `chrony`, `ntp`, `openntpd`, `ntpdate` or `systemd-timesyncd`. By
	// default cloud-init takes one that is installed.
	Client string `mapstructure:"ntp_client"`
}

// PowerState is what becomes of the machine when cloud-init is done.
type PowerState struct {
	// `poweroff`, `reboot` or `halt`.
	Mode string `mapstructure:"mode" required:"true"`
	// Minutes to wait, or `now`. Defaults to `now`.
	Delay string `mapstructure:"delay"`
	// What users are told.
	Message string `mapstructure:"message"`
	// Seconds that cloud-init may take to end. Defaults to 30.
	Timeout int `mapstructure:"timeout"`
	// A command for `sh` that must succeed, or `true` or `false`.
	Condition string `mapstructure:"condition"`
}

var (
	timezone    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$`)
	localeName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.@-]*$`)
	layoutName  = regexp.MustCompile(`^[A-Za-z0-9_,:()+-]+$`)
	packageName = regexp.MustCompile(`^[A-Za-z0-9/@][^\s\x00-\x1f,;&|<>$'"]*$`)
	hostName    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?$`)
	command     = regexp.MustCompile(`^[^\x00]*[^\s\x00][^\x00]*$`)
	field       = regexp.MustCompile(`^[^\s\x00]+$`)
	delay       = regexp.MustCompile(`^(now|\+?[0-9]{1,6})$`)
)

func (s *System) check(wrong *problems, users map[string]bool) {
	wrong.match("fqdn", s.FQDN, hostName, "not a host name", "use letters, digits, dashes and dots")
	wrong.oneOf("manage_etc_hosts", word(s.ManageEtcHosts), "true", "false", "localhost")
	wrong.match("timezone", s.Timezone, timezone, "not the name of a time zone", "write it as Europe/Berlin or UTC")
	wrong.match("locale", s.Locale, localeName, "not the name of a locale", "write it as en_GB.UTF-8")
	wrong.matchAll("bootcmd", s.Bootcmd, command, "an empty command", "remove it")
	wrong.matchAll("runcmd", s.Runcmd, command, "an empty command", "remove it")
	wrong.matchAll("packages", s.Packages, packageName, "not a package's name", "write name or name=version, one an item")
	s.Keyboard.check(wrong)
	s.Growpart.check(wrong)
	s.NTP.check(wrong)
	s.PowerState.check(wrong)
	s.checkMounts(wrong)
	paths := map[string]bool{}
	for i := range s.WriteFiles {
		s.WriteFiles[i].check(wrong, i, paths, users)
	}
	names := map[string]bool{}
	for i := range s.Scripts {
		s.Scripts[i].check(wrong, i, names)
	}
	for i := range s.Parts {
		s.Parts[i].check(wrong, i)
	}
}

func (s *System) checkMounts(wrong *problems) {
	for i, row := range s.Mounts {
		at := fmt.Sprintf("mounts[%d]", i)
		if len(row) < 2 || len(row) > 6 {
			wrong.add(at, fmt.Sprintf("%d fields", len(row)), "give two to six, as in /etc/fstab: device, mount point, type, options, dump, pass")
			continue
		}
		wrong.matchAll(at, row, field, "an empty field, or one with blanks", `write a blank in a path as \040`)
		if point := known(row[1]); point != "" && !strings.HasPrefix(point, "/") && point != "none" && point != "swap" {
			wrong.add(at+"[1]", "a mount point that is no absolute path", "write it as /srv, or none for swap")
		}
	}
}

func (k *Keyboard) check(wrong *problems) {
	if k == nil {
		return
	}
	if k.Layout == "" {
		wrong.add("keyboard.layout", "a layout is missing", "set it, such as us")
	}
	const text, advice = "not a word of the keyboard's configuration", "see xkeyboard-config(7)"
	wrong.match("keyboard.layout", k.Layout, layoutName, text, advice)
	wrong.match("keyboard.model", k.Model, layoutName, text, advice)
	wrong.match("keyboard.variant", k.Variant, layoutName, text, advice)
	wrong.match("keyboard.options", k.Options, layoutName, text, advice)
}

func (g *Growpart) check(wrong *problems) {
	if g == nil {
		return
	}
	wrong.oneOf("growpart.mode", g.Mode, "auto", "growpart", "gpart", "off")
	wrong.matchAll("growpart.devices", g.Devices, absolute, "not an absolute path", "write / or a device such as /dev/vda1")
}

func (n *NTP) check(wrong *problems) {
	if n == nil {
		return
	}
	wrong.matchAll("ntp.servers", n.Servers, hostName, "not a server's name or address", "write it without protocol and blanks")
	wrong.matchAll("ntp.pools", n.Pools, hostName, "not a pool's name", "write it without protocol and blanks")
	wrong.oneOf("ntp.ntp_client", n.Client, "auto", "chrony", "ntp", "ntpdate", "openntpd", "systemd-timesyncd")
}

func (p *PowerState) check(wrong *problems) {
	if p == nil {
		return
	}
	if p.Mode == "" {
		wrong.add("power_state.mode", "the mode is missing", "use one of poweroff, reboot, halt")
	}
	wrong.oneOf("power_state.mode", p.Mode, "poweroff", "reboot", "halt")
	wrong.match("power_state.delay", p.Delay, delay, "neither minutes nor now", "write a number, or now")
	if p.Timeout < 0 {
		wrong.add("power_state.timeout", "a time before now", "give seconds")
	}
}

// write adds what the machine has to a cloud-config; accounts are written between
// the names and the rest.
func (s *System) writeNames(m *yamltext.Map, hostname string) {
	if s.FQDN != "" {
		addText(m, "hostname", hostname)
		m.Add("fqdn", s.FQDN)
	}
	addWord(m, "manage_etc_hosts", s.ManageEtcHosts)
	addText(m, "timezone", s.Timezone)
	addText(m, "locale", s.Locale)
	if k := s.Keyboard; k != nil {
		var keyboard yamltext.Map
		addText(&keyboard, "layout", k.Layout)
		addText(&keyboard, "model", k.Model)
		addText(&keyboard, "variant", k.Variant)
		addText(&keyboard, "options", k.Options)
		m.Add("keyboard", keyboard)
	}
}

func (s *System) write(m *yamltext.Map, files yamltext.List) {
	s.writeDisks(m)
	if n := s.NTP; n != nil {
		var ntp yamltext.Map
		addBool(&ntp, "enabled", n.Enabled)
		addText(&ntp, "ntp_client", n.Client)
		addStrings(&ntp, "servers", n.Servers)
		addStrings(&ntp, "pools", n.Pools)
		m.Add("ntp", ntp)
	}
	addStrings(m, "bootcmd", s.Bootcmd)
	addList(m, "write_files", files)
	addBool(m, "package_update", s.PackageUpdate)
	addBool(m, "package_upgrade", s.PackageUpgrade)
	addBool(m, "package_reboot_if_required", s.PackageReboot)
	addStrings(m, "packages", s.Packages)
	addStrings(m, "runcmd", s.Runcmd)
	addText(m, "final_message", s.FinalMessage)
	if p := s.PowerState; p != nil {
		power := yamltext.Map{{Key: "mode", Value: p.Mode}}
		if minutes, err := strconv.Atoi(strings.TrimPrefix(p.Delay, "+")); err == nil {
			power.Add("delay", minutes)
		} else {
			addText(&power, "delay", p.Delay)
		}
		addText(&power, "message", p.Message)
		if p.Timeout > 0 {
			power.Add("timeout", p.Timeout)
		}
		addWord(&power, "condition", p.Condition)
		m.Add("power_state", power)
	}
}

func (s *System) writeDisks(m *yamltext.Map) {
	if g := s.Growpart; g != nil {
		var growpart yamltext.Map
		addText(&growpart, "mode", g.Mode)
		addStrings(&growpart, "devices", g.Devices)
		m.Add("growpart", growpart)
	}
	var mounts yamltext.List
	for _, row := range s.Mounts {
		mounts = append(mounts, yamltext.Strings(row))
	}
	addList(m, "mounts", mounts)
}
