// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

var typedHooks = map[string]string{
	"install.d/nova-source-install/50-nova*":        "",
	"install.d/nova-package-install/50-nova*":       "",
	"install.d/nova-package-install/60-nova*":       "",
	"install.d/nova-package-install/.hidden":        "",
	"install.d/my-thing-source-install/10-thing*":   "",
	"install.d/my-thing-repo-install/10-thing*":     "",
	"install.d/other-source-install/01-other*":      "",
	"install.d/99-plain*":                           "",
	"install.d/01-other*":                           "stale",
	"install.d/not-a-type/05-no*":                   "",
	"post-install.d/x-source-install/01-elsewhere*": "",
}

// links lists the symbolic links of a directory with their targets.
func links(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		if entry.Type()&os.ModeSymlink != 0 {
			if found[entry.Name()], err = os.Readlink(filepath.Join(dir, entry.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	return found
}

var typeCases = []struct {
	env, warn string
	want      map[string]string
}{
	{"", "", map[string]string{
		"50-nova": "nova-source-install/50-nova", "10-thing": "my-thing-source-install/10-thing", "01-other": "other-source-install/01-other"}},
	{"DIB_INSTALLTYPE_nova=package DIB_INSTALLTYPE_my_thing=repo", "", map[string]string{
		"50-nova": "nova-package-install/50-nova", "60-nova": "nova-package-install/60-nova",
		"10-thing": "my-thing-repo-install/10-thing", "01-other": "other-source-install/01-other"}},
	{"DIB_DEFAULT_INSTALLTYPE=package DIB_INSTALLTYPE_other=source", "", map[string]string{
		"50-nova": "nova-package-install/50-nova", "60-nova": "nova-package-install/60-nova", "01-other": "other-source-install/01-other"}},
	{"DIB_INSTALLTYPE_nova=pip DIB_INSTALLTYPE_other=source DIB_INSTALLTYPE_my_thing=source",
		"DIB_INSTALLTYPE_nova=pip matches no directory install.d/nova-pip-install, so no hook of it runs; there are: package, source",
		map[string]string{"10-thing": "my-thing-source-install/10-thing", "01-other": "other-source-install/01-other"}},
	{"DIB_INSTALLTYPE_ghost=source DIB_DEFAULT_INSTALLTYPE=none", "no element has install types of that name", map[string]string{}},
}

func TestInstallTypes(t *testing.T) {
	for _, tc := range typeCases {
		dir := t.TempDir()
		files(t, dir, typedHooks)
		tr := newTrial(t, append(strings.Fields(tc.env), "TMP_HOOKS_PATH="+dir), "install-types-enable")
		if status := tr.serve(t); status != 0 {
			t.Errorf("%s: %s", tc.env, &tr.err)
		}
		if diff := cmp.Diff(tc.want, links(t, dir+"/install.d")); diff != "" {
			t.Errorf("%s: %s", tc.env, diff)
		}
		if said := tr.err.String(); tc.warn == "" && said != "" || !strings.Contains(said, tc.warn) {
			t.Errorf("%s: said %q", tc.env, said)
		}
	}
}

func TestInstallTypesAreUpstreams(t *testing.T) {
	script := upstreamScript(t, "elements/install-types/extra-data.d/99-enable-install-types")
	for _, tc := range typeCases {
		dir := t.TempDir()
		files(t, dir, typedHooks)
		err := command.Host{}.Run(t.Context(), command.Command{Path: "bash", Args: []string{script},
			Env: append([]string{"PATH=/usr/bin:/bin", "DIB_DEBUG_TRACE=0", "DIB_DEFAULT_INSTALLTYPE=source", "TMP_HOOKS_PATH=" + dir}, strings.Fields(tc.env)...)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, links(t, dir+"/install.d")); diff != "" {
			t.Errorf("%s: upstream differs from the table: %s", tc.env, diff)
		}
	}
}

func TestInstallTypesWithoutInstallHooks(t *testing.T) {
	tr := newTrial(t, []string{"TMP_HOOKS_PATH=" + t.TempDir()}, "install-types-enable")
	if status := tr.serve(t); status != 0 || tr.err.Len() > 0 {
		t.Errorf("%d %s", status, &tr.err)
	}
}

func TestElementManifest(t *testing.T) {
	image := t.TempDir()
	env := []string{"TMP_MOUNT_PATH=" + image, "IMAGE_ELEMENT=a b  c"}
	if tr := newTrial(t, env, "element-manifest"); tr.serve(t) != 0 || read(t, image, "etc/dib-manifests/dib-element-manifest") != "a\nb\nc\n" {
		t.Error(tr.err.String())
	}
	env = append(env, "DIB_ELEMENT_MANIFEST_PATH=/x/y")
	if tr := newTrial(t, env, "element-manifest"); tr.serve(t) != 0 || read(t, image, "x/y") != "a\nb\nc\n" {
		t.Error(tr.err.String())
	}
	if tr := newTrial(t, nil, "element-manifest"); tr.serve(t) != 1 || !strings.Contains(tr.err.String(), "IMAGE_ELEMENT is not set") {
		t.Error(tr.err.String())
	}
}

func TestInitSystem(t *testing.T) {
	if tr := newTrial(t, []string{"DIB_INIT_SYSTEM=systemd"}, "dib-init-system"); tr.serve(t) != 0 || tr.out.String() != "systemd\n" {
		t.Errorf("%q %s", tr.out.String(), &tr.err)
	}
	if tr := newTrial(t, nil, "dib-init-system"); tr.serve(t) != 1 {
		t.Error("no init system, no error")
	}
}
