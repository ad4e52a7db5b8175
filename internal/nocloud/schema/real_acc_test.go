// SPDX-License-Identifier: MPL-2.0

package schema

import (
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
)

// Stricter than cloud-init's own schema we are only where it looks less closely
// than what acts on the document.
var stricter = []struct{ message, why string }{
	{"is not compressed, as encoding says", "the schema does not decode; write_files fails"},
	{"is not base64, as encoding says", "the schema does not decode; write_files fails"},
	{"is not a password's hash", "nobody can log in"},
	{"is no time zone", "there is no such file"},
	{"has both ssh_redirect_user and", "the module raises an error"},
	{"is neither now nor a number", "the schema of 22.4 lets some pass that shutdown refuses"},
	{"is a name to import keys of", "it is written as a key"},
	{"has no password", "an empty password is refused by chpasswd"},
	// network-config
	{"is not an IP address", "its schema takes any text"},
	{"is not a network", "its schema takes any text"},
	{"is not a netmask", "its schema takes any text"},
	{"is not a MAC address", "its schema takes any text"},
	{"has the name of", "one of the two is lost"},
	{"set-name has no match", "netplan refuses it"},
	{"names no members", "the bond never comes up"},
	{"has no bond_interfaces", "cloud-init passes over the entry"},
	{"has no address", "cloud-init has nothing to configure"},
	{"has no type", "cloud-init raises an error"},
	{"has no id", "netplan refuses it"},
	{"has no link", "netplan refuses it"},
	{"is not the number of a VLAN", "netplan refuses it"},
	{"15 characters", "the kernel refuses it"},
	{"is not the name of an interface", "the kernel refuses it"},
	{"is not a key of cloud-init", "devices of version 2 are open in its schema, and netplan refuses what is misspelt"},
	{"is a key that cloud-init ignores here", "devices of version 2 are open in its schema; version 1's keys are not read there"},
	{"set-name is", "devices of version 2 are open in its schema, and netplan refuses it"},
	{"is not a value that cloud-init knows", "netplan's values, which the schema leaves to it"},
}

// laxer are complaints of cloud-init's schema about what its documentation says is
// right, and its code takes.
var laxer = regexp.MustCompile(strings.Join([]string{
	`fs_setup\.\d+\.partition: \d+ is not`,        // documented as number or text
	`routes\.\d+: Additional properties`,          // those of netplan, and prefix
	`netmask: \d+ is not of type`,                 // a prefix length is as good
	`is not valid under any|'loopback'|'static4'`, // types that its code knows
	`'(prefix|scope|pointopoint|metric|mtu|id|accept-ra|optional|wakeonlan|keep_configuration)'`, // keys that its code reads
	`bond-mode: \d|params\.bridge_`, // values that are the kernel's
}, "|"))

// What either real cloud-init accepts is not refused here; what both refuse is
// refused or warned of.
func TestAccSchemaAgreesWithCloudInit(t *testing.T) {
	bookworm, trixie := judges(t)
	g := generator{rand.New(rand.NewPCG(1, 2)), 0}
	var refused, accepted int
	for i := range 120 {
		g.wrong = i % 2 * 15
		text, root := document(t, g.mapping(cloudConfig, 0))
		oldValid, oldSaid := bookworm.Schema(t, "#cloud-config\n"+text)
		newValid, newSaid := trixie.Schema(t, "#cloud-config\n"+text)
		errs, warnings := grades(CloudConfig(root, Options{PlainPasswords: true}))
		oldValid = oldValid && knownIn224(root)
		if oldValid || newValid {
			accepted++
		} else {
			refused++
		}
		compare(t, text, oldValid || newValid, oldSaid+"\n"+newSaid, errs, warnings)
	}
	if accepted < 30 || refused < 30 {
		t.Errorf("%d accepted and %d refused are too few to say something", accepted, refused)
	}
}

// The same for network-config, of which 22.4 has no schema.
func TestAccNetworkSchemaAgreesWithCloudInit(t *testing.T) {
	_, trixie := judges(t)
	g := generator{rand.New(rand.NewPCG(3, 4)), 0}
	var refused, accepted int
	for i := range 120 {
		g.wrong = i % 2 * 10
		config := g.network(i%4 < 2)
		text, root := document(t, config)
		valid, said := trixie.Schema(t, text, "--schema-type", "network-config")
		errs, warnings := grades(NetworkConfig(root, Options{}))
		if valid {
			accepted++
		} else {
			refused++
		}
		compare(t, text, valid, said, errs, warnings)
	}
	if accepted < 20 || refused < 15 {
		t.Errorf("%d accepted and %d refused are too few to say something", accepted, refused)
	}
}

func judges(t *testing.T) (bookworm, trixie *foreign.CloudInit) {
	t.Helper()
	if os.Getenv("PACKER_ACC") == "" {
		t.Skip("acceptance tests run with PACKER_ACC=1; call `make acc`")
	}
	bookworm, trixie = foreign.NewCloudInit(t, "bookworm"), foreign.NewCloudInit(t, "trixie")
	if bookworm == nil || trixie == nil {
		t.Skip("no cloud-init on this host")
	}
	return bookworm, trixie
}

func document(t *testing.T, content any) (string, *yaml.Node) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	return string(text), n.Content[0]
}

// knownIn224 says whether all top-level keys are in the schema of 22.4, which
// accepts any other without a look.
func knownIn224(root *yaml.Node) bool {
	for _, p := range pairs(root) {
		t, known := cloudConfig.keys[p.key.Value]
		if !known || t.misplaced != "" || oldest.Before(release(t.age.since)) ||
			strings.Contains(" merge_how merge_type launch-index output system_info version ", " "+p.key.Value+" ") {
			return false
		}
	}
	return true
}

func grades(found []Finding) (errs, warnings []string) {
	for _, f := range found {
		if f.Warning {
			warnings = append(warnings, f.Text)
		} else {
			errs = append(errs, f.Text)
		}
	}
	return errs, warnings
}

func compare(t *testing.T, text string, valid bool, said string, errs, warnings []string) {
	t.Helper()
	if valid {
		for _, e := range errs {
			if !deliberate(e) {
				t.Errorf("refused, which cloud-init accepts: %s\n%s", e, text)
			}
		}
	} else if len(errs)+len(warnings) == 0 && !laxer.MatchString(said) {
		t.Errorf("accepted without a word, which cloud-init refuses: %s\n%s", said, text)
	}
}

func deliberate(message string) bool {
	for _, s := range stricter {
		if strings.Contains(message, s.message) {
			return true
		}
	}
	return false
}
