// SPDX-License-Identifier: MPL-2.0

package seedconfig

import (
	"regexp"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/shacrypt"
)

var (
	anyHash = regexp.MustCompile(`^\$[0-9a-z]+\$[!-9;-~]+$`)
	// defaultHash are the hashes that every cloud-init knows for one in `password`;
	// all else it takes for the password itself.
	defaultHash = regexp.MustCompile(`^\$(1|2a|2y|5|6)(\$[^$]+){2,}$`)
	looksHashed = regexp.MustCompile(`^\$(1|2[abxy]?|5|6|7|y|gy)\$[./0-9A-Za-z=,$]{20,}$`)
)

// maxPassword is the longest that PAM and crypt(3) take, in bytes.
const maxPassword = 511

// checkPassword checks a password and its hash, whose attributes begin with prefix.
func checkPassword(wrong *problems, prefix, password, hashed string) {
	switch {
	case password != "" && hashed != "":
		wrong.add(prefix+"hashed_password", prefix+"password is set, too", "give one of them")
	case strings.ContainsAny(password, "\n\r\x00"):
		wrong.add(prefix+"password", "a password with a line end, which nobody could type", "remove it (in HCL: trimspace())")
	case len(password) > maxPassword:
		wrong.add(prefix+"password", "longer than 511 bytes", "choose a shorter one")
	case looksHashed.MatchString(password):
		wrong.add(prefix+"password", "this is a password's hash", "give it as "+prefix+"hashed_password")
	}
	wrong.match(prefix+"hashed_password", hashed, anyHash, "not a password's hash", "make one by `openssl passwd -6`, or set "+prefix+"password")
}

// hideSecrets has all passwords and their hashes replaced in what this plugin logs
// and says.
func (c *Config) hideSecrets() {
	c.eachText(func(_, leaf string, value *string) {
		if strings.HasSuffix(leaf, "password") && known(*value) != "" {
			packersdk.LogSecretFilter.Set(*value)
		}
	})
}

// hash hashes a password. The salt is derived, so that the same template always
// gives the same seed, from what tells this seed from others and is no secret; it
// says nothing about the password.
func (c *Config) hash(user, password string) string {
	salt := shacrypt.Salt(append([]string{"packer-plugin-diskimage", user}, c.identity()...)...)
	key := salt + password
	if hash, made := c.hashes[key]; made {
		return hash
	}
	if c.hashes == nil {
		c.hashes = map[string]string{}
	}
	c.hashes[key] = shacrypt.Hash(password, salt)
	return c.hashes[key]
}

// identity is what tells this seed from others.
func (c *Config) identity() []string {
	id := c.InstanceID
	if id == randomID {
		id = "" // or every build would have other hashes
	}
	texts := []string{id, c.Hostname, c.FQDN}
	texts = slices.Concat(texts, c.SSHAuthorizedKeys, c.Packages)
	for _, u := range c.Users {
		texts = slices.Concat(texts, []string{u.Name, u.Gecos}, u.SSHAuthorizedKeys, u.SSHImportID)
	}
	for _, f := range c.WriteFiles {
		texts = append(texts, f.Path)
	}
	return texts
}
