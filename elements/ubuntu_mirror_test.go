// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// setMirror runs ubuntu's hook on sources in a directory of the test's and returns what is
// there afterwards, by name.
func setMirror(t *testing.T, sources map[string]string, env ...string) map[string]string {
	t.Helper()
	script, err := os.ReadFile("ubuntu/pre-install.d/01-set-ubuntu-mirror")
	if err != nil {
		t.Fatal(err)
	}
	apt := t.TempDir()
	for _, dir := range []string{"sources.list.d", "apt.conf.d"} {
		if err := os.Mkdir(filepath.Join(apt, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range sources {
		if err := os.WriteFile(filepath.Join(apt, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := bash(t, env, strings.ReplaceAll(string(script), "/etc/apt", apt)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	found := map[string]string{}
	for _, name := range []string{"sources.list", "sources.list.d/ubuntu.sources", "apt.conf.d/95allow-unauthenticated"} {
		if text, err := os.ReadFile(filepath.Join(apt, name)); err == nil {
			found[name] = string(text)
		}
	}
	return found
}

const oneLineSources = `# See http://help.test/ubuntu for what this is.
deb http://archive.test/ubuntu/ noble main restricted
deb [arch=amd64] https://security.test/ubuntu noble-security main universe
deb-src http://ports.test/ubuntu-ports noble main
# deb http://archive.test/ubuntu noble-proposed main
deb http://ppa.test/someone/stuff noble main
deb http://archive.test/ubuntu noble multiverse`

const paragraphSources = `Types: deb
URIs: http://archive.test/ubuntu/ http://other.test/pool
Suites: noble noble-updates
Components: main universe
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
`

func TestUbuntuMirror(t *testing.T) {
	const mirror = "DIB_DISTRIBUTION_MIRROR=https://mirror.test/deep/ubuntu/"
	insecure := "apt.conf.d/95allow-unauthenticated"
	old, paragraphs := map[string]string{"sources.list": oneLineSources}, map[string]string{
		"sources.list": "# see ubuntu.sources: http://archive.test/ubuntu\n", "sources.list.d/ubuntu.sources": paragraphSources}
	replaced := strings.NewReplacer("deb http://archive.test/ubuntu/", "deb https://mirror.test/deep/ubuntu",
		"deb http://archive.test/ubuntu noble multi", "deb https://mirror.test/deep/ubuntu noble multi",
		"https://security.test/ubuntu", "https://mirror.test/deep/ubuntu", "http://ports.test/ubuntu-ports", "https://mirror.test/deep/ubuntu")
	for name, c := range map[string]struct {
		sources map[string]string
		env     []string
		want    map[string]string
	}{
		"none":  {old, nil, map[string]string{"sources.list": oneLineSources}},
		"lines": {old, []string{mirror}, map[string]string{"sources.list": replaced.Replace(oneLineSources) + "\n"}},
		"lines that stay": {old, []string{mirror, "DIB_DISTRIBUTION_MIRROR_UBUNTU_IGNORE=(universe|multiverse|deb-src)"}, map[string]string{
			"sources.list": strings.Replace(oneLineSources, "http://archive.test/ubuntu/", "https://mirror.test/deep/ubuntu", 1) + "\n"}},
		"paragraphs": {paragraphs, []string{mirror, "SIGNED_BY=/k.gpg"}, map[string]string{
			"sources.list": paragraphs["sources.list"], "sources.list.d/ubuntu.sources": strings.NewReplacer(
				"http://archive.test/ubuntu/", "https://mirror.test/deep/ubuntu", "/usr/share/keyrings/ubuntu-archive-keyring.gpg", "/k.gpg").Replace(paragraphSources)}},
		"no sources": {nil, []string{mirror}, map[string]string{}},
		"insecure": {nil, []string{mirror, "DIB_DISTRIBUTION_MIRROR_UBUNTU_INSECURE=1", "DIB_DISTRIBUTION_MIRROR_VERIFY_HTTPS=0"}, map[string]string{
			insecure: "APT::Get::AllowUnauthenticated \"true\";\nAcquire::AllowInsecureRepositories \"true\";\nAcquire::https::Verify-Peer \"false\";\n"}},
		"http needs no certificate": {nil, []string{"DIB_DISTRIBUTION_MIRROR=http://m.test/ubuntu", "DIB_DISTRIBUTION_MIRROR_VERIFY_HTTPS=0"}, map[string]string{}},
	} {
		got := setMirror(t, c.sources, c.env...)
		for _, file := range []string{"sources.list", "sources.list.d/ubuntu.sources", insecure} {
			if got[file] != c.want[file] {
				t.Errorf("%s: %s is\n%swant\n%s", name, file, got[file], c.want[file])
			}
		}
	}
}
