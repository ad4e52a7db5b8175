// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onHost runs a hook of extra-data.d beside an image and returns what it says, and
// whether it failed; read tells of the image's files.
func onHost(t *testing.T, hook string, files map[string]string, env ...string) (said string, read func(name string) string, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "image"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range env {
		env[i] = strings.ReplaceAll(env[i], "HERE", dir)
	}
	env = append(env, "TMP_MOUNT_PATH="+dir+"/image", "TMP_HOOKS_PATH="+dir+"/hooks", "_LIB="+dir+"/lib", "PWD="+dir)
	said, err = bash(t, env, `"$1" 2>&1`, "./"+hook)
	return strings.ReplaceAll(said, dir, "HERE"), func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, "image", name))
		if err != nil {
			return err.Error()
		}
		if info, err := os.Lstat(filepath.Join(dir, "image", name)); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		return strings.ReplaceAll(string(text), dir, "HERE")
	}, err
}

func TestModprobe(t *testing.T) {
	_, read, err := onHost(t, "modprobe/extra-data.d/50-modprobe-blacklist",
		map[string]string{"hooks/modprobe.d/a.conf": "options a b=1\n", "hooks/modprobe.d/notes": "x"})
	if got := read("etc/modprobe.d/a.conf"); err != nil || got != "options a b=1\n" {
		t.Errorf("%q, %v", got, err)
	}
	if got := read("etc/modprobe.d/notes"); !strings.Contains(got, "no such file") {
		t.Errorf("what is not called *.conf is copied: %q", got)
	}
	got := inRoot(t, nil, []string{"DIB_MODPROBE_BLACKLIST=floppy pcspkr"}, `mkdir /etc/modprobe.d; echo "blacklist mine" >/etc/modprobe.d/blacklist.conf
/tmp/in_target.d/install.d/80-modprobe-blacklist; cat /etc/modprobe.d/blacklist.conf`, "modprobe")
	if got != "blacklist mine\nblacklist floppy\nblacklist pcspkr\n" {
		t.Error(got)
	}
	inRoot(t, nil, nil, `/tmp/in_target.d/install.d/80-modprobe-blacklist`, "modprobe")
}

func TestAptFiles(t *testing.T) {
	const conf, sources, pins = "apt-conf/extra-data.d/99-override-default-apt-conf",
		"apt-sources/extra-data.d/99-override-default-apt-sources", "apt-preferences/extra-data.d/99-set-apt-package-pins"
	for _, tc := range []struct {
		hook, file, text, env string
		fails                 bool
		said, name, want      string
	}{
		{conf, "mine", "A \"b\";\n", "DIB_APT_CONF=HERE/mine", false, "", "etc/apt/apt.conf", "A \"b\";\n"},
		{conf, "mine", "", "DIB_APT_CONF=", false, "DIB_APT_CONF is not set", "etc/apt/apt.conf", "no such file"},
		{conf, "mine", "", "DIB_APT_CONF=HERE/yours", true, "DIB_APT_CONF is HERE/yours, which is not a file", "", ""},
		{sources, "mine", "deb x y z\n", "DIB_APT_SOURCES=HERE/mine", false, "", "etc/apt/sources.list", "deb x y z\n"},
		{sources, "mine", "", "DIB_APT_SOURCES=HERE/mine", true, "DIB_APT_SOURCES is HERE/mine, which is not a file with package sources", "", ""},
		{sources, "mine", "Types: deb\n", "DIB_APT_SOURCES=HERE/mine", true, "which has paragraphs", "", ""},
		{pins, "lib/apt-pins", "#!/bin/sh\necho \"pins of $1\"\n", "DIB_DPKG_MANIFEST=HERE/lib/apt-pins", false, "", "etc/apt/preferences", "pins of HERE/lib/apt-pins\n"},
		{pins, "lib/apt-pins", "#!/bin/sh\n", "DIB_DPKG_MANIFEST=HERE/lib/apt-pins", false, "", "etc/apt/preferences", "no such file"},
		{pins, "lib/apt-pins", "#!/bin/sh\n", "DIB_DPKG_MANIFEST=HERE/none", true, "which is not a manifest file", "", ""},
	} {
		said, read, err := onHost(t, tc.hook, map[string]string{tc.file: tc.text}, tc.env)
		if tc.fails != (err != nil) || !strings.Contains(said, tc.said) || tc.said == "" && said != "" {
			t.Errorf("%s %s: %v, says %q, want %q", tc.hook, tc.env, err, said, tc.said)
		}
		if got := read(tc.name); tc.name != "" && !strings.Contains(got, tc.want) {
			t.Errorf("%s %s: %s is %q, want %q", tc.hook, tc.env, tc.name, got, tc.want)
		}
	}
	said, _, err := onHost(t, sources, map[string]string{"mine": "deb x y z\n", "image/etc/apt/sources.list.d/a.sources": "x", "image/etc/apt/sources.list.d/empty.list": ""}, "DIB_APT_SOURCES=HERE/mine")
	if err != nil || said != "apt-sources: /etc/apt/sources.list.d/a.sources is used as well\n" {
		t.Errorf("%q %v", said, err)
	}
}

