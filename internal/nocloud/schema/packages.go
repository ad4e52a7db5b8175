// SPDX-License-Identifier: MPL-2.0

package schema

// aPackage is a name, or a name and a version.
var (
	nameAndVersion = tuple(2, aText)
	aPackage       = aText.or(nameAndVersion).breaking().failing().checked(packageName).say("write a name, or [name, version]")
)

var aMirror = object(fields{
	"arches": someText, "uri": aText, "search": someText, "search_dns": aSwitch,
	"keyid": aText, "key": aText, "keyserver": aText,
}).needing("arches")

var caCertificates = object(fields{
	"remove_defaults": aSwitch,
	"remove-defaults": aSwitch.deprecated("22.3", "write remove_defaults"),
	"trusted":         someText.say("write a list of certificates: `- |` and the lines of PEM below it"),
}).atLeast(1)

var ubuntuPro = object(fields{
	"enable": texts, "enable_beta": texts, "token": aText,
	"features": object(fields{"disable_auto_attach": aSwitch}),
	"config": object(fields{
		"http_proxy": aText.or(scalar(null)), "https_proxy": aText.or(scalar(null)),
		"global_apt_http_proxy": aText.or(scalar(null)), "global_apt_https_proxy": aText.or(scalar(null)),
		"ua_apt_http_proxy": aText.or(scalar(null)), "ua_apt_https_proxy": aText.or(scalar(null)),
	}).with(anything),
})

// subscription is a key of rh_subscription that had dashes first.
func subscription(t *Type, name string) *Type { return t.deprecated("25.3", "write "+name) }

var packageManagers = fields{
	"packages": listOf(aPackage.or(object(fields{
		"apt": listOf(aPackage), "snap": listOf(aPackage),
	}).meaning(map[string]string{
		"name": "write the name alone: - vim", "package": "write the name alone: - vim", "pkg": "write the name alone: - vim",
		"version": "write [name, version]", "state": "write the name alone: - vim",
	})).noted(mapping, age{since: "23.4", instead: "write the names alone"})).atLeast(1).tolerating(text).checked(packageName).
		say("write a list: [nginx, [curl, 7.88.1-10]]"),
	"package_update":             aSwitch,
	"package_upgrade":            aSwitch,
	"package_reboot_if_required": aSwitch,
	"apt_update":                 aSwitch.deprecated("22.2", "write package_update"),
	"apt_upgrade":                aSwitch.deprecated("22.2", "write package_upgrade"),
	"apt_reboot_if_required":     aSwitch.deprecated("22.2", "write package_reboot_if_required"),
	"apt_pipelining": aNumber.or(aSwitch).or(word("os", "none", "unchanged")).
		notedWord("none", age{deprecated: "22.4", instead: "write false"}).
		notedWord("unchanged", age{deprecated: "22.4", instead: "write os"}),
	"apt": object(fields{
		"preserve_sources_list": aSwitch,
		"generate_mirrorlists":  aSwitch,
		"disable_suites":        someText,
		"primary":               listOf(aMirror).atLeast(1),
		"security":              listOf(aMirror).atLeast(1),
		"add_apt_repo_match":    aText,
		"debconf_selections":    mapOf(aText).atLeast(1),
		"sources_list":          aText,
		"conf":                  aText,
		"https_proxy":           aText, "http_proxy": aText, "proxy": aText, "ftp_proxy": aText,
		"sources": mapOf(object(fields{
			"source": aText, "keyid": aText, "key": aText, "keyserver": aText, "filename": aText, "append": aSwitch,
		}).atLeast(1)),
	}).atLeast(1),
	"apk_repos": object(fields{
		"preserve_repositories": aSwitch,
		"alpine_repo": object(fields{
			"base_url": aText, "community_enabled": aSwitch, "testing_enabled": aSwitch, "version": aText,
		}).needing("version").atLeast(1).or(scalar(null)),
		"local_repo_base_url": aText,
	}).atLeast(1),
	"yum_repo_dir": aText,
	"yum_repos": mapOf(object(fields{
		"baseurl":    aText,
		"metalink":   aText.since("24.2"),
		"mirrorlist": aText.since("24.3"),
		"name":       aText,
		"enabled":    aSwitch,
	}).with(scalar(integer | boolean | text)).needing("baseurl|metalink|mirrorlist")).atLeast(1),
	"zypper": object(fields{
		"repos":  listOf(object(fields{"id": aText, "baseurl": aText}).with(anything).needing("id", "baseurl")).atLeast(1),
		"config": anyMap,
	}).with(anything).atLeast(1),
	"snap": object(fields{
		"assertions": someText.or(mapOf(aText)),
		"commands":   listOf(aCommand).atLeast(1).or(mapOf(aCommand)),
	}).atLeast(1),
	"ca_certs":         caCertificates,
	"ca-certs":         caCertificates.deprecated("22.3", "write ca_certs"),
	"ubuntu_pro":       ubuntuPro.since("24.1"),
	"ubuntu_advantage": ubuntuPro.deprecated("24.1", "write ubuntu_pro"),
	"drivers": object(fields{
		"nvidia": object(fields{"license-accepted": aSwitch, "version": aText}).needing("license-accepted"),
	}),
	"rh_subscription": object(fields{
		"username": aText, "password": aText,
		"org": aText.or(aNumber).
			noted(integer, age{deprecated: "24.2", instead: "quote it"}),
		"release_version": aText.since("25.3"),
		"activation_key":  aText.since("25.3"), "activation-key": subscription(aText, "activation_key"),
		"auto_attach": aSwitch.since("25.3"), "auto-attach": subscription(aSwitch, "auto_attach"),
		"service_level": aText.since("25.3"), "service-level": subscription(aText, "service_level"),
		"add_pool": texts.since("25.3"), "add-pool": subscription(texts, "add_pool"),
		"enable_repo": texts.since("25.3"), "enable-repo": subscription(texts, "enable_repo"),
		"disable_repo": texts.since("25.3"), "disable-repo": subscription(texts, "disable_repo"),
		"rhsm_baseurl": aText.since("25.3"), "rhsm-baseurl": subscription(aText, "rhsm_baseurl"),
		"server_hostname": aText.since("25.3"), "server-hostname": subscription(aText, "server_hostname"),
	}),
	"spacewalk": object(fields{"server": aText, "proxy": aText, "activation_key": aText}),
	"grub_dpkg": object(fields{
		"enabled":                 aSwitch,
		"grub-pc/install_devices": aText,
		"grub-pc/install_devices_empty": aSwitch.or(aText).
			noted(text, age{deprecated: "22.3", instead: "write true or false"}),
		"grub-efi/install_devices": aText.since("23.2"),
	}),
	"grub-dpkg": anyMap.deprecated("22.2", "write grub_dpkg"),
}
