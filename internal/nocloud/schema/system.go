// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// encodings of content in write_files.
var encodings = word("gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64", "b64", "base64", "text/plain")

// aCommand is a line for a shell, or a list of arguments.
var aCommand = aText.or(texts).breaking().
	say("write one text, quoted where `: ` would make a mapping of it, or a list of arguments")

var filesAndCommands = fields{
	"write_files": listOf(object(fields{
		"path":        aText.failing().checked(filePath),
		"content":     aText.breaking().failing().say("write text; a block needs `content: |`"),
		"owner":       aText.say("write user:group"),
		"permissions": aText.or(aNumber).checked(permissions).say("write four octal digits in quotes: '0644'"),
		"encoding":    encodings,
		"append":      aSwitch,
		"defer":       aSwitch,
		"source": object(fields{
			"uri":     aText,
			"headers": mapOf(aText),
		}).needing("uri").since("24.3"),
	}).needing("path").checked(fileContent).meaning(map[string]string{
		"mode":        "write permissions",
		"perms":       "write permissions",
		"permission":  "write permissions",
		"filename":    "write path",
		"file":        "write path",
		"name":        "write path",
		"contents":    "write content",
		"data":        "write content",
		"text":        "write content",
		"user":        "write owner: user:group",
		"group":       "write owner: user:group",
		"destination": "write path",
	})).atLeast(1).failing().say("begin each file with `- path: …`"),
	"bootcmd": listOf(aCommand).atLeast(1).failing().say("begin each command with `- `"),
	"runcmd":  listOf(aCommand.or(scalar(null))).atLeast(1).failing().say("begin each command with `- `"),

	"final_message": aText,
	"power_state": object(fields{
		"delay":     aNumber.or(aText).checked(delay),
		"mode":      word("poweroff", "reboot", "halt"),
		"message":   aText,
		"timeout":   aNumber,
		"condition": aText.or(aSwitch).or(anyList),
	}).needing("mode"),
	"phone_home": object(fields{
		"url": aText,
		"post": word("all").or(listOf(word("pub_key_rsa", "pub_key_ecdsa", "pub_key_ed25519", "instance_id", "hostname", "fqdn", "pub_key_dsa").
			notedWord("pub_key_dsa", age{removed: "24.1", instead: "leave it out"}))),
		"tries": aNumber,
	}).needing("url"),
	"vendor_data": object(fields{
		"enabled": aSwitch.or(aText).noted(text, age{deprecated: "22.3", instead: "write true or false"}),
		"prefix":  aText.or(listOf(aText.or(aNumber))),
	}),
}

var nameAndPlace = fields{
	"hostname":                  aText.checked(hostName),
	"fqdn":                      aText.checked(hostName),
	"preserve_hostname":         aSwitch,
	"prefer_fqdn_over_hostname": aSwitch,
	"create_hostname_file":      aSwitch.since("23.4"),
	"manage_etc_hosts": aSwitch.or(word("localhost", "template")).inWords().
		notedWord("template", age{deprecated: "22.3", instead: "write true"}),
	"timezone": aText.checked(timeZone),
	"locale": aText.or(aSwitch).
		noted(boolean, age{since: "24.4", instead: "leave it out"}),
	"locale_configfile": aText,
	"keyboard": object(fields{
		"layout": aText, "model": aText, "variant": aText, "options": aText,
	}).needing("layout"),
	"ntp": object(fields{
		"pools":      texts,
		"servers":    texts,
		"peers":      texts.since("23.2"),
		"allow":      texts.since("23.2"),
		"ntp_client": aText,
		"enabled":    aSwitch,
		"config": object(fields{
			"confpath": aText, "check_exe": aText, "packages": texts, "service_name": aText, "template": aText,
		}).atLeast(1),
	}).or(scalar(null)),
	"manage_resolv_conf": aSwitch,
	"resolv_conf": object(fields{
		"nameservers": anyList, "searchdomains": anyList, "domain": aText, "sortlist": anyList, "options": anyMap,
	}),
	"byobu_by_default":     word("enable-system", "enable-user", "disable-system", "disable-user", "enable", "disable", "user", "system"),
	"disable_ec2_metadata": aSwitch,
	"random_seed": object(fields{
		"file": aText, "data": aText, "encoding": word("raw", "base64", "b64", "gzip", "gz"),
		"command": texts, "command_required": aSwitch,
	}),
	"rpi": object(fields{
		"interfaces": object(fields{
			"spi": aSwitch, "i2c": aSwitch, "onewire": aSwitch,
			"serial":      aSwitch.or(object(fields{"console": aSwitch, "hardware": aSwitch})),
			"remote_gpio": aSwitch.removed("25.3", "leave it out"),
		}),
		"enable_usb_gadget":  aSwitch.since("26.1"),
		"enable_rpi_connect": aSwitch.removed("26.1", "leave it out"),
	}).since("25.2"),
}

