// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// hashForm is what a shadow file has for a password: a hash of crypt(5), the old
// ones included, or what locks the account.
var hashForm = regexp.MustCompile(`^(?:[!*].*|x|\$[0-9a-z]+\$.+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13})?$`)

// chpasswdHash is by what cloud-init knows a hash in chpasswd.list.
var chpasswdHash = regexp.MustCompile(`^\$(?:1|2a|2y|5|6|y|7|gy)\$.+`)

const hashAdvice = "hash it: `openssl passwd -6`, or mkpasswd"

// hashed: what is no hash is put into the shadow file as it is, and no password
// matches it.
func hashed(j *judge, path string, n *yaml.Node) {
	if formOf(n) == text && !hashForm.MatchString(n.Value) {
		j.fail(n, hashAdvice, "%s is not a password's hash; nobody could log in with it", path)
	}
}

func plainPassword(j *judge, path string, n *yaml.Node) {
	if !j.PlainPasswords && formOf(n)&scalars != 0 {
		j.fail(n, "write hashed_passwd with a hash (openssl passwd -6, mkpasswd), or set allow_plain_passwords", "%s is a password that everybody can read who reads the seed", path)
	}
}

// readable warns of a password that stands in the document for all to read.
func (j *judge) readable(path string, n *yaml.Node) {
	if !j.PlainPasswords {
		j.warn(n, hashAdvice, "%s is a password that everybody can read who reads the seed", path)
	}
}

func defaultPassword(j *judge, path string, n *yaml.Node) {
	if f := formOf(n); f != null && !(f == text && (chpasswdHash.MatchString(n.Value) || random(n.Value))) {
		j.readable(path, n)
	}
}

func random(value string) bool { return value == "R" || value == "RANDOM" || value == "" }

// newPassword looks at an entry of chpasswd.users, whose type is hash by default.
func newPassword(j *judge, path string, n *yaml.Node) {
	kind, password := given(n, "type"), given(n, "password")
	switch {
	case kind != nil && formOf(kind) != text, password != nil && formOf(password) != text:
	case kind != nil && kind.Value == "RANDOM":
		if password != nil {
			j.fail(password, "leave the password out, or the type", "%s has a password beside type: RANDOM", path)
		}
	case password == nil:
		j.fail(n, "add password, or type: RANDOM", "%s has no password", path)
	case kind != nil && kind.Value == "text":
		j.readable(path+".password", password)
	case !hashForm.MatchString(password.Value):
		j.fail(password, hashAdvice+"; or write type: text", "%s.password is not a password's hash, as its type says; nobody could log in with it", path)
	}
}

// passwordList looks at name:password lines.
func passwordList(j *judge, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		for i, line := range strings.Split(n.Value, "\n") {
			at := *n
			if n.Style&yaml.LiteralStyle != 0 {
				at.Line, at.Column = n.Line+1+i, 0
			}
			j.passwordLine(path, &at, strings.TrimSpace(line))
		}
		return
	}
	for i, item := range n.Content {
		if item = resolve(item); formOf(item) == text {
			j.passwordLine(path+"["+strconv.Itoa(i)+"]", item, item.Value)
		}
	}
}

func (j *judge) passwordLine(path string, n *yaml.Node, line string) {
	name, password, ok := strings.Cut(line, ":")
	switch {
	case line == "", strings.HasPrefix(line, "#"):
	case !ok || name == "" || password == "":
		j.fail(n, "write name:password", "%s has a line that is not name:password", path)
	case !random(password) && !chpasswdHash.MatchString(password):
		j.readable(path, n)
	}
}

// oneUser looks at what does not go together in a user.
func oneUser(j *judge, path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	if redirect := given(n, "ssh_redirect_user"); redirect != nil && formOf(redirect) == boolean && truth(redirect.Value) {
		for _, name := range []string{"ssh_authorized_keys", "ssh_import_id"} {
			if given(n, name) != nil {
				j.fail(redirect, "leave one of them out", "%s has both ssh_redirect_user and %s; cloud-init stops there", path, name)
			}
		}
	}
	locked := given(n, "lock_passwd")
	if locked == nil {
		locked = given(n, "lock-passwd")
	}
	if locked != nil && (formOf(locked) != boolean || !truth(locked.Value)) {
		return
	}
	for _, name := range []string{"passwd", "hashed_passwd", "plain_text_passwd"} {
		if p := given(n, name); p != nil && formOf(p) == text && !strings.HasPrefix(p.Value, "!") && !strings.HasPrefix(p.Value, "*") {
			j.warn(p, "add lock_passwd: false, or leave the password out", "%s has %s, but the account is locked for passwords (lock_passwd is true unless set)", path, name)
			return
		}
	}
}
