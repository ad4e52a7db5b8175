// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

// hyphened is a key whose dashes cloud-init turns into underscores.
func hyphened(t *Type, name string) *Type { return t.deprecated("24.2", "write "+name) }

var sshKeys = someText.tolerating(text | mapping).
	checked(publicKeys).say("write a list, each key in a line of its own: `- ssh-ed25519 AAAA…`")

// aUser is a user in `users`, and the default user in `user`.
var aUser = object(fields{
	"name":          aSpelling.failing().checked(userName),
	"gecos":         aSpelling,
	"expiredate":    aSpelling.say("quote it: '2032-09-01'"),
	"homedir":       aSpelling,
	"inactive":      aSpelling.say("quote the number of days"),
	"primary_group": aSpelling,
	"selinux_user":  aSpelling,
	"shell":         aSpelling,
	"snapuser":      aSpelling,
	"groups": aText.or(someText).or(mapOf(anything)).checked(groupNames).
		noted(mapping, age{deprecated: "23.1", instead: "write a list of names"}),
	"sudo": aText.or(scalar(null|boolean)).or(listOf(aText.or(scalar(null)))).
		noted(list, age{since: "23.3", refused: true, instead: "write one text, to be spared its warning at boot"}).
		checked(sudoRule).say("write text, as in sudoers behind the name: ALL=(ALL) NOPASSWD:ALL"),
	"doas": someText.since("23.3"),
	"uid":  aNumber.or(aText).checked(userNumber),

	"passwd":            aSpelling.checked(hashed),
	"hashed_passwd":     aSpelling.checked(hashed),
	"plain_text_passwd": aSpelling.checked(plainPassword),

	"create_groups":       aTruth,
	"lock_passwd":         aTruth,
	"no_create_home":      aTruth,
	"no_log_init":         aTruth,
	"no_user_group":       aTruth,
	"ssh_redirect_user":   aSwitch,
	"system":              aTruth,
	"ssh_authorized_keys": sshKeys,
	"ssh_import_id":       someText.say("write a list: [gh:name]"),

	"lock-passwd":         aTruth.deprecated("22.3", "write lock_passwd"),
	"ssh-authorized-keys": sshKeys.deprecated("18.3", "write ssh_authorized_keys"),
	"no-create-home":      hyphened(aTruth, "no_create_home"),
	"no-log-init":         hyphened(aTruth, "no_log_init"),
	"no-user-group":       hyphened(aTruth, "no_user_group"),
	"hashed-passwd":       hyphened(aSpelling.checked(hashed), "hashed_passwd"),
	"plain-text-passwd":   hyphened(aSpelling.checked(plainPassword), "plain_text_passwd"),
	"create-groups":       hyphened(aTruth, "create_groups"),
	"primary-group":       hyphened(aSpelling, "primary_group"),
	"selinux-user":        hyphened(aSpelling, "selinux_user"),
	"ssh-import-id":       hyphened(someText, "ssh_import_id"),
	"ssh-redirect-user":   hyphened(aSwitch, "ssh_redirect_user"),
}).needing("name|snapuser").meaning(map[string]string{
	"password":        "write passwd with a hash (openssl passwd -6)",
	"username":        "write name",
	"user":            "write name",
	"home":            "write homedir",
	"home_dir":        "write homedir",
	"group":           "write primary_group, or groups",
	"ssh_keys":        "write ssh_authorized_keys",
	"ssh-keys":        "write ssh_authorized_keys",
	"key":             "write ssh_authorized_keys",
	"ssh_key":         "write ssh_authorized_keys",
	"keys":            "write ssh_authorized_keys",
	"authorized_keys": "write ssh_authorized_keys",
	"public_keys":     "write ssh_authorized_keys",
	"ssh_pwauth":      "ssh_pwauth stands at the top level, outside users",
	"chpasswd":        "chpasswd stands at the top level, outside users",
	"expire":          "write expiredate here, or expire below chpasswd",
	"sudoers":         "write sudo",
	"comment":         "write gecos",
}).checked(oneUser)

