// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

// ownWays are good documents of which a real cloud-init's schema complains, and why
// they are good all the same.
var ownWays = map[string]string{
	"gateway on the link":    "on-link is netplan's, and of every renderer of cloud-init",
	"what is netplan's own":  "netplan's sections; where it is not asked, cloud-init passes over them",
	"anchors beside network": "only what is below network is read",
}

// What stands in the tables as right is right to the real cloud-inits.
func TestAccGoodDocumentsPassCloudInit(t *testing.T) {
	if os.Getenv("PACKER_ACC") == "" {
		t.Skip("acceptance tests run with PACKER_ACC=1; call `make acc`")
	}
	bookworm, trixie := foreign.NewCloudInit(t, "bookworm"), foreign.NewCloudInit(t, "trixie")
	if bookworm == nil || trixie == nil {
		t.Skip("no cloud-init on this host")
	}
	judges := map[schema.Version]*foreign.CloudInit{}
	for _, c := range []*foreign.CloudInit{bookworm, trixie} {
		version, _ := schema.ParseVersion(c.Version(t))
		judges[version] = c
	}
	for _, d := range documents(t, "*-good.txt") {
		if ownWays[d.name] != "" || d.seed.MetaData.Given() || classify(d.text) == jinja {
			continue
		}
		if d.seed.NetworkConfig.Given() {
			if valid, said := trixie.Schema(t, d.text, "--schema-type", "network-config"); !valid {
				t.Errorf("%s: %s: %s", d.name, trixie.Version(t), said)
			}
			continue
		}
		for name, c := range judges {
			told := slices.ContainsFunc(d.seed.CheckFor(name).Warnings(), func(p Problem) bool { return strings.Contains(p.Text, "is deprecated") })
			if valid, said := c.Schema(t, d.text); !valid {
				t.Errorf("%s: %s: %s", d.name, name, said)
			} else if !told && strings.Contains(strings.ToLower(said), "deprecated") {
				t.Errorf("%s: %s accepts it, but says: %s", d.name, name, said)
			}
		}
	}
}

// bolder are pieces of errors about what the real schema lets pass: it looks less
// closely than what acts on the document, which would do nothing or something else.
var bolder = []string{
	"is not a password's hash", "is a password that everybody can read", "is a private key", "is the name of a file",
	"is a name to import keys of", "has both ssh_redirect_user", "is no file mode", "is not base64", "is not compressed",
	"is no time zone", "is not a line of authorized_keys", "is no rule of sudoers", "sudo cannot be true", "below users without dashes",
	"is not a name that a user can have",
}

// What is an error in the tables, the newest real cloud-init refuses, too.
func TestAccBadDocumentsFailCloudInit(t *testing.T) {
	if os.Getenv("PACKER_ACC") == "" {
		t.Skip("acceptance tests run with PACKER_ACC=1; call `make acc`")
	}
	trixie := foreign.NewCloudInit(t, "trixie")
	if trixie == nil {
		t.Skip("no cloud-init on this host")
	}
	for _, d := range documents(t, "cloud-config-bad.txt") {
		errs := d.seed.Check().Errors()
		known := slices.ContainsFunc(bolder, func(b string) bool { return len(errs) > 0 && strings.Contains(errs[0].Text, b) })
		if len(errs) == 0 || known || !strings.HasPrefix(d.text, "#cloud-config\n") {
			continue
		}
		if valid, said := trixie.Schema(t, d.text); valid {
			t.Errorf("%s: refused, which %s accepts: %s\n%s", d.name, trixie.Version(t), errs[0].Error(), said)
		}
	}
}
