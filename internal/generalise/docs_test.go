// SPDX-License-Identifier: MPL-2.0

package generalise_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/generalise"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/golden"
)

// TestPage keeps docs/generalise.md in step with the catalogue; -update writes it.
func TestPage(t *testing.T) {
	golden.Compare(t, "../../docs/generalise.md", page())
}

const pageHead = `# What generalise removes

<!-- Made by "make generate" from internal/generalise: change that. -->

` + "`generalise = true`" + ` of the provisioner ` + "`diskimage-nocloud`" + ` makes a machine a template for many: it carries
out the operations marked *yes* below, %d of %d. The list ` + "`generalise_operations`" + ` chooses others, and needs no switch beside it:

` + "```text" + `
generalise_operations = ["default", "hostname", "-logs"]   # all marked yes, and hostname, but not logs
generalise_operations = ["-machine-id"]                    # all marked yes but one
generalise_operations = ["ssh-host-keys", "journal"]       # these two
generalise_operations = ["all", "-first-boot"]
generalise_dry_run    = true                               # says what would go, changes nothing
` + "```" + `

A second run changes nothing. An operation whose paths are missing does nothing, so all can be chosen on
any distribution. Symbolic links are never followed: a link that is named goes itself, and a directory that is reached
through one is left alone, which is said. Mount points, and what has one below it, stay. The seed stays whole: it
was installed before.

With the builder ` + "`diskimage`" + ` the script runs at the very end, after ` + "`cleanup.d`" + `, on the finished file
systems with all mount points: until then phases need /tmp, caches and name servers that are not the image's own.
What it did, or would do, is shown below ` + "`repeat/nocloud-generalise-…`" + `: several provisioners with different
operations have a script each, so all are done that any of them names. Element
[sysprep](../elements/sysprep/README.md) does what ` + "`machine-id`" + ` and ` + "`iscsi-initiator`" + ` do, for builds without
a provisioner; both together do no harm. The builder itself empties /tmp and truncates /var/log in every build.

On a running machine (any other builder, over ssh) use it in the last provisioner. Not possible there: what the
shutdown writes (the random seed, login records, the clock, leases of some DHCP clients) comes after it, an open
shell writes its history when it ends, and journald goes on until the machine is off. Column *running machine* has
what is different.

| Operation | What goes | Default | Why | Families | Running machine |
|---|---|---|---|---|---|
`

func page() string {
	var rows strings.Builder
	defaults := 0
	for _, op := range generalise.Catalogue() {
		is := "no"
		if op.Default {
			is = "**yes**"
			defaults++
		}
		families := make([]string, len(op.Families))
		for i, f := range op.Families {
			families[i] = string(f)
		}
		what := make([]string, len(op.Actions))
		for i, a := range op.Actions {
			what[i] = describe(a)
		}
		fmt.Fprintf(&rows, "| `%s` | %s: %s | %s | %s | %s | %s |\n", op.Name, op.What, strings.Join(what, "; "), is, op.Why,
			strings.Join(families, ", "), op.Live)
	}
	return fmt.Sprintf(pageHead, defaults, len(generalise.Catalogue())) + rows.String()
}

// describe is an action for people.
func describe(a generalise.Action) string {
	in := "`" + a.Dir + "`"
	names := "`" + strings.Join(a.Names, "`, `") + "`"
	if strings.Join(a.Names, " ") == "* .[!.]* ..?*" {
		names = "everything"
	}
	switch a.Verb {
	case generalise.Remove:
		if len(a.Names) == 1 {
			return "`" + path.Join(a.Dir, a.Names[0]) + "`"
		}
		return names + " in " + in
	case generalise.Truncate:
		return names + " in " + in + " (emptied)"
	case generalise.RemoveBelow:
		return "files " + names + " below " + in
	case generalise.EmptyLogs:
		return "all below " + in + " but " + names
	case generalise.RemoveAtHome:
		return names + " of every user"
	case generalise.RemoveGenerated:
		return names + " in " + in + " that say cloud-init made them"
	case generalise.DropLines:
		return "lines `" + strings.Join(a.Names[1:], "`, `") + "` of `" + path.Join(a.Dir, a.Names[0]) + "`"
	}
	return in + " " + a.Text
}
