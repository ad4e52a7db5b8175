// SPDX-License-Identifier: MPL-2.0

package generalise

// cloudInit: what cloud-init left of a boot. The seed stays, and scripts and
// handlers that an image brings along.
func cloudInit() []Operation {
	return []Operation{
		{
			Name: "cloud-init-state", What: "cloud-init's instances, semaphores, cached datasource and user-data", Default: true,
			Why: "cloud-init would take a clone for the machine that it knows; seed, scripts and handlers stay", Families: anywhere(),
			Actions: []Action{
				gone("/var/lib/cloud", "instance", "obj.pkl"),
				emptied("/var/lib/cloud/instances"), emptied("/var/lib/cloud/data"), emptied("/var/lib/cloud/sem"),
				emptied("/var/lib/cloud/boothooks"),
			},
			Live: "wait first until `cloud-init status --wait` has come back, or it is written again",
		},
		{
			Name: "cloud-init-logs", What: "logs of cloud-init", Default: true, Why: "they hold what user-data printed, passwords too",
			Families: anywhere(), Actions: []Action{gone("/var/log", "cloud-init.log*", "cloud-init-output.log*")},
		},
		{
			Name: "cloud-init-network", What: "network configuration that cloud-init generated", Default: true,
			Why: "it is for this machine's addresses; cloud-init makes it anew for each instance", Families: anywhere(),
			Actions: []Action{
				gone("/etc/netplan", "50-cloud-init.yaml"),
				gone("/etc/NetworkManager/system-connections", "cloud-init-*.nmconnection"),
				gone("/etc/NetworkManager/conf.d", "30-cloud-init-ip6-addr-gen-mode.conf", "99-cloud-init.conf"),
				gone("/etc/systemd/network", "10-cloud-init-*", "50-cloud-init-*"),
				gone("/etc/network/interfaces.d", "50-cloud-init", "50-cloud-init.cfg"),
				gone("/etc/udev/rules.d", "85-persistent-net-cloud-init.rules"),
				generated("/etc/sysconfig/network-scripts", "ifcfg-*", "route-*", "route6-*"),
				generated("/etc/sysconfig/network", "ifcfg-*", "ifroute-*"),
			},
			Live: "the network stays up until the machine boots",
		},
		{
			Name: "cloud-init-ssh", What: "settings of sshd that cloud-init generated", Default: true,
			Why: "whether passwords are allowed is for the next seed to say", Families: anywhere(),
			Actions: []Action{gone("/etc/ssh/sshd_config.d", "50-cloud-init.conf")},
		},
		{
			Name: "cloud-init-sudoers", What: "rights of users that cloud-init made", Default: true,
			Why: "the next seed gives its own", Families: anywhere(),
			Actions: []Action{special("sudoers", "/etc/sudoers.d/90-cloud-init-users", "goes")},
			Live:    "left alone when the connecting user came by sudo: later provisioners and the shutdown need it",
		},
		{
			Name: "cloud-init-fstab", What: "mounts that cloud-init wrote into /etc/fstab", Default: true,
			Why: "they are of disks that a clone need not have", Families: anywhere(),
			Actions: []Action{lines("/etc", "fstab", "*comment=cloudconfig*")},
		},
	}
}

// installers: what an installer leaves beside the system.
func installers() []Operation {
	return []Operation{
		{
			Name: "installer-cloud-config", What: "settings for cloud-init by installers: their datasource, their network, a disabled network", Default: true,
			Why: "they make cloud-init look elsewhere than at the seed, or ignore its network", Families: []Family{Debian, SUSE},
			Actions: []Action{gone("/etc/cloud/cloud.cfg.d", "99-installer.cfg", "90-installer-network.cfg", "subiquity-disable-cloudinit-networking.cfg",
				"50-curtin-networking.cfg", "curtin-preserve-sources.cfg", "99-installer-use-*.cfg")},
		},
		{
			Name: "installer-network", What: "network configuration that Ubuntu's installer wrote", Default: false,
			Why: "it may be the only one that the image has", Families: []Family{Debian},
			Actions: []Action{gone("/etc/netplan", "00-installer-config*.yaml", "01-network-manager-all.yaml")},
		},
		{
			Name: "installer-files", What: "answers to installers (kickstart, AutoYaST, autoinstall, preseed) and their logs", Default: true,
			Why: "they hold hashes of passwords and how the template was made", Families: anywhere(),
			Actions: []Action{
				gone("/root", "anaconda-ks.cfg", "original-ks.cfg", "initial-setup-ks.cfg", "install.log", "install.log.syslog", "ks-post.log", "autoinst.xml", "inst-sys"),
				gone("/", "autoinstall.yaml", "autoinst.xml", "preseed.cfg"),
				emptied("/var/log/installer"), emptied("/var/log/anaconda"), emptied("/var/log/YaST2"), emptied("/var/log/curtin"),
				gone("/var/log", "autoinstall-user-data", "anaconda.*"),
				emptied("/var/adm/autoinstall/cache"), emptied("/var/adm/autoinstall/files"), emptied("/var/adm/autoinstall/logs"), emptied("/var/adm/autoinstall/scripts"),
				emptied("/var/lib/preseed"),
			},
		},
	}
}