func TestElementManifest(t *testing.T) {
	const hook = "element-manifest/extra-data.d/75-inject-element-manifest"
	for env, name := range map[string]string{"DIB_ELEMENT_MANIFEST_PATH=": "etc/dib-manifests/dib-element-manifest", "DIB_ELEMENT_MANIFEST_PATH=/srv/list": "srv/list"} {
		said, read, err := onHost(t, hook, nil, env, "DIB_MANIFEST_IMAGE_DIR=/etc/dib-manifests", "IMAGE_ELEMENT=base vm")
		if got := read(name); err != nil || got != "base\nvm\n" {
			t.Errorf("%s: %q, %v %s", env, got, err, said)
		}
	}
}

func TestSELinuxIsPermissive(t *testing.T) {
	for _, tc := range []struct{ distribution, before, want string }{
		{"debian", "", "SELINUX=permissive\nSELINUXTYPE=default\n"},
		{"ubuntu", "  SELINUX=enforcing\n", "SELINUX=permissive\nSELINUXTYPE=default\n"},
		{"fedora", "# SELINUX= says\n", "# SELINUX= says\nSELINUX=permissive\nSELINUXTYPE=targeted\n"},
		{"fedora", "SELINUXTYPE=mls\nSELINUX=disabled\n", "SELINUXTYPE=mls\nSELINUX=permissive\n"},
	} {
		got := inRoot(t, nil, []string{"DISTRO_NAME=" + tc.distribution, "BEFORE=" + tc.before},
			`mkdir /etc/selinux; printf '%s' "$BEFORE" >/etc/selinux/config; /tmp/in_target.d/pre-install.d/11-selinux-permissive; cat /etc/selinux/config`, "selinux-permissive")
		if got != tc.want {
			t.Errorf("%s %q: %q", tc.distribution, tc.before, got)
		}
	}
}

// Init systems that do not find serial ports by themselves are told of one.
func TestSerialConsole(t *testing.T) {
	for _, tc := range []struct{ env, want string }{
		{"ARCH=amd64", "s0:12345:respawn:/sbin/agetty -L 115200 ttyS0 vt100\n"},
		{"ARCH=arm64", "s0:12345:respawn:/sbin/agetty -L 115200 ttyAMA0 vt100\n"},
		{"ARCH=ppc64el", "s0:12345:respawn:/sbin/agetty -L 115200 hvc0 vt100\n"},
		{"ARCH=amd64 DIB_BOOTLOADER_SERIAL_CONSOLE=ttyS1,9600", "s0:12345:respawn:/sbin/agetty -L 115200 ttyS1 vt100\n"},
	} {
		for _, system := range []string{"openrc", "sysv"} {
			got := inRoot(t, nil, append(strings.Fields(tc.env), "DIB_INIT_SYSTEM="+system),
				`/tmp/in_target.d/install.d/20-stty; /tmp/in_target.d/install.d/20-stty; cat /etc/inittab`, "enable-serial-console")
			if got != tc.want {
				t.Errorf("%s %s: %q", system, tc.env, got)
			}
		}
	}
	got := inRoot(t, nil, []string{"ARCH=amd64", "DIB_INIT_SYSTEM=upstart"}, `/tmp/in_target.d/install.d/20-stty; grep respawn /etc/init/ttySx.conf`, "enable-serial-console")
	if got != "respawn\n" {
		t.Errorf("upstart: %q", got)
	}
}

