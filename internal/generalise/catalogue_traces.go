// SPDX-License-Identifier: MPL-2.0

package generalise

// traces: what the machine wrote down of its life.
func traces() []Operation {
	return []Operation{
		{
			Name: "logs", What: "all of /var/log that no other operation is for: rotated files go, others are emptied, directories stay", Default: true,
			Why: "they tell of this machine", Families: anywhere(),
			Actions: []Action{{Verb: EmptyLogs, Dir: "/var/log", Names: []string{"journal", "installer", "anaconda", "YaST2", "curtin", "dump", "account", "wtmp*", "btmp*", "lastlog", "faillog", "tallylog",
				"cloud-init.log*", "cloud-init-output.log*", "autoinstall-user-data", "anaconda.*"}}},
			Live: "files that daemons have open are emptied, not replaced, and written further",
		},
		{
			Name: "journal", What: "systemd's journal on disk; the directory stays, so the journal stays persistent", Default: true, Why: "as for logs",
			Families: anywhere(), Actions: []Action{emptied("/var/log/journal")},
			Live: "journald goes on writing to its removed file, which is lost with the boot",
		},
		{
			Name: "login-records", What: "who logged in when and failed to", Default: true, Why: "it is about this machine's people", Families: anywhere(),
			Actions: []Action{
				blank("/var/log", "wtmp", "btmp", "lastlog", "faillog", "tallylog"), gone("/var/log", "wtmp.*", "wtmp-*", "btmp.*", "btmp-*"),
				gone("/var/lib/wtmpdb", "wtmp.db*"), gone("/var/lib/lastlog", "lastlog2.db*"),
			},
			Live: "the shutdown is recorded again",
		},
		{
			Name: "utmp", What: "who is logged in", Default: true, Why: "nobody is when a clone boots", Families: anywhere(),
			Actions: []Action{special("utmp", "/run/utmp", "emptied")}, Live: "left alone: somebody is logged in",
		},
		{
			Name: "process-accounting", What: "which processes ran", Default: true, Why: "as for logs", Families: anywhere(),
			Actions: []Action{blank("/var/account", "pacct"), gone("/var/account", "pacct.*", "pacct-*"), blank("/var/log/account", "pacct"), gone("/var/log/account", "pacct.*", "pacct-*")},
		},
		{
			Name: "pam-data", What: "counters of failed logins, who is at the console", Default: true, Why: "they are of the past", Families: anywhere(),
			Actions: []Action{gone("/run/faillock", "*"), gone("/run/console", "*"), gone("/run/sepermit", "*"), gone("/var/lib/faillock", "*")},
		},
		{
			Name: "crash-data", What: "core dumps and reports of crashes (systemd, apport, kdump)", Default: true,
			Why: "they hold memory, with whatever secrets were in it", Families: anywhere(),
			Actions: []Action{emptied("/var/crash"), emptied("/var/lib/systemd/coredump"), emptied("/var/lib/systemd/pstore"), emptied("/var/log/dump")},
		},
		{
			Name: "abrt-data", What: "problems that ABRT has collected", Default: true, Why: "as crash-data", Families: []Family{RHEL, SUSE},
			Actions: []Action{emptied("/var/spool/abrt"), emptied("/var/spool/abrt-upload")},
		},
		{
			Name: "kdump-initramfs", What: "the initramfs that kdump made for this machine", Default: true,
			Why: "it has this machine's disks; kdump makes it anew at boot", Families: []Family{RHEL, SUSE},
			Actions: []Action{gone("/boot", "initramfs-*kdump.img", "initrd-*-kdump")},
		},
		{
			Name: "systemd-timers", What: "when timers last ran, the clock at shutdown, the state of radios and backlights", Default: true,
			Why: "clones need not run all their timers in the same minute", Families: anywhere(),
			Actions: []Action{gone("/var/lib/systemd/timers", "stamp-*"), gone("/var/lib/private/systemd/timesync", "clock"), gone("/var/lib/systemd/timesync", "clock"),
				gone("/var/lib/systemd/rfkill", "*"), gone("/var/lib/systemd/backlight", "*")},
			Live: "timers and the clock are written again at shutdown",
		},
		{
			Name: "clock-drift", What: "how the clock of this machine drifts", Default: true, Why: "a clone's drifts otherwise", Families: anywhere(),
			Actions: []Action{below("/var/lib/ntp", "drift", "ntp.drift"), gone("/var/lib/ntpsec", "ntp.drift"), gone("/var/lib/chrony", "drift", "chrony.drift")},
			Live:    "chrony writes it again when it ends",
		},
		{
			Name: "logrotate-state", What: "when logs were last rotated", Default: true, Why: "they were emptied", Families: anywhere(),
			Actions: []Action{gone("/var/lib/logrotate", "status", "logrotate.status"), gone("/var/lib", "logrotate.status"), gone("/var/lib/misc", "logrotate.status")},
		},
	}
}

