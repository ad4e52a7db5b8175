// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown

package seedconfig

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"golang.org/x/crypto/ssh"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

// Accounts is who can log in.
type Accounts struct {
	// A user to create, or to complete if there is one of this name already.
	// Repeatable; see [`user`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#user).
	Users []User `mapstructure:"user"`
	// Whether the distribution's default user (`debian`, `ubuntu`, …) is created,
	// too. Can be `false` only beside other users. Defaults to `true`.
	DefaultUser config.Trilean `mapstructure:"default_user"`
	// A group to create. Repeatable; see [`group`](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#group).
	Groups []Group `mapstructure:"group"`
	// Public keys that may log in as the default user, each a line of
	// `authorized_keys`.
	SSHAuthorizedKeys []string `mapstructure:"ssh_authorized_keys"`
	// The default user's password. Only its hash (SHA-512) gets into the seed;
	// see [Passwords](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#passwords).
	Password string `mapstructure:"password"`
	// The hash of the default user's password, as `mkpasswd` or `openssl passwd -6`
	// print it: SHA-512 (`$6$`), SHA-256, bcrypt or MD5. Conflicts with `password`.
	HashedPassword string `mapstructure:"hashed_password"`
	// Whether the default user has to change the password at the first login.
	// Defaults to `false`, unlike cloud-init.
	PasswordExpire bool `mapstructure:"password_expire"`
	// root's password, hashed like `password`. root may still not be let in over
	// ssh (`disable_root`, `PermitRootLogin`).
	RootPassword string `mapstructure:"root_password"`
	// The hash of root's password. Conflicts with `root_password`.
	RootHashedPassword string `mapstructure:"root_hashed_password"`
	// Whether sshd accepts passwords. Without it, what the image has stays.
	SSHPasswordAuth config.Trilean `mapstructure:"ssh_pwauth"`
	// Whether the keys of the default user are refused for root, with a word
	// about whom to log in as. cloud-init's default is `true`.
	DisableRoot config.Trilean `mapstructure:"disable_root"`
}

// User is a user of the machine.
type User struct {
	// The user's name.
	Name string `mapstructure:"name" required:"true"`
	// The full name, or whatever else belongs into the comment field.
	Gecos string `mapstructure:"gecos"`
	// Further groups of the user, which are created if they are missing.
	Groups []string `mapstructure:"groups"`
	// The user's own group. By default it has the name of the user.
	PrimaryGroup string `mapstructure:"primary_group"`
	// The login shell, such as `/bin/bash`. The default is that of useradd.
	Shell string `mapstructure:"shell"`
	// The home directory. Defaults to `/home/NAME`.
	HomeDir string `mapstructure:"homedir"`
	// The number of the user.
	UID string `mapstructure:"uid"`
	// Whether this is a system user, which has no home directory.
	System bool `mapstructure:"system"`
	// A rule for sudo, such as `ALL=(ALL) NOPASSWD:ALL`.
	Sudo string `mapstructure:"sudo"`
	// Public keys that may log in, each a line of `authorized_keys`.
	SSHAuthorizedKeys []string `mapstructure:"ssh_authorized_keys"`
	// Accounts whose public keys are fetched at the first boot: `gh:NAME`
	// (GitHub) or `lp:NAME` (Launchpad).
	SSHImportID []string `mapstructure:"ssh_import_id"`
	// The password. Only its hash (SHA-512) gets into the seed; see
	// [Passwords](/packer/integrations/seed-736dd801/diskimage/latest/components/provisioner/nocloud#passwords).
	Password string `mapstructure:"password"`
	// The password's hash, as `mkpasswd` or `openssl passwd -6` print it.
	// Conflicts with `password`.
	HashedPassword string `mapstructure:"hashed_password"`
	// Whether nobody can log in by password. Defaults to `true`, and to `false`
	// if there is a password.
	LockPassword config.Trilean `mapstructure:"lock_passwd"`
}

// Group is a group of users.
type Group struct {
	// The group's name.
	Name string `mapstructure:"name" required:"true"`
	// Users that are added to it. They must exist, or be described in the seed.
	Members []string `mapstructure:"members"`
}

const (
	rootUser    = "root"
	nameAdvice  = "begin with a letter or _, go on with letters, digits, _, - and dots, 32 characters at most"
	defaultName = "default"
)

