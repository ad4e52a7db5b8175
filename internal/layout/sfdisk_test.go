// SPDX-License-Identifier: MPL-2.0

package layout

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sfdiskScripts are understood by today's sfdisk as well, which judges.
var sfdiskScripts = map[string]string{
	"default":           DefaultSfdisk,
	"empty entries":     "2048 + L *\n0 0;\n0 0;\n0 0;",
	"old, with commas":  "2048,30000,L,*\n32768,,L",
	"old, with blanks":  "  2048,30000,L *\n  34816,,S\n  0 0;\n",
	"semicolons":        "2048;30000;83;*\n32048;;82",
	"no start":          ",50M,L,*\n,,S",
	"odd sizes":         "3000,20M,L\n,2000K\n,3MB",
	"not aligned":       "63,,L,*",
	"named":             "start=2048, size=40960, type=83, bootable\nstart=43008, size=40960, type=82\n",
	"a dump":            "label: dos\ndevice: /dev/loop0\nunit: sectors\n\n/dev/loop0p1 : start= 2048, size= 40960, Id=83, bootable\n/dev/loop0p2 : start= 43008, size= 40960, Id=82",
	"gpt":               "label: gpt\n,8MiB,21686148-6449-6E6F-744E-656564454649\n,,L",
	"gpt with names":    "label: gpt\nstart=2048, size=8M, type=U, name=ESP\ntype=linux, name=\"my-root\"",
	"first lba, grain":  "label: gpt\nfirst-lba: 4096\n,20M,L\n,,L",
	"not in disk order": "65536,,L,*\n2048,32768,L",
	"four":              ",10M\n,10M,S\n,10M,V\n,10M,fd",
}

// What the engine makes of a script is what sfdisk makes of it.
func TestSfdiskScriptsMeanWhatSfdiskMeans(t *testing.T) {
	program, err := exec.LookPath("sfdisk")
	if err != nil {
		t.Skip("sfdisk is not installed")
	}
	for name, script := range sfdiskScripts {
		for _, size := range []int64{100 << 20, 64<<20 + 3*65536} {
			l, err := ParseSfdisk(script, "amd64", Defaults{RootFS: "ext4"})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			placed, err := l.Place(size)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			judged := runSfdisk(t, program, script, size)
			if kind := map[string]string{MBR: "dos", GPT: "gpt"}[l.Table.Kind]; judged.Label != kind {
				t.Errorf("%s: a table %s, sfdisk makes %s", name, kind, judged.Label)
			}
			if len(judged.Partitions) != len(placed.Partitions) {
				t.Errorf("%s: %d partitions, sfdisk makes %d", name, len(placed.Partitions), len(judged.Partitions))
				continue
			}
			for i, want := range judged.Partitions {
				got, part := placed.Partitions[i], l.Table.Partitions[i]
				kind := strings.ToLower(part.Type)
				if l.Table.Kind == GPT {
					kind, _ = TypeGUID(part.Type)
				}
				if got.Start != want.Start*512 || got.Bytes != want.Size*512 || kind != want.Type || part.Boot != want.Bootable {
					t.Errorf("%s on %d bytes, partition %d: start %d size %d type %s %v, sfdisk says %+v",
						name, size, i+1, got.Start/512, got.Bytes/512, kind, part.Boot, want)
				}
				if want.Name != "" && want.Name != part.Name {
					t.Errorf("%s: name %q, sfdisk says %q", name, part.Name, want.Name)
				}
			}
		}
	}
}

type sfdiskTable struct {
	Label      string
	Partitions []struct {
		Start, Size int64
		Type, Name  string
		Bootable    bool
	}
}

func runSfdisk(t *testing.T, program, script string, size int64) sfdiskTable {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-q", "--no-tell-kernel", file)
	cmd.Stdin = strings.NewReader(script + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk refuses %q: %v\n%s", script, err, out)
	}
	out, err := exec.Command(program, "--json", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ PartitionTable sfdiskTable }
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.PartitionTable
}

func TestSfdiskRoot(t *testing.T) {
	for _, tc := range []struct{ script, arch, root, note string }{
		{"2048,8192,L\n,,L", "amd64", "root", "partition 2 stays empty"},
		{"2048,8192,41\n,,L", "ppc64el", "root", "partition 1 stays empty"},
		{"label: gpt\ntype=L, name=system", "amd64", "system", ""},
	} {
		l, err := ParseSfdisk(tc.script, tc.arch, Defaults{RootFS: "xfs", RootLabel: "mine"})
		if err != nil {
			t.Fatal(err)
		}
		root := l.Root()
		if root.Base != tc.root || root.Type != "xfs" || root.Label != "mine" {
			t.Errorf("%q: root %+v", tc.script, root)
		}
		if notes := strings.Join(l.Warnings, "\n"); !strings.Contains(notes, tc.note) || tc.note == "" && notes != "" {
			t.Errorf("%q: notes %q", tc.script, notes)
		}
		if want := "LABEL=mine / xfs defaults 0 1\n"; l.Fstab() != want {
			t.Errorf("fstab %q", l.Fstab())
		}
	}
}