// aPassword is an entry of chpasswd.users.
var aPassword = object(fields{
	"name":     aText,
	"type":     word("hash", "text", "RANDOM"),
	"password": aText,
}).needing("name").checked(newPassword)

var usersAndAccess = fields{
	"users": aText.or(listOf(aText.or(texts).or(aUser).checked(oneUser).say("write a name, or name and settings as keys"))).or(anyMap).checked(namedUsers).
		say("begin each user with `- name: …`"),
	"user": aText.or(aUser.needing()).checked(oneUser).say("for a list of users write users"),
	"groups": aText.or(listOf(aText.or(mapOf(aText.or(someText)))).atLeast(1)).or(mapOf(aText.or(someText))).
		say("write a list: [admins, {cloud-users: [alice]}]"),
	"password": aText.checked(defaultPassword),
	"chpasswd": object(fields{
		"expire": aSwitch,
		"users":  listOf(aPassword).say("begin each with `- name: …`"),
		"list": aText.or(listOf(aText)).checked(passwordList).
			deprecated("22.2", "write chpasswd.users, a list of name, password and type"),
	}).meaning(map[string]string{
		"user":     "write users, a list of name, password and type",
		"password": "write users, a list of name, password and type",
	}),
	"ssh_pwauth": aSwitch.or(aText).
		noted(text, age{deprecated: "22.3", instead: "write true or false"}),
	"ssh_authorized_keys": someText.checked(publicKeys).failing().
		say("write a list, each key in a line of its own: `- ssh-ed25519 AAAA…`"),
	"ssh_import_id":         texts.say("write a list: [gh:name]"),
	"disable_root":          aSwitch,
	"disable_root_opts":     aText,
	"allow_public_ssh_keys": aSwitch,
	"ssh_keys":              mapOf(aText).checked(hostKeys),
	"ssh_deletekeys":        aSwitch,
	"ssh_genkeytypes": listOf(word("ecdsa", "ed25519", "rsa", "dsa").
		notedWord("dsa", age{removed: "24.1", instead: "leave it out"})).atLeast(1),
	"ssh_quiet_keygen":          aSwitch,
	"ssh_publish_hostkeys":      object(fields{"enabled": aSwitch, "blacklist": texts}),
	"ssh":                       object(fields{"emit_keys_to_console": aSwitch}).needing("emit_keys_to_console"),
	"ssh_key_console_blacklist": texts,
	"ssh_fp_console_blacklist":  texts,
	"no_ssh_fingerprints":       aSwitch,
	"authkey_hash":              aText,
}

// noName is what useradd and groupadd refuse in a name: with such a user cloud-init
// ends making users.
var (
	noName   = regexp.MustCompile(`^-|[\s:,/]`)
	uidForm  = regexp.MustCompile(`^[0-9]+$`)
	groupGap = regexp.MustCompile(`[^\s,]\s+[^\s,]`)
)

func userName(j *judge, path string, n *yaml.Node) {
	if formOf(n) == text && noName.MatchString(n.Value) {
		j.fail(n, "use letters, digits, _, - and dots", "%s is not a name that a user can have", path)
	}
}

// groupNames: in one text they are parted by commas.
func groupNames(j *judge, path string, n *yaml.Node) {
	switch formOf(n) {
	case text:
		if groupGap.MatchString(n.Value) {
			j.fail(n, "write commas between the names, or a list", "%s has a blank in the name of a group", path)
		}
	case list:
		for i, item := range n.Content {
			groupNames(j, path+"["+strconv.Itoa(i)+"]", resolve(item))
		}
	}
}

func userNumber(j *judge, path string, n *yaml.Node) {
	switch {
	case formOf(n) != text:
	case uidForm.MatchString(n.Value):
		j.age(path+" as text", n, age{deprecated: "22.3", instead: "write it without quotes"})
	default:
		j.fail(n, "write digits: 1000", "%s is not the number of a user", path)
	}
}
