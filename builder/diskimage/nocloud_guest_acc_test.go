// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/qemu"
)

// login is a way into a guest by ssh.
type login struct{ user, key, address string }

// sshFailed is ssh's own status: no connection, or one that broke off.
const sshFailed = 255

// run runs a script in the guest; sshd may still be starting, and a connection that
// breaks off has it run once more.
func (l login) run(t *testing.T, ctx context.Context, script string) string {
	t.Helper()
	host, port, _ := strings.Cut(l.address, ":")
	args := []string{"-i", l.key, "-p", port, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "ConnectTimeout=120", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", l.user + "@" + host, script}
	var out []byte
	var err error
	for deadline := time.Now().Add(2 * patience); ; {
		cmd := exec.CommandContext(ctx, "ssh", args...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if out, err = cmd.Output(); err == nil {
			return string(out)
		}
		if cmd.ProcessState.ExitCode() != sshFailed || time.Now().After(deadline) || ctx.Err() != nil {
			t.Fatalf("%s: %v: %s%s", script, err, out, stderr.String())
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// facts asks many questions in one login: names and the commands that answer them.
func (l login) facts(t *testing.T, ctx context.Context, questions [][2]string) map[string]string {
	t.Helper()
	var script strings.Builder
	for _, q := range questions {
		fmt.Fprintf(&script, "echo '=== %s'\n{ %s\n} 2>&1\n", q[0], q[1])
	}
	said := l.run(t, ctx, "sudo -n sh -s <<'END_OF_QUESTIONS'\n"+script.String()+"END_OF_QUESTIONS\n")
	answers := map[string]string{}
	for _, part := range strings.Split("\n"+said, "\n=== ")[1:] {
		name, answer, _ := strings.Cut(part, "\n")
		answers[name] = strings.TrimSpace(answer)
	}
	return answers
}

// reboot has the guest run a command that reboots it, and waits until cloud-init is
// through again. The connection is not the command's to end.
func (l login) reboot(t *testing.T, ctx context.Context, m *qemu.Machine, command string) {
	t.Helper()
	// The connection may break off before it is told that all is well; what is run
	// once more then must not reboot once more.
	boot := strings.TrimSpace(l.run(t, ctx, "cat "+bootID))
	m.Mark()
	l.run(t, ctx, "[ $(cat "+bootID+") != "+boot+" ] || sudo -n systemd-run --quiet --on-active=1 "+command)
	if _, err := m.WaitFor(ctx, finished, misled); err != nil {
		t.Fatal(err)
	}
}

// questions every guest of these tests answers.
var identityQuestions = [][2]string{
	{"status", "cloud-init status --wait --long"},
	{"result", "cat /run/cloud-init/result.json"},
	{"failed units", "systemctl list-units --state=failed --no-legend --plain"},
	{"instance-id", "cat /var/lib/cloud/data/instance-id"},
	{"machine-id", "cat /etc/machine-id"},
	{"host keys", "cat /etc/ssh/ssh_host_*_key.pub | sort"},
	{"hostname", "hostname"},
	// A seed from a server comes when the interface is up already.
	{"warnings", "grep -E 'WARNING|ERROR|CRITICAL|Traceback' /var/log/cloud-init.log | grep -v 'ifup: interface .* already configured' | head -n 20"},
}

// finished is what cloud-init says at the end of every boot by a seed, and misled what
// it says without. A busy machine may pause in the midst of the line.
var (
	finished = qemu.Pattern(regexp.MustCompile(`Cloud-init v.* finished at .*DataSourceNoCloud`))
	misled   = qemu.Pattern(regexp.MustCompile(`Cloud-init v.* finished at .*DataSource([^N]|N[^o]|No[^C])`))
)

// startGuest boots an image by its own kernel, which the host takes out of it,
// until cloud-init is through.
func startGuest(t *testing.T, ctx context.Context, spec qemu.Spec) *qemu.Machine {
	t.Helper()
	m, err := qemu.Start(ctx, command.Host{}, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if _, err := m.WaitFor(ctx, finished, misled); err != nil {
		t.Fatalf("%v\n%s", err, m.Console())
	}
	return m
}

// checkStatus wants cloud-init to be done without any complaint, by the seed given.
func checkStatus(t *testing.T, answers map[string]string, seed, instanceID string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)^status: done$`).MatchString(answers["status"]) {
		t.Errorf("cloud-init is not done: %s", answers["status"])
	}
	var result struct {
		V1 struct {
			Datasource string
			Errors     []string
		}
	}
	if err := json.Unmarshal([]byte(answers["result"]), &result); err != nil {
		t.Errorf("%v: %s", err, answers["result"])
	}
	source := regexp.MustCompile(`^DataSourceNoCloud(Net)? \[seed=` + regexp.QuoteMeta(seed) + `\]`)
	if !source.MatchString(result.V1.Datasource) || len(result.V1.Errors) > 0 {
		t.Errorf("%q with errors %q, want seed %q without", result.V1.Datasource, result.V1.Errors, seed)
	}
	if answers["instance-id"] != instanceID {
		t.Errorf("instance-id %q, want %q", answers["instance-id"], instanceID)
	}
	if len(answers["machine-id"]) != 32 {
		t.Errorf("machine-id %q was not made at the first boot", answers["machine-id"])
	}
	for _, quiet := range []string{"failed units", "warnings"} {
		if answers[quiet] != "" {
			t.Errorf("%s: %s", quiet, answers[quiet])
		}
	}
}