var storage = fields{
	"growpart": object(fields{
		"mode": word("auto", "growpart", "gpart", "off").or(aSwitch).checked(growMode).
			noted(boolean, age{deprecated: "22.3", instead: "write 'off', in quotes"}),
		"devices":                  texts.tolerating(text),
		"ignore_growroot_disabled": aSwitch,
	}),
	"resize_rootfs": aSwitch.or(word("noblock")).inWords(),
	"mounts": listOf(someText.atMost(6).checked(mountPoint).say("write up to six fields, as in /etc/fstab: [/dev/vdb, /srv, ext4, \"defaults,nofail\", \"0\", \"2\"]")).
		atLeast(1).failing().say("write a list of lists: - [/dev/vdb, /srv, ext4]"),
	"mount_default_fields": tuple(6, aText.or(scalar(null))),
	"swap": object(fields{
		"filename": aText,
		"size":     aNumber.or(aText).checked(swapSize("auto")),
		"maxsize":  aNumber.or(aText).checked(swapSize()),
	}),
	"device_aliases": mapOf(aText),
	"disk_setup": mapOf(object(fields{
		"table_type": word("mbr", "gpt"),
		"layout": aSwitch.or(word("remove")).
			or(listOf(aNumber.or(tuple(2, aNumber.or(aText))).say("write a percentage, or [percentage, type]"))),
		"overwrite": aSwitch,
	})),
	"fs_setup": listOf(object(fields{
		"label": aText, "filesystem": aText, "device": aText,
		"partition":  aText.or(aNumber),
		"overwrite":  aSwitch,
		"replace_fs": aText,
		"extra_opts": aText.or(texts),
		"cmd":        aText.or(texts),
	}).needing("device", "filesystem|cmd")),
}

// aHandler is a way to report, by its type.
var aHandler = object(fields{
	"type":  word("log", "print", "webhook", "hyperv"),
	"level": word("DEBUG", "INFO", "WARN", "ERROR", "FATAL"), "endpoint": aText,
	"consumer_key": aText, "token_key": aText, "token_secret": aText, "consumer_secret": aText,
	"timeout": aDecimal, "retries": aNumber, "kvp_file_path": aText, "event_types": texts,
}).needing("type").checked(handlerKeys)

// handlerSettings are the keys that go with each type of handler.
var handlerSettings = map[string]string{
	"log": "level", "print": "", "hyperv": "kvp_file_path event_types",
	"webhook": "endpoint consumer_key token_key token_secret consumer_secret timeout retries",
}

func handlerKeys(j *judge, path string, n *yaml.Node) {
	kind := given(n, "type")
	if kind == nil {
		return
	}
	for _, p := range pairs(n) {
		if settings, known := handlerSettings[kind.Value]; known && p.key.Value != "type" && !slices.Contains(strings.Fields(settings), p.key.Value) {
			j.warn(p.key, "remove it, or write another type", "%s does not go with type: %s", join(path, p.key), kind.Value)
		}
	}
	if kind.Value == "webhook" && given(n, "endpoint") == nil {
		j.fail(n, "add endpoint", "%s has no endpoint; cloud-init would not act on it", path)
	}
}

var anOutput = aText.or(object(fields{"output": aText, "error": aText}))

// aMerge says how this part goes together with the others.
var aMerge = aText.or(listOf(object(fields{
	"name": word("list", "dict", "str"),
	"settings": listOf(word("allow_delete", "no_replace", "replace", "append", "prepend",
		"recurse_dict", "recurse_list", "recurse_array", "recurse_str")),
}).needing("name", "settings")).atLeast(1))

// modules are those that cloud-init has or had; dashes are as good.
var modules = strings.Fields(`ansible apk_configure apt_configure apt_pipelining bootcmd byobu ca_certs chef
	disable_ec2_metadata disk_setup fan final_message growpart grub_dpkg install_hotplug keyboard keys_to_console landscape
	locale lxd mcollective migrator mounts ntp package_update_upgrade_install phone_home power_state_change puppet
	raspberry_pi refresh_rmc_and_interface reset_rmc resizefs resolv_conf rh_subscription rightscale_userdata rsyslog runcmd
	salt_minion scripts_per_boot scripts_per_instance scripts_per_once scripts_user scripts_vendor seed_random set_hostname
	set_passwords snap spacewalk ssh ssh_authkey_fingerprints ssh_import_id timezone ubuntu_advantage ubuntu_autoinstall
	ubuntu_drivers ubuntu_pro update_etc_hosts update_hostname users_groups wireguard write_files write_files_deferred
	yum_add_repo zypper_add_repo`)

// aModule is a module's name, or a list of name, frequency and arguments.
var aModule = aText.or(anyList).checked(func(j *judge, path string, n *yaml.Node) {
	name := strings.TrimPrefix(strings.ReplaceAll(n.Value, "-", "_"), "cc_")
	if n.Kind == yaml.ScalarNode && !slices.Contains(modules, name) {
		j.warn(n, suggestion(name, modules), "%s is not a module of cloud-init; without one of your own of that name it is passed over", path)
	}
})

var itself = fields{
	"launch-index":         aNumber,
	"merge_how":            aMerge,
	"merge_type":           aMerge,
	"cloud_init_modules":   listOf(aModule),
	"cloud_config_modules": listOf(aModule),
	"cloud_final_modules":  listOf(aModule),
	"system_info":          anyMap.deprecated("24.2", "it belongs into /etc/cloud/cloud.cfg.d"),
	"reporting":            mapOf(aHandler),
	"output": object(fields{
		"all": anOutput.or(tuple(2, aText)), "init": anOutput.or(tuple(2, aText)),
		"config": anOutput.or(tuple(2, aText)), "final": anOutput.or(tuple(2, aText)),
	}),
	"updates": object(fields{
		"network": object(fields{
			"when": listOf(word("boot-new-instance", "boot-legacy", "boot", "hotplug")),
		}).needing("when"),
	}),
	"migrate": aSwitch.removed("24.1", "leave it out"),
	"version": anything,
}
