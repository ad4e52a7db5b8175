// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const deb822 = `# the archive
Types: deb deb-src
URIs: http://one.test/debian/
 http://two.test/debian
Suites: bookworm bookworm-updates
Components: main contrib
Enabled: yes

Types: deb
URIs: http://sec.test/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 Enabled: no

Types: deb
URIs: http://off.test/debian
Suites: trixie
Components: main
Enabled: no

Types: deb-src
URIs: http://src.test/debian
Suites: trixie
Components: main
`

const oneLine = `# deb http://comment.test/debian bookworm main
deb-src http://src.test/debian bookworm main
deb [arch=amd64 signed-by=/a/b.gpg] http://opt.test/debian/ bookworm main # trailing
deb	http://tab.test/debian	bookworm-backports	main contrib
deb[trusted=yes] http://tight.test/debian-security bookworm/updates main
debug http://no.test/x y z
deb [broken http://no.test/debian bookworm main
deb http://short.test
`

func TestParseSources(t *testing.T) {
	got := parseSourcesFile(deb822)
	want := []aptEntry{
		{"http://one.test/debian/", "bookworm", []string{"main", "contrib"}},
		{"http://one.test/debian/", "bookworm-updates", []string{"main", "contrib"}},
		{"http://two.test/debian", "bookworm", []string{"main", "contrib"}},
		{"http://two.test/debian", "bookworm-updates", []string{"main", "contrib"}},
		{"http://sec.test/debian-security", "bookworm-security", []string{"main"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(aptEntry{})); diff != "" {
		t.Error(diff)
	}
	got = parseSourcesList(oneLine)
	want = []aptEntry{
		{"http://opt.test/debian/", "bookworm", []string{"main"}},
		{"http://tab.test/debian", "bookworm-backports", []string{"main", "contrib"}},
		{"http://tight.test/debian-security", "bookworm/updates", []string{"main"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(aptEntry{})); diff != "" {
		t.Error(diff)
	}
}

func TestHostAptMirror(t *testing.T) {
	host := func(content map[string]string) map[string]string {
		all := map[string]string{"etc/os-release": "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID=\"12\"\n"}
		for name, text := range content {
			all[name] = text
		}
		return all
	}
	const d = "etc/apt/sources.list.d/"
	stranger := "deb http://stranger.test/repo bookworm main\n"
	cases := []struct {
		name, line, want string
		files            map[string]string
	}{
		{"deb822", "debian bookworm", "http://one.test/debian", host(map[string]string{d + "debian.sources": deb822})},
		{"deb822 security", "--security debian bookworm", "http://sec.test/debian-security", host(map[string]string{d + "debian.sources": deb822})},
		{"one line", "debian bookworm", "http://opt.test/debian", host(map[string]string{"etc/apt/sources.list": oneLine})},
		{"older security suite", "debian bookworm --security", "http://tight.test/debian-security", host(map[string]string{"etc/apt/sources.list": oneLine})},
		{"another release of the distribution", "debian trixie", "http://one.test/debian", host(map[string]string{d + "debian.sources": deb822})},
		{"another release's security", "--security debian trixie", "http://sec.test/debian-security", host(map[string]string{d + "debian.sources": deb822})},
		{"the release before others", "debian trixie", "http://t.test/debian", host(map[string]string{
			"etc/apt/sources.list": "deb http://b.test/debian bookworm main\ndeb http://t.test/debian trixie main\n"})},
		{"sources.list before its directory", "debian bookworm", "http://opt.test/debian", host(map[string]string{
			"etc/apt/sources.list": oneLine, d + "debian.sources": deb822})},
		{"strangers without a fitting name", "debian bookworm", "http://one.test/debian", host(map[string]string{
			d + "a.list": stranger, d + "debian.sources": deb822})},
		{"strangers by their origin", "debian bookworm", "http://mirror.test/all", host(map[string]string{
			d + "a.list": "deb http://stranger.test/debian bookworm main\n", d + "b.list": "deb http://mirror.test/all/ bookworm main\n",
			"var/lib/apt/lists/stranger.test_debian_dists_bookworm_InRelease": "-----BEGIN\nOrigin: Somebody\n",
			"var/lib/apt/lists/mirror.test_all_dists_bookworm_InRelease":      "-----BEGIN\nOrigin: Debian\n"})},
		{"no main", "debian bookworm", "", host(map[string]string{"etc/apt/sources.list": "deb http://docker.test/debian bookworm stable\n"})},
		{"cdrom", "debian bookworm", "", host(map[string]string{"etc/apt/sources.list": "deb cdrom:[x]/ bookworm main\n"})},
		{"a directory of this host", "debian bookworm", "", host(map[string]string{"etc/apt/sources.list": "deb file:/srv/debian bookworm main\n"})},
		{"this host", "debian bookworm", "http://m.test/debian", host(map[string]string{"etc/apt/sources.list": "deb http://localhost:3142/debian bookworm main\n" +
			"deb http://127.0.0.2/debian bookworm main\ndeb http://[::1]:80/debian bookworm main\ndeb http://LOCALHOST.localdomain/debian bookworm main\n" +
			"deb http://apt.localhost/debian bookworm main\ndeb http://[::ffff:127.0.0.1]/debian bookworm main\ndeb http://0.0.0.0/debian bookworm main\n" +
			"deb http://m.test/debian bookworm main\n"})},
		{"a password in the URI", "debian bookworm", "", host(map[string]string{"etc/apt/sources.list": "deb https://me:secret@m.test/debian bookworm main\n" +
			"deb https://me@m.test/debian bookworm main\ndeb https://m:%zz@m.test/debian bookworm main\n"})},
		{"a password in a list of mirrors", "debian bookworm", "", host(map[string]string{
			"etc/apt/sources.list":        "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n",
			"etc/apt/mirrors/debian.list": "https://me:secret@m1.test/debian\n"})},
		{"list of mirrors", "debian bookworm", "https://m1.test/debian", host(map[string]string{
			"etc/apt/sources.list":        "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n",
			"etc/apt/mirrors/debian.list": "# best\nhttps://m1.test/debian/ priority:1\nhttps://m2.test/debian\n"})},
		{"files that apt does not read", "debian bookworm", "", host(map[string]string{d + "x.list.save": oneLine})},
		{"another distribution", "ubuntu noble", "", host(map[string]string{d + "debian.sources": deb822})},
		{"no os-release", "debian bookworm", "", map[string]string{d + "debian.sources": deb822}},
		{"no sources", "debian bookworm", "", host(nil)},
	}
	for _, tc := range cases {
		tr := newTrial(t, nil, append([]string{"host-apt-mirror"}, strings.Fields(tc.line)...)...)
		files(t, tr.root, tc.files)
		status := tr.serve(t)
		if got := strings.TrimSuffix(tr.out.String(), "\n"); status != 0 || got != tc.want {
			t.Errorf("%s: %d %q %s", tc.name, status, got, &tr.err)
		}
	}
	if tr := newTrial(t, nil, "host-apt-mirror", "debian"); tr.serve(t) != 2 {
		t.Error("one argument was enough")
	}
}