func TestSfdiskErrorsNameLineAndWayOut(t *testing.T) {
	for script, words := range map[string][]string{
		"":                                      {"no partition", DefaultSfdisk},
		"# nothing\n\n":                         {"no partition"},
		"0 0;":                                  {"no partition"},
		"mklabel gpt":                           {"line 1", `"mklabel"`, "not a number of sectors"},
		"2048,10000,L *\n10248,,L\n0 0;":        {"line 2", "overlaps partition 1", "2048 to 12047"},
		"2048,,L\n,,L":                          {"line 2", "nothing is left after partition 1"},
		"2048,,L\n4096,2048":                    {"line 2", "overlaps partition 1", "from sector 2048 on"},
		"2048,x,L":                              {"line 1", `"x"`, "not a number"},
		"2048,10Q,L":                            {"line 1", `"10Q"`},
		"2048,999999999999999999,L":             {"line 1", "larger than any disk"},
		"2048,100,zz":                           {"line 1", `"zz"`, "not a type"},
		"2048,100,E":                            {"line 1", "logical", "label: gpt"},
		"2048,100,0x5":                          {"line 1", "logical"},
		"2048,100,L,x":                          {"line 1", `"x"`, "bootable"},
		"2048,100,L,*,0,0":                      {"line 1", "6 fields"},
		"0,100,L":                               {"line 1", "partition table lies", "2048"},
		"label: gpt\n33,100,L":                  {"line 2", "partition table lies"},
		"label: sun\n,,L":                       {"line 1", `"sun"`, "dos or gpt"},
		"label: gpt\n,,EF00":                    {"line 2", `"EF00"`, "GUID"},
		"unit: MiB\n1,10":                       {"line 1", `"MiB"`, "suffix"},
		",,L\nlabel: gpt":                       {"line 2", "before the first partition"},
		"lable: gpt\n,,L":                       {"line 1", `"lable"`, "neither a header"},
		"sector-size: 4096\n,,L":                {"line 1", "DIB_BLOCK_SIZE"},
		"grain: 1000B\n,,L":                     {"line 1", `"1000B"`},
		"0 0;\n2048,,L":                         {"line 2", "empty entry", "to the end"},
		",1M\n,1M\n,1M\n,1M\n,1M":               {"line 5", "fifth partition", "label: gpt"},
		"start=2048, seize=3":                   {"line 1", `"seize"`, "not a field"},
		"x2 : start=2048":                       {"line 1", "partition 2", "partition 1 is due"},
		"label: gpt\nname=a,size=1M\nname=a":    {"two partitions", `"a"`},
		"label: gpt\nname=\"white space\"":      {"line 2", `"white space"`},
		"label: gpt\nsize=1M,name=\"a\\\"]=b\"": {"line 2"},
	} {
		_, err := ParseSfdisk(script, "amd64", Defaults{})
		if err == nil {
			t.Errorf("%q is accepted", script)
			continue
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q: %q is not in: %v", script, word, err)
			}
		}
	}
}

func TestSfdiskOnADiskTooSmall(t *testing.T) {
	for _, script := range []string{"2048,400000,L", "label: gpt\n2048,400000,L", "400000,,L", "label: gpt\n400000,,L"} {
		l, err := ParseSfdisk(script, "amd64", Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Place(100 << 20); err == nil || !strings.Contains(err.Error(), "does not fit") {
			t.Errorf("%q: %v", script, err)
		}
	}
}

// The computed size is the smallest on which the root has what it needs.
func TestSfdiskSize(t *testing.T) {
	l, err := ParseSfdisk("2048,40960,S\n", "ppc64el", Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ComputeSize(SizeRequest{Layout: l, UsedKiB: 100 << 10}); err == nil || !strings.Contains(err.Error(), "fixed size") {
		t.Errorf("100 MiB on a partition of 20 MiB: %v", err)
	}
	if l, err = ParseSfdisk("label: gpt\n65536,,L\n", "amd64", Defaults{}); err != nil {
		t.Fatal(err)
	}
	size, err := ComputeSize(SizeRequest{Layout: l, UsedKiB: 30 << 10, JournalMiB: 4})
	if err != nil {
		t.Fatal(err)
	}
	placed, err := l.Place(size.Bytes)
	if err != nil || placed.Partitions[0].Bytes < 54<<20 || size.Bytes > 100<<20 {
		t.Errorf("%d bytes, %+v, %v", size.Bytes, placed, err)
	}
}

func FuzzParseSfdisk(f *testing.F) {
	for _, script := range sfdiskScripts {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		l, err := ParseSfdisk(script, "amd64", Defaults{})
		if err != nil {
			return
		}
		placed, err := l.Place(64 << 30)
		if err != nil {
			return
		}
		for i, a := range placed.Partitions {
			for _, b := range placed.Partitions[:i] {
				if a.Start < b.Start+b.Bytes && b.Start < a.Start+a.Bytes {
					t.Errorf("partitions overlap: %+v", placed.Partitions)
				}
			}
			if a.Start <= 0 || a.Bytes <= 0 || a.Start+a.Bytes > placed.Bytes {
				t.Errorf("partition %+v is not on the disk", a)
			}
		}
	})
}
