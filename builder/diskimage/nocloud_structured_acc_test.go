// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// structured is what the attributes of structured.pkr.hcl say beyond the raw seed.
var structured = [][3]string{
	{"vendor-data", "stat -c '%a %U:%G' /var/lib/cloud/seed/nocloud/vendor-data; cat /var/tmp/vendor", "600 root:root\nvendor"},
	{"scripts", "cat /var/tmp/scripts", "once\ninstance"},
	{"number and home of a user", "getent passwd typist | cut -d: -f3,6", "1700:/srv/typist"},
	{"file of a user", "stat -c '%a %U:%G' /srv/typist/notes; cat /srv/typist/notes; echo", "644 typist:typist\n{{ braces }} stay"},
	{"locked user", "getent shadow locked | cut -d: -f2", "!" + everydayHash},
	{"plain password", "grep -rlF " + typistPassword + " /etc /var/lib/cloud /run/cloud-init /var/log; true", ""},
	{"passwords over ssh", "sshd -T | grep '^passwordauthentication '", "passwordauthentication yes"},
	{"package", "dpkg-query -W -f '${Version} ${db:Status-Status}\n' greeting; cat /usr/share/greeting/text", "1.0 installed\nhello"},
	{"locale", ". /etc/default/locale; echo $LANG", "C.UTF-8"},
	{"grown root", "df --output=size / | awk 'NR == 2 {print ($1 > 6 * 1024 * 1024)}'", "1"},
	{"cloud-init that was off", "systemctl is-enabled cloud-config.service cloud-final.service; ls /etc/cloud/cloud-init.disabled 2>/dev/null", "enabled\nenabled"},
	{"compressed", "head -c 2 /var/lib/cloud/seed/nocloud/user-data | od -An -tx1", "1f 8b"},
}

// checkPasswords logs in by passwords. One refusal is enough: sshd shuts out for a
// while whoever fails more often.
func (s seeded) checkPasswords(t *testing.T, ctx context.Context, address string) {
	t.Helper()
	for user, password := range s.typists {
		if err := logInByPassword(ctx, address, user, password); err != nil {
			t.Errorf("user %s cannot log in by password: %v", user, err)
		}
	}
	err := logInByPassword(ctx, address, s.locked, everydayPassword)
	if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("user %s is not refused: %v", s.locked, err)
	}
}

func logInByPassword(ctx context.Context, address, user, password string) error {
	client, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.Password(password)}, Timeout: 5 * time.Minute,
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // a machine of this test on the loopback interface
	})
	if err != nil {
		return err
	}
	defer client.Close()
	defer context.AfterFunc(ctx, func() { client.Close() })()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	out, err := session.Output("id -un")
	if err == nil && strings.TrimSpace(string(out)) != user {
		err = fmt.Errorf("id says %q", out)
	}
	return err
}
