// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the names of zones, on systems without them

	"gopkg.in/yaml.v3"
)

var (
	notBase64   = regexp.MustCompile(`[^A-Za-z0-9+/=]`)
	octal       = regexp.MustCompile(`^(?:0o?)?[0-7]{3,4}$`)
	waitForm    = regexp.MustCompile(`^\+?[0-9]+$`)
	swapForm    = regexp.MustCompile(`^[0-9]*\.?[0-9]+[BKMGT]$`)
	tagListForm = regexp.MustCompile(`^[-_0-9a-zA-Z]+(?:,[-_0-9a-zA-Z]+)*$`)
	hostForm    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	// keyForm is by what cloud-init knows a public key: its type, known to sshd, and
	// something behind it; options may stand before.
	keyForm = regexp.MustCompile(`(?:^|\s)(?:(?:ssh-(?:rsa|dss|ed25519)|ssh-xmss@openssh\.com|ecdsa-sha2-nistp(?:256|384|521)|` +
		`sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)|[a-z0-9-]+-cert-v01@openssh\.com|rsa|dsa|ecdsa|ed25519)\s+\S`)
	// plainPackages are several names where one belongs.
	plainPackages = regexp.MustCompile(`^[a-z0-9][a-z0-9.+_-]*(?:\s+[a-z0-9][a-z0-9.+_-]*)+$`)
	hostKeyForm   = regexp.MustCompile(`^(?:dsa|ecdsa|ed25519|rsa)_(?:public|private|certificate)$`)
)

// permissions: text is read as octal; a number is what YAML made of it.
func permissions(j *judge, path string, n *yaml.Node) {
	switch f := formOf(n); {
	case f == integer && len(n.Value) > 1 && n.Value[0] == '0':
		j.warn(n, "write '"+n.Value+"', in quotes", "%s is a number; cloud-init's schema wants text", path)
	case f == integer:
		j.fail(n, "write '0"+n.Value+"', in quotes", "%s is a decimal number, which gives other permissions than it says", path)
	case f == text && !octal.MatchString(n.Value):
		j.fail(n, "write four octal digits in quotes: '0644'", "%s is no file mode; cloud-init would ignore it", path)
	}
}

// fileContent decodes what write_files is to decode.
func fileContent(j *judge, path string, n *yaml.Node) {
	content, encoding := given(n, "content"), given(n, "encoding")
	if content == nil || encoding == nil || formOf(content) != text || content.ShortTag() == "!!binary" {
		return
	}
	data := []byte(content.Value)
	e := encoding.Value
	if strings.HasSuffix(e, "b64") || strings.HasSuffix(e, "base64") {
		plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content.Value), ""))
		if err != nil {
			// Python passes over characters that are not of the alphabet.
			readable := len(notBase64.ReplaceAllString(content.Value, ""))%4 == 0
			j.add(content, readable, "encode it (base64encode(), or base64gzip() for gz+b64), or leave encoding out", "%s.content is not base64, as encoding says", path)
			return
		}
		data = plain
	}
	if strings.HasPrefix(e, "gz") && !gzipped(data) {
		j.fail(content, "encode it (base64gzip() gives gz+b64), or name its encoding rightly", "%s.content is not compressed, as encoding says", path)
	}
}

func gzipped(data []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return false
	}
	_, err = io.CopyN(io.Discard, z, 1)
	return err == nil || err == io.EOF
}

func delay(j *judge, path string, n *yaml.Node) {
	switch f := formOf(n); {
	case f == integer && strings.HasPrefix(n.Value, "-"):
		j.fail(n, "write now, or minutes", "%s is a time that has passed", path)
	case f == text && waitForm.MatchString(n.Value):
		j.age(path+" as text", n, age{deprecated: "22.3", instead: "write the number of minutes without quotes"})
	case f == text && n.Value != "now":
		j.fail(n, "write now, or a number of minutes", "%s is neither now nor a number of minutes", path)
	}
}

func growMode(j *judge, path string, n *yaml.Node) {
	if formOf(n) == boolean && truth(n.Value) {
		j.fail(n, "write auto", "%s cannot be true", path)
	}
}

func swapSize(words ...string) func(*judge, string, *yaml.Node) {
	return func(j *judge, path string, n *yaml.Node) {
		if formOf(n) != text || swapForm.MatchString(n.Value) || len(words) > 0 && n.Value == words[0] {
			return
		}
		if size := strings.TrimSuffix(strings.ReplaceAll(n.Value, " ", ""), "B"); swapForm.MatchString(size) {
			j.warn(n, "write 2G for 2GB", "%s is a size that cloud-init takes, but its schema refuses", path)
			return
		}
		j.fail(n, "write bytes, or a number with one of B, K, M, G, T behind it: 2G", "%s is no size that cloud-init knows", path)
	}
}

func tagList(j *judge, path string, n *yaml.Node) {
	if formOf(n) == text && !tagListForm.MatchString(n.Value) {
		j.fail(n, "write names with commas between them and no blanks", "%s is no list of tags", path)
	}
}

func hostName(j *judge, path string, n *yaml.Node) {
	if formOf(n) == text && (!hostForm.MatchString(n.Value) || len(n.Value) > 253) {
		j.warn(n, "use letters, digits, dashes and dots", "%s is not a host name; the machine may refuse it", path)
	}
}

