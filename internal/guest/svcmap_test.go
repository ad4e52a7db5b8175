// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func TestSvcMap(t *testing.T) {
	tr := newTrial(t, nil, "svc-map", "mapped", "unit", "job", "unknown")
	files(t, tr.root, map[string]string{
		"usr/share/svc-map/services":      "mapped: other-name\nunit: not-this\njob: not-this\n",
		"lib/systemd/system/unit.service": "", "etc/init/job.conf": "",
	})
	if status := tr.serve(t); status != 0 || tr.out.String() != "other-name\nunit\njob\nunknown\n" {
		t.Errorf("%d %q %s", status, tr.out.String(), &tr.err)
	}
	bare := newTrial(t, nil, "svc-map", "a", "b")
	if status := bare.serve(t); status != 0 || bare.out.String() != "a\nb\n" {
		t.Errorf("without a map: %d %q", status, bare.out.String())
	}
}

var serviceFiles = map[string]string{
	"a/svc-map": "api:\n  default: d-api\n  debian: debian-api\n  redhat: redhat-api\nother:\n  ubuntu: u\nplain: {}\n",
	"b/svc-map": "sched:\n  suse: s\n  default: 'on'\n",
	"c/x":       "",
}

// mergeEnv is the environment of a build of the elements a, b and c.
func mergeEnv(dir, image, distro, elements string) []string {
	return []string{
		"IMAGE_ELEMENT=" + elements, "DISTRO_NAME=" + distro, "TMP_MOUNT_PATH=" + image,
		"IMAGE_ELEMENT_YAML={a: " + dir + "/a, b: " + dir + "/b, c: " + dir + "/c, d: " + dir + "/d}",
	}
}

func TestSvcMapMerge(t *testing.T) {
	cases := []struct{ distro, want string }{
		{"debian", "api: debian-api\nother: other\nplain: plain\nsched: \"on\"\n"},
		{"ubuntu", "api: debian-api\nother: u\nplain: plain\nsched: \"on\"\n"},
		{"fedora", "api: redhat-api\nother: other\nplain: plain\nsched: \"on\"\n"},
		{"opensuse", "api: d-api\nother: other\nplain: plain\nsched: s\n"},
		{"", "api: d-api\nother: other\nplain: plain\nsched: \"on\"\n"},
	}
	dir := t.TempDir()
	files(t, dir, serviceFiles)
	for _, tc := range cases {
		image := t.TempDir()
		tr := newTrial(t, mergeEnv(dir, image, tc.distro, "a b c"), "svc-map-merge")
		if status := tr.serve(t); status != 0 {
			t.Fatal(tr.err.String())
		}
		if diff := cmp.Diff(tc.want, read(t, image, svcMapMerged)); diff != "" {
			t.Errorf("%s: %s", tc.distro, diff)
		}
	}
}

func TestSvcMapMergeErrors(t *testing.T) {
	for content, want := range map[string]string{
		"api: {default: again}\n": "element d: DIR/d/svc-map: api already found in services list",
		"- x\n":                   "element d: DIR/d/svc-map: want a map of services, found a list",
		"x: y\n":                  "service x: want a map of distributions to names, found a string",
		"x: [\n":                  "DIR/d/svc-map: yaml",
	} {
		dir := t.TempDir()
		files(t, dir, serviceFiles)
		files(t, dir, map[string]string{"d/svc-map": content})
		tr := newTrial(t, mergeEnv(dir, t.TempDir(), "debian", "a b c d"), "svc-map-merge")
		if status := tr.serve(t); status != 1 || !strings.Contains(strings.ReplaceAll(tr.err.String(), dir, "DIR"), want) {
			t.Errorf("%q: status %d: %s", content, status, &tr.err)
		}
	}
}

func TestSvcMapMergeIsUpstreams(t *testing.T) {
	script := upstreamScript(t, "elements/svc-map/extra-data.d/10-merge-svc-map-files")
	dir := t.TempDir()
	files(t, dir, serviceFiles)
	for _, distro := range []string{"debian", "ubuntu", "fedora", "centos7", "opensuse", "gentoo"} {
		image, out := t.TempDir(), filepath.Join(t.TempDir(), "ours")
		files(t, image, map[string]string{"tmp/x": ""})
		env := mergeEnv(dir, image, distro, "a b c")
		env[3] = strings.Replace(env[3], ", d: "+dir+"/d", "", 1)
		if tr := newTrial(t, env, "svc-map-merge", out); tr.serve(t) != 0 {
			t.Fatal(tr.err.String())
		}
		if err := (command.Host{}).Run(t.Context(), command.Command{Path: "/usr/bin/python3", Args: []string{script}, Env: env}); err != nil {
			t.Fatal(err)
		}
		ours, err := readValue(out)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := readValue(image + svcMapMerged)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(theirs, ours, cmp.AllowUnexported(value{}, pair{})); diff != "" {
			t.Errorf("%s: %s", distro, diff)
		}
	}
}
