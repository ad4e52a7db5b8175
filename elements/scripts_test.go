// SPDX-License-Identifier: MPL-2.0

package elements

import (
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// bash runs a script and returns what it prints and whether it failed.
func bash(t *testing.T, env []string, script string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("bash", append([]string{"-euc", script, "bash"}, args...)...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, env...)
	out, err := cmd.Output()
	return string(out), err
}

// Every kernel comes once: from package-installs.yaml if that knows it, else with the bootstrap.
func TestEveryKernelIsInstalled(t *testing.T) {
	file, err := FS().Open("debian-minimal/package-installs.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	doc, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`(?m)^(linux-image-.*):$`).FindAllStringSubmatch(string(doc), -1)
	if len(known) == 0 {
		t.Fatal("no kernels in package-installs.yaml")
	}
	kernels := map[string]bool{"linux-image-rt-amd64": true, "linux-image-686-pae": true}
	for _, match := range known {
		kernels[match[1]] = false
	}
	for kernel, want := range kernels {
		out, err := bash(t, []string{"DIB_DEBIAN_KERNEL=" + kernel}, `"$1"`, "./debian-minimal/bootstrap-packages.d/debian-minimal")
		if got := strings.Contains(out, kernel+"\n"); err != nil || got != want {
			t.Errorf("%s: bootstrapped %v, want %v; %v", kernel, got, want, err)
		}
	}
}

func TestDebianEnvironment(t *testing.T) {
	const script = `. ./debian-minimal/environment.d/10-debian-minimal.bash; echo "$DIB_DEBIAN_KERNEL $DIB_DEBIAN_SECURITY_PATH"`
	for env, want := range map[string]string{
		"":                                      "linux-image-amd64 bookworm-security",
		"ARCH=armhf":                            "linux-image-armmp bookworm-security",
		"ARCH=ppc64el":                          "linux-image-powerpc64le bookworm-security",
		"DIB_DEBIAN_SECURITY_SUBPATH=-security": "linux-image-amd64 bookworm-security",
		"DIB_DEBIAN_SECURITY_PATH=x DIB_RELEASE=trixie":           "linux-image-amd64 x",
		"DIB_RELEASE=buster":                                      "linux-image-amd64 buster/updates",
		"DIB_DEBIAN_SECURITY_SUBPATH=/updates DIB_RELEASE=buster": "linux-image-amd64 buster/updates",
	} {
		out, err := bash(t, strings.Fields(env), script)
		if got := strings.TrimSpace(out); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", env, got, err, want)
		}
	}
}
