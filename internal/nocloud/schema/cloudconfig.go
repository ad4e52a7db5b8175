// SPDX-License-Identifier: MPL-2.0

package schema

import "maps"

// cloudConfig is the type of a whole cloud-config.
var cloudConfig = object(topLevel(usersAndAccess, filesAndCommands, nameAndPlace, storage, packageManagers, managementTools, itself)).
	meaning(map[string]string{
		"network":             "cloud-init takes no network configuration from user-data; give it as network_config",
		"ethernets":           "cloud-init takes no network configuration from user-data; give it as network_config",
		"packages_update":     "write package_update",
		"packages_upgrade":    "write package_upgrade",
		"update_packages":     "write package_update",
		"upgrade_packages":    "write package_upgrade",
		"commands":            "write runcmd",
		"cmd":                 "write runcmd",
		"run":                 "write runcmd",
		"files":               "write write_files",
		"passwd":              "write password, or users with passwd",
		"ssh_keys_authorized": "write ssh_authorized_keys",
		"authorized_keys":     "write ssh_authorized_keys",
		"ssh_public_keys":     "write ssh_authorized_keys",
		"ssh-authorized-keys": "write ssh_authorized_keys",
		"instance-id":         "it belongs into meta-data",
		"local-hostname":      "it belongs into meta-data; here it is hostname",
		"package":             "write packages",
		"mount":               "write mounts",
		"time_zone":           "write timezone",
	})

// systemKeys are read from the machine's own configuration; in user-data most of
// them come too late.
var systemKeys = []string{
	"datasource", "datasource_list", "def_log_file", "log_cfgs", "syslog_fix_perms", "manual_cache_clean",
	"unverified_modules", "warnings", "cloud_dir", "disable_ec2_metadata_retries", "allow_userdata",
}

// oldKeys are what modules still read, or once did, and no schema has.
var oldKeys = []string{
	"apt_sources", "apt_mirror", "apt_mirror_search", "apt_mirror_search_dns", "apt_proxy", "apt_http_proxy",
	"apt_https_proxy", "apt_ftp_proxy", "apt_preserve_sources_list", "apt_custom_sources_list", "add_apt_repo_match",
	"debconf_selections", "apt_conf",
}

func topLevel(parts ...fields) fields {
	all := fields{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	for _, name := range systemKeys {
		all[name] = anything.elsewhere("put it into /etc/cloud/cloud.cfg.d; user-data is read too late for it")
	}
	for _, name := range oldKeys {
		all[name] = anything.elsewhere("write it below apt")
	}
	return all
}