// accounts: what people and services left under accounts.
func accounts() []Operation {
	return []Operation{
		{
			Name: "shell-history", What: "what was typed into shells", Default: true, Why: "passwords are among it", Families: anywhere(),
			Actions: []Action{home(".bash_history", ".sh_history", ".ash_history", ".ksh_history", ".zsh_history", ".zhistory", ".histfile", ".history", ".local/share/fish/fish_history")},
			Live:    "a login shell that is open writes its history when it ends",
		},
		{
			Name: "program-history", What: "histories of editors, pagers, databases and interpreters", Default: true, Why: "as for shells",
			Families: anywhere(),
			Actions: []Action{home(".viminfo", ".vim/.netrwhist", ".local/state/nvim/shada", ".lesshst", ".local/state/lesshst", ".nano_history", ".local/share/nano/search_history",
				".mysql_history", ".mariadb_history", ".psql_history", ".sqlite_history", ".rediscli_history", ".mongosh", ".dbshell",
				".python_history", ".node_repl_history", ".irb_history", ".php_history", ".wget-hsts", ".xsession-errors", ".xsession-errors.old")},
		},
		{
			Name: "ssh-known-hosts", What: "machines that users' ssh has seen", Default: false, Why: "an image may know hosts on purpose",
			Families: anywhere(), Actions: []Action{home(".ssh/known_hosts", ".ssh/known_hosts.old")},
		},
		{
			Name: "ssh-authorized-keys", What: "keys that may log in", Default: false,
			Why: "without a seed that brings others nobody could log in, nor Packer go on", Families: anywhere(),
			Actions: []Action{home(".ssh/authorized_keys", ".ssh/authorized_keys2")},
		},
		{
			Name: "ssh-user-keys", What: "users' own keys for ssh", Default: false,
			Why: "an image may have some on purpose, to fetch what it needs; with the private halves each clone is who the template was", Families: anywhere(),
			Actions: []Action{home(".ssh/id_rsa", ".ssh/id_rsa.pub", ".ssh/id_dsa", ".ssh/id_dsa.pub", ".ssh/id_ecdsa", ".ssh/id_ecdsa.pub", ".ssh/id_ecdsa_sk", ".ssh/id_ecdsa_sk.pub",
				".ssh/id_ed25519", ".ssh/id_ed25519.pub", ".ssh/id_ed25519_sk", ".ssh/id_ed25519_sk.pub", ".ssh/identity", ".ssh/identity.pub")},
		},
		{
			Name: "home-caches", What: "what programs cache in home directories", Default: false, Why: "an image may have warm caches on purpose",
			Families: anywhere(), Actions: []Action{home(".cache")},
		},
		{
			Name: "mail-spool", What: "mail in mailboxes and queues", Default: true, Why: "it was for this machine's people",
			Families: anywhere(),
			Actions: []Action{
				gone("/var/mail", "*"), gone("/var/spool/mail", "*"),
				below("/var/spool/postfix/incoming", "*"), below("/var/spool/postfix/active", "*"), below("/var/spool/postfix/deferred", "*"),
				below("/var/spool/postfix/defer", "*"), below("/var/spool/postfix/bounce", "*"), below("/var/spool/postfix/maildrop", "*"),
				below("/var/spool/postfix/hold", "*"), below("/var/spool/postfix/corrupt", "*"),
				below("/var/spool/exim4/input", "*"), below("/var/spool/exim4/msglog", "*"), below("/var/spool/exim", "*"),
				gone("/var/spool/mqueue", "*"), gone("/var/spool/clientmqueue", "*"),
			},
		},
		{
			Name: "cron-spool", What: "users' crontabs, jobs of at and batch, and when anacron last ran", Default: true,
			Why:      "they were made by hand on one machine; those that an image needs belong in /etc/cron.d, which stays",
			Families: anywhere(),
			Actions: []Action{
				below("/var/spool/cron", "[!.]*"), below("/var/spool/at", "[!.]*"), below("/var/spool/atjobs", "[!.]*"), below("/var/spool/atspool", "[!.]*"), below("/var/spool/anacron", "[!.]*"),
			},
		},
		{
			Name: "tmp-files", What: "all that is in /tmp and /var/tmp", Default: true, Why: "it is of no use after a boot", Families: anywhere(),
			Actions: []Action{special("temporary", "/tmp", "emptied, but for mount points and the upload of this provisioner"),
				special("temporary", "/var/tmp", "likewise")},
			Live: "directories of running services (systemd-private-*, .X11-unix and the like) stay",
		},
	}
}