// timeZone: a zone may be newer than what is known here.
func timeZone(j *judge, path string, n *yaml.Node) {
	const advice = "write a name from /usr/share/zoneinfo: Europe/Berlin"
	if formOf(n) != text {
		return
	}
	if strings.ContainsAny(n.Value, " \t") || strings.HasPrefix(n.Value, "/") || n.Value == "" {
		j.fail(n, advice, "%s is no time zone", path)
		return
	}
	name := strings.TrimPrefix(strings.TrimPrefix(n.Value, "posix/"), "right/")
	if _, err := time.LoadLocation(name); err != nil {
		j.warn(n, advice, "%s is a time zone that is not known here; without it cloud-init fails to set one", path)
	}
}

func hostKeys(j *judge, path string, n *yaml.Node) {
	for _, p := range pairs(n) {
		switch {
		case !hostKeyForm.MatchString(p.key.Value):
			j.fail(p.key, "write rsa_private, rsa_public, ed25519_private …", "%s is no host key that cloud-init knows", join(path, p.key))
		case strings.HasPrefix(p.key.Value, "dsa_"):
			j.age(join(path, p.key), p.key, age{removed: "24.1", instead: "leave it out"})
		}
	}
}

// publicKeys looks for what is no public key.
func publicKeys(j *judge, path string, n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		publicKey(j, path, n)
		return
	}
	for i, item := range n.Content {
		if item = resolve(item); item.Kind == yaml.ScalarNode && n.Kind == yaml.SequenceNode {
			publicKey(j, path+"["+strconv.Itoa(i)+"]", item)
		}
	}
}

func publicKey(j *judge, path string, n *yaml.Node) {
	key := strings.TrimSpace(n.Value)
	switch {
	case formOf(n) != text:
	case strings.Contains(key, "PRIVATE KEY"):
		j.fail(n, "give the public key (the file that ends in .pub), and make a new pair: this one has been shown", "%s is a private key", path)
	case strings.HasPrefix(key, "/"), strings.HasPrefix(key, "~"):
		j.fail(n, "give what is in it: file(\"…\")", "%s is the name of a file, which cloud-init does not read", path)
	case strings.HasPrefix(key, "gh:"), strings.HasPrefix(key, "lp:"):
		j.fail(n, "write it below ssh_import_id", "%s is a name to import keys of, not a key", path)
	case key == "":
		j.warn(n, "leave it out", "%s is empty", path)
	case !strings.HasPrefix(key, "#") && !keyForm.MatchString(key):
		j.fail(n, "write it as in a .pub file: type, key, comment", "%s is not a line of authorized_keys; cloud-init would leave it out in silence", path)
	}
}

// packageName looks for several names in one text: they are quoted for the package
// manager, and there is no package of such a name.
func packageName(j *judge, path string, n *yaml.Node) {
	if name := strings.TrimSpace(n.Value); formOf(n) == text && (strings.Contains(name, ",") || plainPackages.MatchString(name)) {
		j.fail(n, "give each an item of its own: [curl, wget]", "%s names more than one package, which cloud-init takes for one name", path)
	}
}

// sudoRule: what stands behind the user's name in sudoers. A line there that is none
// keeps sudo from working for everybody.
func sudoRule(j *judge, path string, n *yaml.Node) {
	const advice = "write it as in sudoers behind the name: ALL=(ALL) NOPASSWD:ALL"
	switch f := formOf(n); {
	case f == boolean && truth(n.Value):
		j.fail(n, advice, "%s cannot be true; cloud-init fails on it, and makes no user after it", path)
	case f == boolean:
		j.age(path+" as a boolean", n, age{deprecated: "22.2", instead: "leave it out, or write null"})
	case f == text && !strings.Contains(n.Value, "="):
		j.fail(n, advice, "%s is no rule of sudoers, which breaks sudo for all users", path)
	case f == list:
		for i, item := range n.Content {
			sudoRule(j, path+"["+strconv.Itoa(i)+"]", resolve(item))
		}
	}
}

// namedUsers: users may be a mapping by name, whose values are settings or true.
func namedUsers(j *judge, path string, n *yaml.Node) {
	if formOf(n) != mapping {
		return
	}
	for _, p := range pairs(n) {
		if f := formOf(p.value); f != unknown && f != mapping && (f&(text|boolean) == 0 || !truth(p.value.Value)) {
			j.fail(p.key, "begin each user with `- name: …`", "%s: below users without dashes stand the users' names, and this is not taken for one", join(path, p.key))
			return
		}
	}
}

func filePath(j *judge, path string, n *yaml.Node) {
	if formOf(n) == text && strings.HasPrefix(n.Value, "~") {
		j.fail(n, "write it as /home/NAME/…", "%s begins with ~, which cloud-init takes for a directory of this name in /", path)
	}
}

// mountPoint is the second field of a line for fstab.
func mountPoint(j *judge, path string, n *yaml.Node) {
	if n.Kind != yaml.SequenceNode || len(n.Content) < 2 {
		return
	}
	switch at := resolve(n.Content[1]); {
	case formOf(at) != text, strings.HasPrefix(at.Value, "/"), at.Value == "", slices.Contains([]string{"none", "swap", "None"}, at.Value):
	default:
		j.fail(at, "write it as /srv, or none for swap", "%s[1] is a mount point that is no absolute path", path)
	}
}