var (
	accountName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,30}[A-Za-z0-9_.$-]?$`)
	absolute    = regexp.MustCompile(`^/[^\x00-\x1f:]*$`)
	// sudoRule has at least what every line for a user in sudoers has: HOSTS=COMMANDS.
	sudoRule = regexp.MustCompile(`[=\n]`)
	oneLine  = regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`)
	comment  = regexp.MustCompile(`^[^\x00-\x1f\x7f:]*$`)
	importID = regexp.MustCompile(`^([a-z]+:)?[A-Za-z0-9][A-Za-z0-9._+-]*$`)
)

func (a *Accounts) check(wrong *problems) {
	seen := map[string]bool{}
	for i := range a.Users {
		a.Users[i].check(wrong, fmt.Sprintf("user[%d]", i), seen)
	}
	for i, g := range a.Groups {
		name := fmt.Sprintf("group[%d]", i)
		checkName(wrong, name+".name", g.Name)
		wrong.matchAll(name+".members", g.Members, accountName, "not a user's name", nameAdvice)
	}
	checkKeys(wrong, "ssh_authorized_keys", a.SSHAuthorizedKeys)
	checkPassword(wrong, "", a.Password, a.HashedPassword)
	checkPassword(wrong, "root_", a.RootPassword, a.RootHashedPassword)
	wrong.match("hashed_password", a.HashedPassword, defaultHash, "a hash that cloud-init takes for the default user's plain password",
		"use one that begins with $6$ (SHA-512), or describe the user in a block")
	if seen[rootUser] && (a.RootPassword != "" || a.RootHashedPassword != "") {
		wrong.add("root_password", "there is a user block for root, too", "set the password there")
	}
	a.checkDefaultUser(wrong)
}

// checkDefaultUser finds what would go to a default user that is not to exist.
func (a *Accounts) checkDefaultUser(wrong *problems) {
	if !a.DefaultUser.False() {
		if a.PasswordExpire && a.Password == "" && a.HashedPassword == "" {
			wrong.add("password_expire", "there is no password that could expire", "set password, or leave it out")
		}
		return
	}
	if len(a.Users) == 0 && a.RootPassword == "" && a.RootHashedPassword == "" {
		wrong.add("default_user", "nobody is left who could log in", "describe a user, or leave default_user out")
	}
	const text = "it belongs to the default user, which default_user = false leaves out"
	if len(a.SSHAuthorizedKeys) > 0 && !a.DisableRoot.False() {
		wrong.add("ssh_authorized_keys", text, "give it to a user block")
	}
	if a.Password != "" || a.HashedPassword != "" {
		wrong.add("password", text, "give it to a user block")
	}
}

func (u *User) check(wrong *problems, at string, seen map[string]bool) {
	checkName(wrong, at+".name", u.Name)
	switch {
	case u.Name == defaultName:
		wrong.add(at+".name", "this name stands for the distribution's default user", "set default_user, and password or ssh_authorized_keys beside it")
	case seen[u.Name] && !notKnown(u.Name):
		wrong.add(at+".name", fmt.Sprintf("there is another user %q", u.Name), "describe each user once")
	}
	seen[u.Name] = true
	wrong.match(at+".gecos", u.Gecos, comment, "a colon or a line end, which the file of users cannot hold", "leave it out")
	wrong.matchAll(at+".groups", u.Groups, accountName, "not a group's name", nameAdvice)
	wrong.match(at+".primary_group", u.PrimaryGroup, accountName, "not a group's name", nameAdvice)
	wrong.match(at+".shell", u.Shell, absolute, "not an absolute path", "write it as /bin/bash")
	wrong.match(at+".homedir", u.HomeDir, absolute, "not an absolute path", "write it as /home/name")
	if id, err := strconv.ParseUint(u.UID, 10, 32); known(u.UID) != "" && (err != nil || id == 1<<32-1) {
		wrong.add(at+".uid", "not the number of a user", "write digits, such as 1000")
	}
	wrong.match(at+".sudo", u.Sudo, sudoRule, "not a rule of sudoers, which breaks sudo for all users", "write it as behind the name there: ALL=(ALL) NOPASSWD:ALL")
	wrong.match(at+".sudo", u.Sudo, oneLine, "a rule of several lines", "write one rule; more of them go into a write_file below /etc/sudoers.d")
	checkKeys(wrong, at+".ssh_authorized_keys", u.SSHAuthorizedKeys)
	wrong.matchAll(at+".ssh_import_id", u.SSHImportID, importID, "not an account whose keys could be fetched", "write it as gh:name or lp:name")
	checkPassword(wrong, at+".", u.Password, u.HashedPassword)
}