func TestStableInterfaceNames(t *testing.T) {
	got := inRoot(t, nil, nil, `mkdir -p /etc/udev/rules.d /etc/systemd/network
cd /etc/udev/rules.d; echo x >70-persistent-net.rules; : >80-net-name-slot.rules; echo mine >80-net-setup-link.rules
cd /etc/systemd/network; ln -s /dev/null 99-default.link; ln -s /nowhere 73-usb-net-by-mac.link
/tmp/in_target.d/install.d/02-stable-interface-names; cd /etc; find udev systemd -not -type d`, "stable-interface-names")
	if got != "udev/rules.d/80-net-setup-link.rules\n" {
		t.Error(got)
	}
}

// The command line's quotes may be where the user or the kernel put them.
func TestDynamicLogin(t *testing.T) {
	const hash = "$6$salt$hash"
	for _, tc := range []struct{ line, want string }{
		{`ro rootpwd="` + hash + `" sshkey="ssh-ed25519 AAAA me"`,
			"dynamic-login: root has the password of rootpwd\nroot:" + hash + "\ndynamic-login: root has the key of sshkey\n700 600\nold key\nssh-ed25519 AAAA me\n"},
		{`"rootpwd=` + hash + `" quiet`, "dynamic-login: root has the password of rootpwd\nroot:" + hash + "\n700 600\nold key\n"},
		{`rootpwd=` + hash, "dynamic-login: root has the password of rootpwd\nroot:" + hash + "\n700 600\nold key\n"},
		{`rootpwd=secret sshkey="old key"`, "dynamic-login: rootpwd is not an encrypted password, such as openssl passwd -6 prints: ignored\ndynamic-login: root has the key of sshkey\n700 600\nold key\n"},
		{`myrootpwd="` + hash + `" ro`, "755 644\nold key\n"},
	} {
		got := inRoot(t, nil, []string{"LINE=" + tc.line}, `mkdir -p /root/.ssh; echo old key >/root/.ssh/authorized_keys
printf '#!/bin/sh\n[ "$1" = -e ] && cat >/root/given\n' >/usr/local/bin/chpasswd; chmod +x /usr/local/bin/chpasswd
echo "$LINE" >/tmp/line; mount --bind /tmp/line /proc/cmdline
bash /tmp/in_target.d/static/usr/local/bin/dynamic-login >/tmp/said 2>&1; head -n 1 /tmp/said; [ ! -e /root/given ] || cat /root/given; tail -n +2 /tmp/said
stat -c %a /root/.ssh /root/.ssh/authorized_keys | paste -sd ' '; cat /root/.ssh/authorized_keys`, "dynamic-login")
		want := tc.want
		if !strings.Contains(tc.line, "sshkey") {
			want = strings.Replace(want, "700 600", "755 644", 1)
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.line, got, want)
		}
	}
}

func TestProxiesOfPackageTools(t *testing.T) {
	got := inRoot(t, nil, []string{"http_proxy=http://p/|x", "https_proxy=http://s/", "no_proxy=a,b"}, `mkdir -p /etc/apt/apt.conf.d /etc/zypp /etc/sysconfig
printf '[main]\nproxy=old\nx=y\n' >/etc/yum.conf; echo HTTP_PROXY=old >/etc/sysconfig/proxy
/tmp/in_target.d/pre-install.d/02-proxy-settings; cat /etc/yum.conf /etc/sysconfig/proxy /etc/apt/apt.conf.d/02-use-https-proxy`, "local-config")
	want := `[main]
proxy=http://p/%7Cx
x=y
HTTP_PROXY="http://p/|x"
HTTPS_PROXY="http://s/"
NO_PROXY="localhost, 127.0.0.1, a, b, 192.0.2.1"
PROXY_ENABLED="yes"
Acquire::https::Proxy "http://s/";
`
	if got != want {
		t.Error(got)
	}
	if got := inRoot(t, nil, nil, `mkdir -p /etc/apt/apt.conf.d; /tmp/in_target.d/pre-install.d/02-proxy-settings; ls /etc/apt/apt.conf.d`, "local-config"); got != "" {
		t.Error(got)
	}
}
