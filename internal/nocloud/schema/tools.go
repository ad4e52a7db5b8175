// SPDX-License-Identifier: MPL-2.0

package schema

var ansiblePull = object(fields{
	"accept_host_key": aSwitch, "clean": aSwitch, "full": aSwitch, "diff": aSwitch,
	"verify_commit": aSwitch.since("24.2"), "inventory": aText.since("24.2"),
	"ssh_common_args": aText, "scp_extra_args": aText, "sftp_extra_args": aText, "private_key": aText, "checkout": aText,
	"module_path": aText, "timeout": aText, "url": aText, "connection": aText, "vault_id": aText, "vault_password_file": aText,
	"module_name": aText, "sleep": aText, "tags": aText, "skip_tags": aText,
	"playbook_name":  aText.deprecated("25.2", "write playbook_names, a list"),
	"playbook_names": texts.since("25.2"),
}).needing("url", "playbook_name|playbook_names")

var managementTools = fields{
	"ansible": object(fields{
		"install_method": word("distro", "pip"), "run_user": aText, "ansible_config": aText, "package_name": aText,
		"setup_controller": object(fields{
			"repositories": listOf(object(fields{"path": aText, "source": aText}).needing("path", "source")),
			"run_ansible": listOf(object(fields{
				"playbook_name": aText, "playbook_dir": aText, "become_password_file": aText, "connection_password_file": aText,
				"list_hosts": aSwitch, "syntax_check": aSwitch, "timeout": aDecimal, "vault_id": aText,
				"vault_password_file": aText, "background": aDecimal, "check": aSwitch, "diff": aSwitch, "module_path": aText,
				"poll": aDecimal, "args": aText, "extra_vars": aText, "forks": aDecimal, "inventory": aText, "scp_extra_args": aText,
				"sftp_extra_args": aText, "private_key": aText, "connection": aText, "module_name": aText, "sleep": aText,
				"tags": aText, "skip_tags": aText,
			}).with(anything)),
		}),
		"galaxy": object(fields{"actions": listOf(texts)}).needing("actions"),
		"pull": ansiblePull.or(listOf(ansiblePull)).
			noted(list, age{since: "25.2", instead: "write one mapping"}).
			noted(mapping, age{deprecated: "25.2", instead: "write a list of mappings"}),
	}).since("22.3"),
	"chef": object(fields{
		"directories": someText, "config_path": aText.since("25.1"), "validation_cert": aText, "validation_key": aText,
		"firstboot_path": aText, "exec": aSwitch, "client_key": aText, "encrypted_data_bag_secret": aText, "environment": aText,
		"file_backup_path": aText, "file_cache_path": aText, "json_attribs": aText, "log_level": aText, "log_location": aText,
		"node_name": aText, "omnibus_url": aText, "omnibus_url_retries": aNumber, "omnibus_version": aText, "pid_file": aText,
		"server_url": aText, "show_time": aSwitch, "ssl_verify_mode": aText, "validation_name": aText, "force_install": aSwitch,
		"initial_attributes": anyMap, "install_type": word("packages", "gems", "omnibus"), "run_list": texts,
		"chef_license": aText,
	}).atLeast(1),
	"puppet": object(fields{
		"install": aSwitch, "version": aText, "install_type": word("packages", "aio"), "collection": aText,
		"aio_install_url": aText, "cleanup": aSwitch, "conf_file": aText, "ssl_dir": aText, "csr_attributes_path": aText,
		"package_name": aText, "exec": aSwitch, "exec_args": texts, "start_service": aSwitch,
		"conf":           object(fields{"main": anyMap, "server": anyMap, "agent": anyMap, "user": anyMap, "ca_cert": aText}),
		"csr_attributes": object(fields{"custom_attributes": anyMap, "extension_requests": anyMap}),
	}),
	"salt_minion": object(fields{
		"pkg_name": aText, "service_name": aText, "config_dir": aText, "conf": anyMap, "grains": anyMap,
		"public_key": aText, "private_key": aText, "pki_dir": aText,
	}),
	"mcollective": object(fields{
		"conf": object(fields{"public-cert": aText, "private-cert": aText}).with(scalar(boolean | integer | text)),
	}),
	"landscape": object(fields{
		"client": object(fields{
			"url": aText, "ping_url": aText, "data_path": aText,
			"log_level":      word("debug", "info", "warning", "error", "critical"),
			"computer_title": aText, "account_name": aText, "registration_key": aText, "tags": aText.checked(tagList),
			"http_proxy": aText, "https_proxy": aText,
		}).with(anything).wanting("account_name", "computer_title"),
	}).needing("client"),
	"rsyslog": object(fields{
		"config_dir": aText, "config_filename": aText,
		"configs": listOf(aText.or(object(fields{"filename": aText, "content": aText}).needing("content"))),
		"remotes": anyMap, "service_reload_command": word("auto").or(texts),
		"install_rsyslog": aSwitch.since("23.3"), "check_exe": aText.since("23.3"), "packages": texts.since("23.3"),
	}),
	"lxd": object(fields{
		"init": object(fields{
			"network_address": aText, "network_port": aNumber, "storage_backend": word("zfs", "dir", "lvm", "btrfs"),
			"storage_create_device": aText, "storage_create_loop": aNumber, "storage_pool": aText, "trust_password": aText,
		}),
		"bridge": object(fields{
			"mode": word("none", "existing", "new"), "name": aText, "mtu": aNumber,
			"ipv4_address": aText, "ipv4_netmask": aNumber, "ipv4_dhcp_first": aText, "ipv4_dhcp_last": aText,
			"ipv4_dhcp_leases": aNumber, "ipv4_nat": aSwitch,
			"ipv6_address": aText, "ipv6_netmask": aNumber, "ipv6_nat": aSwitch, "domain": aText,
		}).needing("mode"),
		"preseed": aText,
	}).atLeast(1),
	"wireguard": object(fields{
		"interfaces":     listOf(object(fields{"name": aText, "config_path": aText, "content": aText})).atLeast(1),
		"readinessprobe": texts,
	}).needing("interfaces").or(scalar(null)).since("22.3"),
	"fan":         object(fields{"config": aText, "config_path": aText}).needing("config"),
	"autoinstall": object(fields{"version": aNumber}).with(anything).needing("version"),
}
