// SPDX-License-Identifier: MPL-2.0

package schema

// encodings of content in write_files.
var encodings = word("gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64", "b64", "base64", "text/plain")

// aCommand is a line for a shell, or a list of arguments.
var aCommand = aText.or(texts).
	say("write one text, quoted where `: ` would make a mapping of it, or a list of arguments")

var filesAndCommands = fields{
	"write_files": listOf(object(fields{
		"path":        aText.failing(),
		"content":     aText.say("write text; a block needs `content: |`"),
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
	"manage_etc_hosts": aSwitch.or(word("localhost", "template")).
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
		"interfaces": anyMap, "enable_rpi_connect": aSwitch, "enable_usb_gadget": aSwitch,
	}).since("25.2"),
}

var storage = fields{
	"growpart": object(fields{
		"mode": word("auto", "growpart", "gpart", "off").or(aSwitch).checked(growMode).
			noted(boolean, age{deprecated: "22.3", instead: "write 'off', in quotes"}),
		"devices":                  texts,
		"ignore_growroot_disabled": aSwitch,
	}),
	"resize_rootfs": aSwitch.or(word("noblock")),
	"mounts": listOf(someText.atMost(6).say("write fs_spec, fs_file, fs_vfstype, fs_mntops, fs_freq, fs_passno, at most")).
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
	})),
}

// aHandler is a way to report, by its type.
var aHandler = object(fields{
	"type":  word("log", "print", "webhook", "hyperv"),
	"level": word("DEBUG", "INFO", "WARN", "ERROR", "FATAL"), "endpoint": aText,
	"consumer_key": aText, "token_key": aText, "token_secret": aText, "consumer_secret": aText,
	"timeout": aDecimal, "retries": aNumber, "kvp_file_path": aText, "event_types": texts,
}).needing("type")

var anOutput = aText.or(object(fields{"output": aText, "error": aText}))

// aMerge says how this part goes together with the others.
var aMerge = aText.or(listOf(object(fields{
	"name": word("list", "dict", "str"),
	"settings": listOf(word("allow_delete", "no_replace", "replace", "append", "prepend",
		"recurse_dict", "recurse_list", "recurse_array", "recurse_str")),
}).needing("name", "settings")).atLeast(1))

var aModule = aText.or(anyList)

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
