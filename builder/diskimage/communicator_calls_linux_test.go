// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
)

// withUi runs a command as most provisioners do and returns what the user saw.
func (s *subject) withUi(t *testing.T, command string) (said string, status int) {
	t.Helper()
	ui := &transcript{}
	cmd := &packersdk.RemoteCmd{Command: command}
	must(t, cmd.RunWithUi(t.Context(), s, ui))
	return ui.text, ended(t, cmd)
}

// transcript remembers what was said, errors in brackets.
type transcript struct {
	packersdk.MockUi
	text string
}

func (u *transcript) Say(line string)   { u.text += line + "\n" }
func (u *transcript) Error(line string) { u.text += "[" + line + "]\n" }

// Packer's shell provisioner: script and variables.
func TestCommunicatorServesShell(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		const script, variables = "/tmp/script_4711.sh", "/tmp/varfile_42.sh"
		must(t, s.Upload(script, strings.NewReader("#!/bin/sh -e\necho \"$A|$B|$PACKER_BUILD_NAME\"\necho warn >&2\nexit 7\n"), nil))
		must(t, s.Upload(variables, strings.NewReader("export B='from a file'\n"), nil))
		s.want(t, "stat -c %a "+script, "644\n")
		s.want(t, "chmod 0600 "+variables, "")
		s.want(t, "chmod 0755 "+script, "")
		said, status := s.withUi(t, "chmod +x "+script+`; A='a'"'"'$HOME b' B='$(id)' PACKER_BUILD_NAME='x' `+script)
		if status != 7 || !strings.Contains(said, "a'$HOME b|$(id)|x\n") || !strings.Contains(said, "[warn]\n") {
			t.Errorf("%d: %s", status, said)
		}
		said, status = s.withUi(t, "chmod +x "+script+"; . "+variables+" && "+script)
		if status != 7 || !strings.Contains(said, "|from a file|\n") {
			t.Errorf("with a file of variables: %d: %s", status, said)
		}
		s.want(t, "rm -f "+script, "")
		s.want(t, "rm -f "+variables, "")
		s.want(t, "rm -f ", "") // it calls this without a file of variables
		s.want(t, "ls /tmp", "")
	})
}

// ansible-local, puppet-masterless and the chef and salt provisioners stage
// directories, then run a program in there.
func TestCommunicatorServesStagingProvisioners(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		const staging = "/tmp/packer-puppet-masterless"
		here := t.TempDir()
		sandboxtest.Source(t, here)
		for _, dir := range []string{staging, staging + "/modules-0"} {
			for _, command := range []string{"mkdir -p '%s'", "chmod 0777 '%s'"} {
				if said, status := s.withUi(t, fmt.Sprintf(command, dir)); said != "" || status != 0 {
					t.Errorf("%s: %d %s", command, status, said)
				}
			}
		}
		must(t, s.UploadDir(staging+"/modules-0", here+"/src/", nil))
		must(t, s.Upload(staging+"/manifest.pp", strings.NewReader("site"), nil))
		sandboxtest.WantListing(t, s.path(staging+"/modules-0"), sandboxtest.Copied("")...)
		must(t, os.WriteFile(s.path("bin/puppet"), []byte("#!/bin/sh\npwd; echo $FACTER_a $PATH_SEEN \"$@\"; cat $3; echo; exit 2\n"), 0o755))
		said, status := s.withUi(t, "cd "+staging+" && PATH_SEEN=$HOME:$PATH FACTER_a='1 2' puppet apply --detailed-exitcodes manifest.pp")
		want := staging + "\n1 2 /root:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin apply --detailed-exitcodes manifest.pp\nsite\n"
		if status != 2 || said != want {
			t.Errorf("%d: %q, not %q", status, said, want)
		}
		if said, status := s.withUi(t, "ansible-playbook x"); status != 127 || !strings.Contains(said, "not found]") {
			t.Errorf("a program that is not there: %d %s", status, said)
		}
		if said, status := s.withUi(t, "rm -rf '"+staging+"'"); said != "" || status != 0 {
			t.Errorf("%d %s", status, said)
		}
		s.want(t, "ls /tmp", "")
	})
}

