// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"os/exec"
	"strings"
	"testing"
)

func TestCallerEnvironmentDropsWhatIsPackers(t *testing.T) {
	env := CallerEnvironment([]string{
		"PKR_VAR_x=1", "PACKER_LOG=1", "HCP_CLIENT_ID=1", "A=secret", "B=fine", "C=", "http_proxy=p",
	}, []string{"secret", ""})
	if got := strings.Join(env.List(), " "); got != "B=fine C= http_proxy=p" {
		t.Error(got)
	}
}

func TestChrootEnvironment(t *testing.T) {
	env := Environment{
		"HOME": "/home/me", "USER": "me", "PATH": "/opt/bin", "TMPDIR": "/tmp/x", "VIRTUAL_ENV": "v", "PS4": "+",
		"BASH_FUNC_die%%": "() { :\n}", "LD_PRELOAD": "x", "PYTHONPATH": "x", "DIB_RELEASE": "trixie", "http_proxy": "p",
	}.chroot()
	want := "DIB_RELEASE=trixie HOME=/root LOGNAME=root PATH=" + chrootPath + " SHELL=/bin/bash TERM=unknown USER=root http_proxy=p"
	if got := strings.Join(env.List(), " "); got != want {
		t.Errorf("got %s", got)
	}
	if got := (Environment{"SHELL": "/bin/zsh", "TERM": "vt100"}).chroot(); got["SHELL"] != "/bin/zsh" || got["TERM"] != "vt100" {
		t.Errorf("the caller's shell and terminal became %s and %s", got["SHELL"], got["TERM"])
	}
}

func TestHostPath(t *testing.T) {
	for path, want := range map[string]string{
		"/usr/bin:/sbin":      "/usr/bin:/sbin:/usr/sbin:/usr/local/sbin:/x",
		"":                    "/usr/local/bin:/usr/bin:/bin:/sbin:/usr/sbin:/usr/local/sbin:/x",
		"/usr/sbin:/x:/a/b c": "/usr/sbin:/x:/a/b c:/sbin:/usr/local/sbin",
	} {
		if got := HostPath(path, "/x"); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestDIBEnvironmentIsReadByBashAndHidesSecrets(t *testing.T) {
	text := Environment{
		"DIB_A": `quotes " and ' and $HOME and ` + "`id`" + ` and \`, "DIB_DEV_USER_PASSWORD": "hush", "OTHER": "no",
		"DIB_MINE": "hush", "DIB_RELEASE": "trixie", "DIB_REPOREF_x": "main",
	}.dibEnvironment(Environment{"DIB_MINE": "hush", "DIB_RELEASE": "trixie", "DIB_REPOREF_x": "main"})
	if strings.Contains(text, "hush") || strings.Contains(text, "OTHER") || !strings.Contains(text, "trixie") || !strings.Contains(text, "main") {
		t.Errorf("too much in %s", text)
	}
	out, err := exec.Command("bash", "-c", text+"\nprintf %s \"$DIB_A\"").Output()
	if err != nil || string(out) != `quotes " and ' and $HOME and `+"`id`"+` and \` {
		t.Errorf("%q %v", out, err)
	}
}
