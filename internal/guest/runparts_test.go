// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// runProgram runs a program and returns its streams and status.
func runProgram(t *testing.T, env []string, path string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs strings.Builder
	err := command.Host{}.Run(t.Context(), command.Command{
		Path: path, Args: args, Stdout: &out, Stderr: &errs, Env: append([]string{"PATH=/usr/bin:/bin"}, env...),
	})
	var exit *command.ExitError
	if errors.As(err, &exit) {
		status = exit.Status
	} else if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), status
}

// phase is a tree with environment files and hooks that tell what they are.
var phase = map[string]string{
	"environment.d/10-a.bash":   "export FIRST=1\nlocal inner=$#:${FIRST}\nexport INNER=$inner\n",
	"environment.d/100-b":       "export ORDER=\"${ORDER:-}b\"\n",
	"environment.d/50-c":        "export ORDER=\"${ORDER:-}c\"\nset -- lost arguments\n",
	"environment.d/bad~name":    "exit 9\n",
	"install.d/10-second*":      "#!/bin/sh\necho \"second $FIRST $ORDER $INNER $0\"\n",
	"install.d/2-first*":        "#!/bin/sh\necho first\necho err >&2\n",
	"install.d/50-not.run*":     "#!/bin/sh\nexit 9\n",
	"install.d/60-data":         "not executable\n",
	"install.d/sub/01-no*":      "#!/bin/sh\nexit 9\n",
	"elsewhere/target*":         "#!/bin/sh\necho linked $0\n",
	"other.d/01-x*":             "#!/bin/sh\necho x\n",
	"fail.d/01-ok*":             "#!/bin/sh\necho ok\n",
	"fail.d/02-bad*":            "#!/bin/sh\nexit 7\n",
	"fail.d/03-never*":          "#!/bin/sh\necho never\n",
	"empty.d/readme.txt":        "",
	"nested/unbound.d/01-x*":    "#!/bin/sh\necho never\n",
	"nested/environment.d/01-u": "echo $NOWHERE_SET\n",
}

func phaseTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files(t, dir, phase)
	for link, target := range map[string]string{
		"install.d/30-link": "../elsewhere/target", "install.d/31-gone": "nowhere", "install.d/32-dir": "sub",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var seconds = regexp.MustCompile(`(?m) +[0-9]+\.[0-9]{3}$`)

func TestRunPartsIsUpstreams(t *testing.T) {
	theirs := upstreamScript(t, "lib/dib-run-parts")
	dir := phaseTree(t)
	cases := [][]string{
		{dir + "/install.d"}, {"--list", dir + "/install.d"}, {dir + "/fail.d"}, {dir + "/empty.d"}, {"--list", dir + "/empty.d"},
		{dir + "/nested/unbound.d"}, {dir + "/elsewhere"},
	}
	for _, args := range cases {
		for _, env := range [][]string{nil, {"DIB_DEBUG_TRACE=1"}, {`RUN_PARTS_REGEX=^[0-9]+-[a-z.]+$`}} {
			gotOut, gotErr, gotStatus := runInProcess(t, env, append([]string{"/lib/dib-run-parts"}, args...)...)
			wantOut, wantErr, wantStatus := runProgram(t, env, theirs, args...)
			label := fmt.Sprintf("%q %q", args, env)
			if gotStatus != wantStatus {
				t.Errorf("%s: status %d, upstream %d", label, gotStatus, wantStatus)
			}
			if diff := cmp.Diff(wantOut, gotOut); diff != "" {
				t.Errorf("%s: stdout: %s", label, diff)
			}
			if diff := cmp.Diff(messages(wantErr), messages(gotErr)); diff != "" {
				t.Errorf("%s: stderr: %s", label, diff)
			}
		}
	}
}

// runInProcess runs a helper without a process of its own, which is dear with the
// race detector; what it would become is run as a program.
func runInProcess(t *testing.T, env []string, line ...string) (stdout, stderr string, status int) {
	t.Helper()
	tr := newTrial(t, append([]string{"PATH=/usr/bin:/bin"}, env...), line...)
	tr.exec = func(path string, argv, env []string) error {
		err := tr.runner.Run(t.Context(), command.Command{Path: path, Args: argv[1:], Env: env, Stdout: &tr.out, Stderr: &tr.err})
		var exit *command.ExitError
		if errors.As(err, &exit) {
			return &statusError{status: exit.Status}
		}
		return err
	}
	status = tr.serve(t)
	return tr.out.String(), tr.err.String(), status
}

// messages takes the lines of dib-run-parts itself and the columns of times out
// of a standard error, and squeezes lists on several lines.
func messages(stderr string) []string {
	stderr = seconds.ReplaceAllString(stderr, " TIME")
	var lines []string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "dib-run-parts ") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return lines
}