// session is what ansible's SSH proxy makes of a session: an input that ends
// only when the client hangs up.
func (s *subject) session(t *testing.T, command, input string) result {
	t.Helper()
	reader, writer := io.Pipe()
	go func() { _, _ = io.WriteString(writer, input) }() // and no end
	defer writer.Close()
	return s.run(t, command, reader)
}

// copied is the proxy's scp sink: contents and length come from a stream that goes on.
func (s *subject) copied(dst, text string, mode fs.FileMode) error {
	var info fs.FileInfo = file{name: filepath.Base(dst), mode: mode, size: int64(len(text))}
	return s.Upload(dst, io.LimitReader(strings.NewReader(text+"\x00and the next message"), info.Size()), &info)
}

// One ansible task in as many processes as there are forks.
func TestCommunicatorServesAnsible(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		if got := s.session(t, `/bin/sh -c 'echo ~ && sleep 0'`, ""); got != (result{out: "/root\n"}) {
			t.Fatalf("home: %+v", got)
		}
		var forks sync.WaitGroup
		for i := range 5 {
			forks.Go(func() { s.task(t, fmt.Sprintf("/root/.ansible/tmp/ansible-tmp-17000.%d", i)) })
		}
		forks.Wait()
		s.want(t, "ls /root/.ansible/tmp", "")
	})
}

func (s *subject) task(t *testing.T, dir string) {
	t.Helper()
	expect := func(got, want result) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %+v, not %+v", dir, got, want)
		}
	}
	name := filepath.Base(dir)
	expect(s.session(t, fmt.Sprintf("/bin/sh -c '( umask 77 && mkdir -p \"` echo %s `\"&& mkdir \"` echo %s `\" && echo %s=\"` echo %s `\" ) && sleep 0'",
		filepath.Dir(dir), dir, name, dir), ""), result{out: name + "=" + dir + "\n"})
	module := dir + "/AnsiballZ_command.py"
	if err := s.copied(module, "read -r x; echo \"{\\\"changed\\\": true, \\\"in\\\": \\\"$x\\\"}\"; exit 3\n", 0o600); err != nil {
		t.Error(err)
	}
	expect(s.session(t, fmt.Sprintf("/bin/sh -c 'chmod u+x %s/ %s && sleep 0'", dir, module), ""), result{})
	expect(s.session(t, fmt.Sprintf("/bin/sh -c 'stat -c %%a %s %s'", dir, module), ""), result{out: "700\n700\n"})
	expect(s.session(t, fmt.Sprintf("/bin/sh -c '/bin/sh %s && sleep 0'", module), "input\n"),
		result{out: "{\"changed\": true, \"in\": \"input\"}\n", status: 3})
	expect(s.session(t, "/bin/sh -c '/bin/sh -s && sleep 0'", "echo pipelined; exit\n"), result{out: "pipelined\n"})
	expect(s.session(t, fmt.Sprintf("/bin/sh -c 'rm -f -r %s/ > /dev/null 2>&1 && sleep 0'", dir), ""), result{})
}

// hcp-sbom asks what runs there, brings a program along and fetches what it made.
func TestCommunicatorServesSBOM(t *testing.T) {
	conform(t, func(t *testing.T, s *subject) {
		if said, status := s.withUi(t, "uname -s -m"); status != 0 || !strings.HasPrefix(said, "Linux ") {
			t.Errorf("%d %q", status, said)
		}
		const runner = "/tmp/packer-sbom-runner"
		must(t, s.Upload(runner, strings.NewReader("#!/bin/sh\necho '{}' > /tmp/sbom.json\n"), nil))
		for _, command := range []string{"chmod 755 " + runner, "test -x " + runner, runner + " scan", "rm -f " + runner} {
			if said, status := s.withUi(t, command); said != "" || status != 0 {
				t.Errorf("%s: %d %s", command, status, said)
			}
		}
		var text strings.Builder
		if err := s.Download("/tmp/sbom.json", &text); err != nil || text.String() != "{}\n" {
			t.Errorf("%q %v", text.String(), err)
		}
	})
}
