// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

func TestSudoCommandLines(t *testing.T) {
	cases := []struct{ line, want, err string }{
		{"ls -l -E", "root [] [ls -l -E]", ""},
		{"-E env", "root E [] [env]", ""},
		{"-EHn env", "root EH [] [env]", ""},
		{"-n -u nobody id -u", "nobody [] [id -u]", ""},
		{"-unobody id", "nobody [] [id]", ""},
		{"-Eu nobody id", "nobody E [] [id]", ""},
		{"--user=nobody --set-home id", "nobody H [] [id]", ""},
		{"--user nobody --preserve-env=A,B id", "nobody E [] [id]", ""},
		{"-g staff id", "root g=staff [] [id]", ""},
		{"A=1 B= env C=3", "root [A=1 B=] [env C=3]", ""},
		{"-E -- A=1 -x", "root E [A=1] [-x]", ""},
		{"-i", "root i [] []", ""},
		{"-s echo a", "root s [] [echo a]", ""},
		{"-p prompt -S -D /tmp ls", "root d=/tmp [] [ls]", ""},
		{"-v", "root v [] []", ""},
		{"/a=b/c", "root [] [/a=b/c]", ""},
		{"", "", "usage: sudo"},
		{"-E", "", "usage: sudo"},
		{"-u", "", "option -u needs a value"},
		{"-l", "", "the option -l is not supported"},
		{"-b ls", "", "the option -b is not supported"},
		{"--bogus ls", "", "unknown option --bogus"},
	}
	for _, tc := range cases {
		r, err := parseSudo(strings.Fields(tc.line))
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got error %v", tc.line, err)
			}
			continue
		}
		if got := describe(r); err != nil || got != tc.want {
			t.Errorf("%s: %q %v", tc.line, got, err)
		}
	}
}

func describe(r sudoRequest) string {
	flags := ""
	for _, f := range []struct {
		set  bool
		name string
	}{{r.keep, "E"}, {r.home, "H"}, {r.login, "i"}, {r.shell, "s"}, {r.nothing, "v"}} {
		if f.set {
			flags += f.name
		}
	}
	parts := []string{r.user}
	if flags != "" {
		parts = append(parts, flags)
	}
	if r.group != "" {
		parts = append(parts, "g="+r.group)
	}
	if r.dir != "" {
		parts = append(parts, "d="+r.dir)
	}
	return fmt.Sprintf("%s %s %s", strings.Join(parts, " "), r.environment, r.command)
}

func TestSudoWords(t *testing.T) {
	if got := escapeWords([]string{"echo", "a b", "$HOME", "it's;", "é"}); got != `echo a\ b $HOME it\'s\; é` {
		t.Error(got)
	}
}

// TestSudoRuns runs the stand-in as a program.
func TestSudoRuns(t *testing.T) {
	sudo := filepath.Join(linked(t, sudoName), sudoName)
	me, err := user.Current()
	if err != nil || me.Uid != "0" {
		t.Skip("only root can stand in for sudo")
	}
	env := []string{"KEPT=1", "HOME=/elsewhere", "USER=x"}
	cases := []struct {
		line, out string
		status    int
	}{
		{"printenv KEPT HOME USER", "1\n" + me.HomeDir + "\nroot\n", 0},
		{"-E printenv KEPT HOME", "1\n/elsewhere\n", 0},
		{"-EH printenv HOME", me.HomeDir + "\n", 0},
		{"NEW=a=b KEPT=2 printenv NEW KEPT", "a=b\n2\n", 0},
		{"-s printenv KEPT", "1\n", 0},
		{"-i pwd", me.HomeDir + "\n", 0},
		{"-D / pwd", "/\n", 0},
		{"sh -c exit\t7", "", 7},
		{"no-such-command", "", 1},
		{"-u no-such-user true", "", 1},
	}
	for _, tc := range cases {
		args := strings.Fields(strings.ReplaceAll(tc.line, "\t", "~"))
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "~", " ")
		}
		out, errs, status := runProgram(t, env, sudo, args...)
		if out != tc.out || status != tc.status {
			t.Errorf("%s: %d %q %s", tc.line, status, out, errs)
		}
		if tc.status == 1 && !strings.HasPrefix(errs, "sudo: ") {
			t.Errorf("%s: said %q", tc.line, errs)
		}
	}
}

func TestSudoBecomesOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("no user nobody here")
	}
	sudo := filepath.Join(linked(t, sudoName), sudoName)
	// The test binary lies below a directory of root's; sudo has become the
	// user before it runs the command, which is outside.
	out, errs, status := runProgram(t, nil, sudo, "-u", "nobody", "sh", "-c", `echo $(id -u):$(id -g):$(id -G):$HOME:$LOGNAME`)
	want := fmt.Sprintf("%s:%s:%s:%s:nobody\n", nobody.Uid, nobody.Gid, nobody.Gid, nobody.HomeDir)
	if status != 0 || out != want {
		t.Errorf("%d %q %s", status, out, errs)
	}
	out, errs, status = runProgram(t, nil, sudo, "-u", "#4321", "-g", "#77", "sh", "-c", "id -u; id -g")
	if status != 0 || out != "4321\n77\n" {
		t.Errorf("%d %q %s", status, out, errs)
	}
}

func TestSudoWithoutRootCannotBecomeOthers(t *testing.T) {
	tr := newTrial(t, []string{"PATH=/bin"}, sudoName, "-u", "#4321", "true")
	if status := tr.serve(t); status != 1 || !strings.Contains(tr.err.String(), "becoming the user #4321: become 4321:4321") {
		t.Errorf("%d %s", status, &tr.err)
	}
}
