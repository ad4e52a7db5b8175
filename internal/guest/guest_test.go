// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// upstream is Debian's package of diskimage-builder, for comparison where it is.
const upstream = "/usr/lib/python3/dist-packages/diskimage_builder"

// TestMain lets the test binary serve as the helpers, under links with their names.
func TestMain(m *testing.M) {
	if code, handled := Main(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// trial is a call with its streams kept.
type trial struct {
	call
	out, err bytes.Buffer
}

// newTrial makes a call of a helper with nothing but env around it; programs are
// real, an exec is recorded as a failure.
func newTrial(t *testing.T, env []string, line ...string) *trial {
	t.Helper()
	tr := &trial{}
	tr.call = call{
		argv0: line[0], args: line[1:], env: env, root: t.TempDir(),
		stdin: strings.NewReader(""), stdout: &tr.out, stderr: &tr.err, runner: command.Host{},
		exec: func(path string, argv, _ []string) error { return fmt.Errorf("exec %s %q", path, argv[1:]) },
		become: func(who identity) error {
			if who.same {
				return nil
			}
			return fmt.Errorf("become %d:%d", who.uid, who.gid)
		},
	}
	return tr
}

// run runs the helper and returns its status.
func (tr *trial) serve(t *testing.T) int {
	t.Helper()
	run, ok := lookup(tr.name())
	if !ok {
		t.Fatalf("no helper %s", tr.name())
	}
	return serve(t.Context(), run, &tr.call)
}

// files writes a tree: the path and content of each file; a path that ends in
// "*" is executable.
func files(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		mode := os.FileMode(0o644)
		if bare, ok := strings.CutSuffix(name, "*"); ok {
			name, mode = bare, 0o755
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// linked makes links to the test binary that serve as helpers, and returns their
// directory.
func linked(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// upstreamScript returns the path of one of upstream's programs or skips.
func upstreamScript(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(upstream, name)
	if _, err := os.Stat(file); err != nil {
		t.Skip("diskimage-builder is not installed here to compare with")
	}
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("no python3 here for diskimage-builder's programs")
	}
	return file
}

func TestMainServesOnlyHelpers(t *testing.T) {
	for _, argv := range [][]string{nil, {""}, {"packer-plugin-diskimage"}, {"/x/packer-plugin-diskimage_v1", "start"}, {"bash"}} {
		if _, handled := Main(argv); handled {
			t.Errorf("%q was taken for a helper", argv)
		}
	}
	if code, handled := Main([]string{"/any/where/svc-map"}); !handled || code != 0 {
		t.Errorf("svc-map without arguments: %d %v", code, handled)
	}
}

func TestEveryCommandIsServed(t *testing.T) {
	for _, name := range slices.Concat(HostCommands(), ChrootCommands(), []string{sudoName}) {
		if _, ok := lookup(name); !ok {
			t.Errorf("%s is linked but not served", name)
		}
	}
	if !slices.IsSorted(HostCommands()) || !slices.IsSorted(ChrootCommands()) {
		t.Error("the lists of commands are not sorted")
	}
	if slices.Contains(HostCommands(), sudoName) {
		t.Error("the stand-in would hide the host's sudo")
	}
}

func TestOptions(t *testing.T) {
	o := options{flags: []string{"-f", "-h", "--security", "--secret"}, values: []string{"-d", "--path"}}
	cases := []struct{ line, set, operands, err string }{
		{"-f a b", "-f=", "a b", ""},
		{"a -fh b", "-f= -h=", "a b", ""},
		{"-dx a", "-d=x", "a", ""},
		{"-d x -- -f", "-d=x", "-f", ""},
		{"-fd x", "-d=x -f=", "", ""},
		{"--path=a=b -", "--path=a=b", "-", ""},
		{"--path - x", "--path=-", "x", ""},
		{"--pa a", "--path=a", "", ""},
		{"--secu", "--security=", "", ""},
		{"--sec", "", "", "ambiguous"},
		{"--other", "", "", "unknown option --other"},
		{"-x", "", "", "unknown option -x"},
		{"--security=1", "", "", "takes no value"},
		{"--path", "", "", "needs a value"},
		{"-d", "", "", "needs a value"},
	}
	for _, tc := range cases {
		p, err := o.parse(strings.Fields(tc.line))
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got error %v", tc.line, err)
			}
			continue
		}
		var set []string
		for name, value := range p.set {
			set = append(set, name+"="+value)
		}
		slices.Sort(set)
		if err != nil || strings.Join(set, " ") != tc.set || strings.Join(p.operands, " ") != tc.operands {
			t.Errorf("%s: %q %q %v", tc.line, set, p.operands, err)
		}
	}
	o.lenient = true
	if p, err := o.parse([]string{"-x", "--other", "-f"}); err != nil || strings.Join(p.operands, " ") != "-x --other" || !p.has("-f") {
		t.Errorf("lenient: %v %v", p, err)
	}
}