// packages: what package managers keep beside packages.
func packages() []Operation {
	return []Operation{
		{
			Name: "apt-cache", What: "packages and indices that apt has cached", Default: true, Why: "room; apt makes them anew", Families: []Family{Debian},
			Actions: []Action{gone("/var/cache/apt", "pkgcache.bin", "srcpkgcache.bin"), gone("/var/cache/apt/archives", "*.deb"), gone("/var/cache/apt/archives/partial", "*")},
		},
		{
			Name: "apt-lists", What: "apt's lists of what the archive has", Default: false,
			Why: "without them nothing can be installed before `apt-get update`", Families: []Family{Debian},
			Actions: []Action{gone("/var/lib/apt/lists", "*_*", "auxfiles"), gone("/var/lib/apt/lists/partial", "*")},
		},
		{
			Name: "dnf-cache", What: "packages and metadata that dnf and yum have cached", Default: true, Why: "room; dnf fetches them anew", Families: []Family{RHEL},
			Actions: []Action{emptied("/var/cache/dnf"), emptied("/var/cache/yum"), emptied("/var/cache/libdnf5"), emptied("/var/cache/PackageKit")},
		},
		{
			Name: "zypper-cache", What: "packages and metadata that zypper has cached", Default: true, Why: "room; zypper fetches them anew", Families: []Family{SUSE},
			Actions: []Action{emptied("/var/cache/zypp/packages"), emptied("/var/cache/zypp/raw"), emptied("/var/cache/zypp/solv"), emptied("/var/cache/zypper")},
		},
		{
			Name: "package-manager-ids", What: "identifiers with which package managers are counted", Default: true, Why: "clones would count as one machine",
			Families: []Family{RHEL, SUSE},
			Actions:  []Action{gone("/var/lib/yum", "uuid"), below("/var/lib/dnf/repos", "countme"), below("/var/lib/libdnf5/repos", "countme"), gone("/var/lib/zypp", "AnonymousUniqueId", "LastDistributionFlavor")},
		},
		{
			Name: "rpm-db-locks", What: "lock files and caches of RPM's database", Default: true,
			Why: "those of another release of Berkeley DB make every rpm hang", Families: []Family{RHEL, SUSE},
			Actions: []Action{gone("/var/lib/rpm", "__db.*", ".rpm.lock"), gone("/usr/lib/sysimage/rpm", "__db.*", ".rpm.lock")},
		},
		{
			Name: "package-backups", What: "package managers' backups of their own databases", Default: true, Why: "they tell of the past of this machine",
			Families: []Family{Debian, SUSE},
			Actions: []Action{
				gone("/var/lib/dpkg", "status-old", "available-old", "diversions-old", "statoverride-old"), gone("/var/cache/debconf", "*-old"),
				gone("/var/backups", "dpkg.*", "apt.extended_states.*", "alternatives.tar.*"),
				gone("/var/adm/backup/rpmdb", "*"), gone("/var/adm/backup/sysconfig", "*"),
			},
		},
		{
			Name: "config-backups", What: "files in /etc that package managers and editors put aside", Default: true, Why: "nothing reads them, but people do",
			Families: anywhere(),
			Actions:  []Action{below("/etc", "*.dpkg-old", "*.dpkg-bak", "*.dpkg-tmp", "*.ucf-old", "*.rpmsave", "*.rpmorig", "*~")},
		},
		{
			Name: "account-backups", What: "backups of the lists of users and groups", Default: true, Why: "they hold hashes of passwords that were changed since",
			Families: anywhere(),
			Actions:  []Action{gone("/etc", "passwd-", "shadow-", "group-", "gshadow-", "subuid-", "subgid-", ".pwd.lock"), gone("/var/backups", "passwd.bak", "shadow.bak", "group.bak", "gshadow.bak")},
		},
		{
			Name: "red-hat-subscription", What: "the registration with Red Hat and Insights", Default: true, Why: "clones would share one subscription and identity",
			Families: []Family{RHEL},
			Actions: []Action{
				gone("/etc/pki/consumer", "*"), gone("/etc/pki/entitlement", "*"), emptied("/var/lib/rhsm/cache"), emptied("/var/lib/rhsm/facts"), emptied("/var/lib/rhsm/packages"),
				gone("/etc/insights-client", "machine-id", ".registered", ".lastupload"), gone("/etc/redhat-access-insights", "machine-id", ".registered"),
				gone("/etc/sysconfig/rhn", "systemid", "osad-auth.conf"),
			},
			Live: "the machine stays registered at Red Hat: call `subscription-manager unregister` before",
		},
		{
			Name: "suse-registration", What: "the registration with SUSE Customer Center", Default: true, Why: "clones would share one registration",
			Families: []Family{SUSE},
			Actions: []Action{gone("/etc/zypp/credentials.d", "SCCcredentials", "NCCcredentials"), gone("/etc", "SUSEConnect"),
				emptied("/var/cache/cloudregister"), emptied("/var/lib/cloudregister"), gone("/var/cache/SuseRegister", "*")},
			Live: "the machine stays registered: call `SUSEConnect --de-register` before",
		},
		{
			Name: "ubuntu-pro", What: "the attachment to Ubuntu Pro and Landscape", Default: true, Why: "clones would share one machine token",
			Families: []Family{Debian},
			Actions: []Action{emptied("/var/lib/ubuntu-advantage/private"), gone("/var/lib/ubuntu-advantage", "status.json", "machine-token.json", "jobs-status.json", "machine-access-*.json"),
				gone("/etc/apt/auth.conf.d", "90ubuntu-advantage"), emptied("/var/lib/landscape/client")},
			Live: "the machine stays attached: call `pro detach` before",
		},
	}
}
