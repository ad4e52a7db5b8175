// SPDX-License-Identifier: MPL-2.0

package generalise

// services: keys and identifiers of services of this one machine.
func services() []Operation {
	return []Operation{
		{
			Name: "puppet", What: "Puppet's certificate and state", Default: true, Why: "the server knows a node by its certificate", Families: anywhere(),
			Actions: []Action{emptied("/var/lib/puppet/ssl"), emptied("/etc/puppetlabs/puppet/ssl"), emptied("/etc/puppet/ssl"), emptied("/var/lib/puppet/state"), emptied("/opt/puppetlabs/puppet/cache/state")},
		},
		{
			Name: "salt", What: "the Salt minion's keys and name", Default: true, Why: "the master knows a minion by its key", Families: anywhere(),
			Actions: []Action{gone("/etc/salt/pki/minion", "minion.pem", "minion.pub", "minion_master.pub"), gone("/etc/salt", "minion_id"), emptied("/var/cache/salt/minion")},
		},
		{
			Name: "chef", What: "the key of the Chef or Cinc client, and its cache", Default: true, Why: "the server knows a node by its key", Families: anywhere(),
			Actions: []Action{gone("/etc/chef", "client.pem"), gone("/etc/cinc", "client.pem"), emptied("/var/chef/cache"), emptied("/var/chef/backup")},
		},
		{
			Name: "samba-secrets", What: "the machine's account in a domain and Samba's caches", Default: true, Why: "two machines cannot have one account",
			Families: anywhere(),
			Actions:  []Action{gone("/var/lib/samba/private", "secrets.tdb", "secrets.ldb", "secrets.ntdb"), gone("/var/lib/samba", "gencache*.tdb", "netsamlogon_cache.tdb", "winbindd_cache.tdb"), gone("/var/cache/samba", "*.tdb")},
		},
		{
			Name: "krb5-keytab", What: "the Kerberos key of the host", Default: true, Why: "it is of one host's name", Families: anywhere(),
			Actions: []Action{gone("/etc", "krb5.keytab"), gone("/var/lib/sss/keytabs", "*")},
		},
		{
			Name: "kerberos-kdc", What: "the database of a Kerberos server", Default: false, Why: "it is data, not identity", Families: anywhere(),
			Actions: []Action{gone("/var/kerberos/krb5kdc", "principal*", ".k5.*"), gone("/var/lib/krb5kdc", "principal*"), gone("/etc/krb5kdc", "stash", ".k5.*")},
		},
		{
			Name: "sssd", What: "SSSD's caches and secrets", Default: true, Why: "they hold hashes of users' passwords", Families: anywhere(),
			Actions: []Action{gone("/var/lib/sss/db", "*"), gone("/var/lib/sss/mc", "*"), gone("/var/lib/sss/gpo_cache", "*"), gone("/var/lib/sss/pubconf", "kdcinfo.*", "kpasswdinfo.*"), gone("/var/lib/sss/secrets", "*", ".secrets.mkey")},
		},
		{
			Name: "ipa-client", What: "the enrolment in FreeIPA", Default: true, Why: "it is of one host", Families: []Family{Debian, RHEL},
			Actions: []Action{gone("/etc/ipa", "default.conf", "ca.crt"), gone("/var/lib/ipa-client/sysrestore", "*"), gone("/var/lib/ipa-client/pki", "*")},
		},
		{
			Name: "mysql-server-id", What: "the identity of MySQL's server", Default: true, Why: "replication needs different ones", Families: anywhere(),
			Actions: []Action{gone("/var/lib/mysql", "auto.cnf")}, Live: "a server that runs keeps it until it ends",
		},
		{
			Name: "container-engine-id", What: "the identity of Docker's daemon", Default: true, Why: "swarms tell members apart by it", Families: anywhere(),
			Actions: []Action{gone("/etc/docker", "key.json"), gone("/var/lib/docker", "engine-id")},
		},
		{
			Name: "vpn-identity", What: "the node's keys of Tailscale and ZeroTier", Default: true, Why: "two nodes with one key disconnect each other", Families: anywhere(),
			Actions: []Action{gone("/var/lib/tailscale", "tailscaled.state"), gone("/var/lib/zerotier-one", "identity.public", "identity.secret")},
		},
		{
			Name: "cloud-agents", What: "what agents of clouds know of their instance (Azure, AWS Systems Manager, Google)", Default: true,
			Why: "it is about the instance that the template was", Families: anywhere(),
			Actions: []Action{gone("/var/lib/waagent", "*.xml", "*.prv", "*.crt", "*.pem", "*.tag", "provisioned", "history"), emptied("/var/lib/amazon/ssm/Vault/Store"), gone("/var/lib/amazon/ssm", "i-*", "mi-*", "registration"), gone("/etc", "instance_id", "boto.cfg")},
		},
		{
			Name: "dovecot-data", What: "Dovecot's generated parameters and list of instances", Default: true, Why: "it makes them anew", Families: anywhere(),
			Actions: []Action{gone("/var/lib/dovecot", "ssl-parameters.dat", "instances")},
		},
		{
			Name: "snakeoil-certificate", What: "the self-signed certificate of package ssl-cert", Default: false,
			Why: "services that name it do not start without; nothing makes it anew", Families: []Family{Debian},
			Actions: []Action{gone("/etc/ssl/certs", "ssl-cert-snakeoil.pem"), gone("/etc/ssl/private", "ssl-cert-snakeoil.key")},
		},
		{
			Name: "tls-keys", What: "TLS keys in the places of Red Hat's packages, and a certificate authority of the machine's own", Default: false,
			Why: "services that name them do not start without; some are made anew, most are not", Families: []Family{RHEL},
			Actions: []Action{gone("/etc/pki/tls/private", "*.key"), gone("/etc/pki/tls/certs", "localhost.crt"),
				gone("/etc/pki/CA/private", "*.key", "*.pem"), gone("/etc/pki/CA/certs", "*.crt", "*.pem"), gone("/etc/pki/CA/crl", "*.crl", "*.crt"), gone("/etc/pki/CA/newcerts", "*.crt", "*.pem")},
		},
	}
}

// caches: what can be computed again.
func caches() []Operation {
	return []Operation{
		{
			Name: "ldconfig-cache", What: "ldconfig's notes for its next run; ld.so.cache stays", Default: true, Why: "it holds times and inodes of this file system", Families: anywhere(),
			Actions: []Action{gone("/var/cache/ldconfig", "aux-cache")},
		},
		{
			Name: "man-cache", What: "the index of manual pages", Default: false, Why: "apropos needs it, and making it takes long", Families: anywhere(),
			Actions: []Action{gone("/var/cache/man", "*")},
		},
		{
			Name: "font-cache", What: "the index of fonts", Default: false, Why: "the first program that shows text would have to make it", Families: anywhere(),
			Actions: []Action{gone("/var/cache/fontconfig", "*")},
		},
	}
}
