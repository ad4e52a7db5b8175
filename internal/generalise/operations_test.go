// SPDX-License-Identifier: MPL-2.0

package generalise_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/foreign"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/generalise"
)

// shells are those in which scripts are tried, by the words that start them. Two are
// nobody's /bin/sh and cannot: yash sees no names that are not text, and to posh
// "$@" is unset when it is empty.
func shells(t *testing.T) map[string]string {
	found := map[string]string{}
	for _, s := range foreign.Shells(t) {
		if s.Name != "yash" && s.Name != "posh" {
			found[s.Name] = strings.Join(s.Command, " ")
		}
	}
	return found
}

// want is what operations do to a tree: the tree afterwards, and their words.
func want(list []fixture, names []string, before map[string]string) (after map[string]string, does []string) {
	after = maps.Clone(before)
	for _, f := range list {
		if slices.ContainsFunc(f.operations, func(op string) bool { return slices.Contains(names, op) }) {
			does = append(does, f.apply(after)...)
		}
	}
	slices.Sort(does)
	return after, does
}

// said are the words of a dry run, without the operations' names.
func said(report generalise.Report) (does []string) {
	for _, line := range report.Would {
		_, what, _ := strings.Cut(line, " ")
		does = append(does, what)
	}
	slices.Sort(does)
	return does
}

// check tries one choice of operations on a tree as it was before: a dry run says
// what goes and leaves it to the run, which changes that and nothing else. The run
// does all twice, and has nothing to do the second time.
func check(t *testing.T, shell, root string, before map[string]string, list []fixture, names ...string) {
	t.Helper()
	after, does := want(list, names, before)
	request := generalise.Request{Operations: choose(t, names...), Root: root, DryRun: true}
	dry := mustRun(t, shell, request)
	if diff := cmp.Diff(does, said(dry)); diff != "" {
		t.Errorf("%s %v: the dry run says (-want +got):\n%s", shell, names, diff)
	}
	request.DryRun = false
	request.Operations = slices.Concat(request.Operations, request.Operations)
	did := mustRun(t, shell, request)
	if diff := cmp.Diff(dry.Counts, did.Counts); diff != "" || did.Total() != len(does) {
		t.Errorf("%s %v: counted %v, and %v in the dry run; want %d", shell, names, did.Counts, dry.Counts, len(does))
	}
	if got := snapshot(t, root); !maps.Equal(got, after) {
		diff := cmp.Diff(after, got)
		t.Errorf("%s %v: afterwards (-want +got):\n%s", shell, names, diff)
	}
}

// Each operation does to a machine of each family what the table says, and
// nothing else.
func TestEachOperation(t *testing.T) {
	needRoot(t)
	list := fixtures(t)
	for _, family := range generalise.Families() {
		t.Run(string(family), func(t *testing.T) {
			t.Parallel()
			root, mine := t.TempDir(), of(list, family)
			for _, f := range mine {
				f.make(t, root)
			}
			pristine := snapshot(t, root)
			for _, op := range generalise.Catalogue() {
				check(t, "sh", root, pristine, mine, op.Name)
				for _, f := range mine {
					if slices.Contains(f.operations, op.Name) {
						f.make(t, root)
					}
				}
			}
		})
	}
}

// All at once, in every shell. Those that treat the same file differently are
// tried one by one above.
func TestAllOperations(t *testing.T) {
	needRoot(t)
	list := fixtures(t)
	for name, shell := range shells(t) {
		for i, family := range generalise.Families() {
			if i > 0 && strings.Contains(name, "ksh") {
				continue // they are slow
			}
			t.Run(name+" "+string(family), func(t *testing.T) {
				t.Parallel()
				root, mine := t.TempDir(), of(list, family)
				for _, f := range mine {
					f.make(t, root)
				}
				var names []string
				for _, op := range generalise.Catalogue() {
					if op.Name != "first-boot" && op.Name != "abrt-data" && op.Name != "network-connections" {
						names = append(names, op.Name)
					}
				}
				check(t, shell, root, snapshot(t, root), mine, names...)
			})
		}
	}
}

// Every pattern of the catalogue has an example in the table, for each of the
// operation's families there is one, and the table names no other operations.
func TestTableIsComplete(t *testing.T) {
	list := fixtures(t)
	var names []string
	for _, op := range generalise.Catalogue() {
		names = append(names, op.Name)
		mine := slices.DeleteFunc(slices.Clone(list), func(f fixture) bool { return !slices.Contains(f.operations, op.Name) })
		for _, family := range op.Families {
			if len(of(mine, family)) == 0 {
				t.Errorf("%s has no example for %s", op.Name, family)
			}
		}
		for _, f := range mine {
			for _, family := range generalise.Families() {
				if strings.Contains(f.families, string(family)[:1]) && !slices.Contains(op.Families, family) {
					t.Errorf("%s has an example for %s, of which the catalogue does not know: %s", op.Name, family, f.path)
				}
			}
		}
		for _, a := range op.Actions {
			checkExamples(t, op.Name, a, mine)
		}
	}
	for _, f := range list {
		for _, op := range f.operations {
			if op != "-" && !slices.Contains(names, op) {
				t.Errorf("the table names an unknown operation %s", op)
			}
		}
	}
}

func checkExamples(t *testing.T, op string, a generalise.Action, mine []fixture) {
	patterns := a.Names
	switch a.Verb {
	case generalise.Special:
		patterns = nil
	case generalise.EmptyLogs:
		return
	case generalise.DropLines:
		patterns = a.Names[:1]
	}
	for _, pattern := range patterns {
		pattern = strings.ReplaceAll(pattern, "[!", "[^")
		if !slices.ContainsFunc(mine, func(f fixture) bool {
			return slices.ContainsFunc(f.entries(), func(p string) bool { return isExample(a, pattern, strings.TrimSuffix(p, "/")) })
		}) {
			t.Errorf("%s: the table has no example of %s in %q", op, pattern, a.Dir)
		}
	}
}

func isExample(a generalise.Action, pattern, file string) bool {
	switch a.Verb {
	case generalise.RemoveAtHome:
		return strings.HasSuffix(file, "/"+pattern)
	case generalise.RemoveBelow:
		ok, err := path.Match(pattern, path.Base(file))
		return err == nil && ok && strings.HasPrefix(file, a.Dir+"/")
	}
	ok, err := path.Match(pattern, path.Base(file))
	return err == nil && ok && path.Dir(file) == a.Dir
}