func checkName(wrong *problems, attribute, name string) {
	if name == "" {
		wrong.add(attribute, "a name is missing", "set it")
	}
	wrong.match(attribute, name, accountName, fmt.Sprintf("%q is not a name that a user or group can have", name), nameAdvice)
}

// checkKeys checks lines of authorized_keys. Of a wrong one nothing is shown: it
// may be a private key.
func checkKeys(wrong *problems, attribute string, keys []string) {
	for i, key := range keys {
		at := fmt.Sprintf("%s[%d]", attribute, i)
		text := strings.TrimSpace(key)
		switch {
		case notKnown(key):
		case strings.Contains(text, "PRIVATE KEY"):
			wrong.add(at, "this is a private key", "give the public one (the file that ends in .pub), and keep the private one where it is")
		case strings.ContainsAny(text, "\r\n"):
			wrong.add(at, "more than one line", "give each key as an item of its own")
		default:
			if _, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text)); err != nil {
				wrong.add(at, "not a line of authorized_keys", "write it as in a .pub file: type, key, comment")
			}
		}
	}
}

// userNames are the names of the users that the seed makes.
func (a *Accounts) userNames() map[string]bool {
	names := map[string]bool{}
	for _, u := range a.Users {
		if u.Name != rootUser {
			names[u.Name] = true
		}
	}
	return names
}

// write adds groups and users to a cloud-config. hash makes a password's hash.
func (a *Accounts) write(m *yamltext.Map, hash func(user, password string) string) {
	var groups yamltext.List
	for _, g := range a.Groups {
		if len(g.Members) == 0 {
			groups = append(groups, g.Name)
		} else {
			groups = append(groups, yamltext.Map{{Key: g.Name, Value: yamltext.Strings(g.Members)}})
		}
	}
	addList(m, "groups", groups)
	addList(m, "users", a.users(hash))
	addStrings(m, "ssh_authorized_keys", trimmed(a.SSHAuthorizedKeys))
	if a.Password != "" || a.HashedPassword != "" {
		m.Add("password", hashOf(hash, defaultName, a.Password, a.HashedPassword))
		m.Add("chpasswd", yamltext.Map{{Key: "expire", Value: a.PasswordExpire}})
	}
	addBool(m, "ssh_pwauth", a.SSHPasswordAuth)
	addBool(m, "disable_root", a.DisableRoot)
}

func (a *Accounts) users(hash func(user, password string) string) (users yamltext.List) {
	if a.RootPassword != "" || a.RootHashedPassword != "" {
		root := User{Name: rootUser, Password: a.RootPassword, HashedPassword: a.RootHashedPassword}
		users = append(users, root.write(hash))
	}
	for _, u := range a.Users {
		users = append(users, u.write(hash))
	}
	if len(users) > 0 && !a.DefaultUser.False() {
		users = append(yamltext.List{defaultName}, users...)
	}
	return users
}

func (u User) write(hash func(user, password string) string) yamltext.Map {
	m := yamltext.Map{{Key: "name", Value: u.Name}}
	addText(&m, "gecos", u.Gecos)
	addText(&m, "primary_group", u.PrimaryGroup)
	addStrings(&m, "groups", u.Groups)
	addText(&m, "shell", u.Shell)
	addText(&m, "homedir", u.HomeDir)
	if id, err := strconv.Atoi(u.UID); err == nil {
		m.Add("uid", id)
	}
	if u.System {
		m.Add("system", true)
	}
	addText(&m, "sudo", u.Sudo)
	addStrings(&m, "ssh_authorized_keys", trimmed(u.SSHAuthorizedKeys))
	addStrings(&m, "ssh_import_id", u.SSHImportID)
	lock := u.LockPassword
	if u.Password != "" || u.HashedPassword != "" {
		// passwd would only serve a user that does not exist yet.
		m.Add("hashed_passwd", hashOf(hash, u.Name, u.Password, u.HashedPassword))
		if lock == config.TriUnset {
			lock = config.TriFalse
		}
	}
	addBool(&m, "lock_passwd", lock)
	return m
}

func hashOf(hash func(user, password string) string, user, password, hashed string) string {
	if hashed != "" {
		return hashed
	}
	return hash(user, password)
}

func trimmed(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimSpace(line)
	}
	return out
}