func TestRunParts(t *testing.T) {
	dir := phaseTree(t)
	tool := filepath.Join(linked(t, "dib-run-parts"), "dib-run-parts")
	out, errs, status := runProgram(t, nil, tool, dir+"/install.d")
	want := "first\nsecond 1 bc 0:1 " + dir + "/install.d/10-second\nlinked " + dir + "/install.d/30-link\n"
	if status != 0 || out != want {
		t.Errorf("%d %q", status, out)
	}
	for _, part := range []string{
		"dib-run-parts Sourcing environment file " + dir + "/install.d/../environment.d/10-a.bash\n",
		"dib-run-parts Running " + dir + "/install.d/2-first\nerr\ndib-run-parts 2-first completed\n", "dib-run-parts Target: install.d\n",
	} {
		if !strings.Contains(errs, part) {
			t.Errorf("no %q in %s", part, errs)
		}
	}
	out, errs, status = runProgram(t, nil, tool, dir+"/fail.d")
	if status != 7 || out != "ok\n" || strings.Contains(errs, "PROFILING") {
		t.Errorf("%d %q %s", status, out, errs)
	}
	out, _, status = runProgram(t, nil, tool, dir+"/nested/unbound.d")
	if status == 0 || out != "" {
		t.Errorf("an unbound variable in environment.d: %d %q", status, out)
	}
	if _, errs, status = runProgram(t, nil, tool, dir+"/none.d"); status != 1 || !strings.Contains(errs, "must exist and be a directory") || !strings.Contains(errs, "Usage:") {
		t.Errorf("%d %s", status, errs)
	}
}

// TestRunPartsTracesOnlyWhenAsked: what environment files set may be secret.
func TestRunPartsTracesOnlyWhenAsked(t *testing.T) {
	dir := phaseTree(t)
	tool := filepath.Join(linked(t, "dib-run-parts"), "dib-run-parts")
	for value, want := range map[string]bool{"": false, "0": false, "no": false, "1": true, "08": true} {
		_, errs, status := runProgram(t, []string{"DIB_DEBUG_TRACE=" + value}, tool, dir+"/install.d")
		if got := strings.Contains(errs, "+ export FIRST=1\n"); status != 0 || got != want {
			t.Errorf("DIB_DEBUG_TRACE=%s: status %d, traced %v", value, status, got)
		}
	}
}

// TestRunPartsOldBash: bash before 5 has no clock of its own.
func TestRunPartsOldBash(t *testing.T) {
	dir := phaseTree(t)
	files(t, dir, map[string]string{"environment.d/99-old": "unset EPOCHREALTIME\n"})
	_, errs, status := runProgram(t, nil, filepath.Join(linked(t, "dib-run-parts"), "dib-run-parts"), dir+"/install.d")
	if status != 0 || len(seconds.FindAllString(errs, -1)) != 3 {
		t.Errorf("%d %s", status, errs)
	}
}

func TestRunPartsFindsBashWithoutPath(t *testing.T) {
	dir := phaseTree(t)
	tr := newTrial(t, []string{"PATH=/nowhere"}, "dib-run-parts", dir+"/install.d")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "exec /") {
		t.Errorf("without PATH bash is looked for in the usual places: %d %s", status, &tr.err)
	}
}

// TestRunPartsOrderIsSorts: random names come in the order of GNU sort -n.
func TestRunPartsOrderIsSorts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	dir := filepath.Join(t.TempDir(), "x.d")
	var names []string
	for range 200 {
		name := []byte{}
		for range 1 + random.IntN(6) {
			name = append(name, "0011299-_aZ"[random.IntN(11)])
		}
		if !slices.Contains(names, string(name)) {
			names = append(names, string(name))
		}
	}
	content := map[string]string{}
	for _, name := range names {
		content[name+"*"] = ""
	}
	files(t, dir, content)
	sorted, err := command.Output(t.Context(), command.Host{}, command.Command{
		Path: "sort", Args: []string{"-n"}, Env: []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}, Stdin: strings.NewReader(strings.Join(names, "\n") + "\n")})
	if err != nil {
		t.Fatal(err)
	}
	tr := newTrial(t, nil, "dib-run-parts", "--list", dir)
	if status := tr.serve(t); status != 0 {
		t.Fatal(tr.err.String())
	}
	if diff := cmp.Diff(sorted+"\n", strings.ReplaceAll(tr.out.String(), dir+"/", "")); diff != "" {
		t.Error(diff)
	}
}
