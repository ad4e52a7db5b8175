// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

func TestParseRepository(t *testing.T) {
	env := map[string]string{
		"DIB_REPOTYPE_my_over": "git", "DIB_REPOLOCATION_my_over": "/elsewhere", "DIB_REPOREF_my_over": "v2", "DIB_REPOTYPE_retyped": "git",
	}
	getenv := func(name, fallback string) string {
		if v := env[name]; v != "" {
			return v
		}
		return fallback
	}
	cases := []struct {
		line string
		want repository
	}{
		{"n git /opt/n https://h/n.git", repository{"n", "git", "/opt/n", "https://h/n.git", "master", false}},
		{"n git /opt/n https://h/n.git refs/changes/1/2", repository{"n", "git", "/opt/n", "https://h/n.git", "refs/changes/1/2", false}},
		{"n tar /opt/n https://h/n.tgz", repository{"n", "tar", "/opt/n", "https://h/n.tgz", "*", false}},
		{"n file /opt/n file:///x", repository{"n", "file", "/opt/n", "file:///x", "", false}},
		{"n package", repository{"n", "package", "", "", "", false}},
		{"my-over tar /opt/o https://h/o v1", repository{"my-over", "git", "/opt/o", "/elsewhere", "v2", true}},
		{"retyped package /opt/r /git/r", repository{"retyped", "git", "/opt/r", "/git/r", "master", false}},
	}
	for _, tc := range cases {
		got, err := parseRepository(tc.line, getenv)
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(repository{})); err != nil || diff != "" {
			t.Errorf("%s: %v %s", tc.line, err, diff)
		}
	}
	for _, line := range []string{"n", "n svn /x y", "n git /a b c d", " git"} {
		if r, err := parseRepository(line, getenv); err == nil || !strings.Contains(err.Error(), "Couldn't parse '"+line+"' as a source repository") {
			t.Errorf("%q: %+v %v", line, r, err)
		}
	}
}

// TestRepositoryLinesAreBashs: the pattern takes lines apart as bash does.
func TestRepositoryLinesAreBashs(t *testing.T) {
	lines := []string{
		"n git /opt/n https://h/n.git ref", "n git /opt/n https://h/n.git", "n git https://h/n.git ref", "n git /opt/n", "n git",
		"n git /opt/n ", "n tar /a b *", "n package", "n gitx", "n git/opt/x y", "n file /a /b", "n file /a /b /c /d",
	}
	script := `re='` + repositoryLine.String() + `'
while read -r line; do if [[ $line =~ $re ]]; then echo "${BASH_REMATCH[1]},${BASH_REMATCH[2]},${BASH_REMATCH[3]},${BASH_REMATCH[4]},${BASH_REMATCH[5]}"; else echo no; fi; done`
	out, err := command.Output(t.Context(), command.Host{}, command.Command{
		Path: "bash", Args: []string{"-c", strings.ReplaceAll(script, "read -r line", "IFS= read -r line")}, Stdin: strings.NewReader(strings.Join(lines, "\n") + "\n")})
	if err != nil {
		t.Fatal(err)
	}
	for i, theirs := range strings.Split(out, "\n") {
		ours := "no"
		if m := repositoryLine.FindStringSubmatch(lines[i]); m != nil {
			ours = strings.Join(m[1:], ",")
		}
		if ours != theirs {
			t.Errorf("%q: bash %s, we %s", lines[i], theirs, ours)
		}
	}
}

func TestRebase(t *testing.T) {
	for location, want := range map[string]string{
		"https://host/a/b.git":    "git://base/a/b.git",
		"https://host/~me/b.git":  "git://base/b.git",
		"git://host:99/x":         "git://base/x",
		"/local/path":             "/local/path",
		"https://u:p@host/x/y.gi": "git://base/x/y.gi",
	} {
		if got := rebase(location, "git://base/"); got != want {
			t.Errorf("%s: %s", location, got)
		}
	}
}

func TestEvaluateLines(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lines")
	files(t, filepath.Dir(file), map[string]string{"lines": "# comment\n\n  a git   /x $RELEASE   *\nb file /y $(echo run me) # trailing\n'#no' c\nlast tar /z"})
	tr := newTrial(t, []string{"PATH=/usr/bin:/bin", "RELEASE=bookworm"}, "source-repositories")
	got, err := tr.evaluateLines(t.Context(), file)
	if diff := cmp.Diff([]string{"a git /x bookworm *", "b file /y run me", "last tar /z"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	files(t, filepath.Dir(file), map[string]string{"lines": "a git /x $NOWHERE\n"})
	if _, err := tr.evaluateLines(t.Context(), file); err == nil || !strings.Contains(err.Error(), "NOWHERE: unbound variable") {
		t.Errorf("%v", err)
	}
}

// sources is a build with its cache, hooks and image.
type sources struct{ cache, hooks, image, remote string }

func newSources(t *testing.T) sources {
	t.Helper()
	dir := t.TempDir()
	s := sources{dir + "/cache", dir + "/hooks", dir + "/image", dir + "/remote"}
	for _, name := range []string{s.cache, s.hooks, s.image} {
		if err := os.MkdirAll(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// run runs source-repositories with these lines.
func (s sources) run(t *testing.T, lines string, env ...string) (*trial, int) {
	t.Helper()
	files(t, s.hooks, map[string]string{"source-repository-x": lines, "source-repository-x~": "nonsense\n"})
	tr := newTrial(t, append([]string{
		"PATH=/usr/bin:/bin", "HOME=" + s.cache, "DIB_IMAGE_CACHE=" + s.cache, "TMP_HOOKS_PATH=" + s.hooks, "TMP_MOUNT_PATH=" + s.image,
		"IMAGE_NAME=/out/my-image", "DIB_DEFAULT_INSTALLTYPE=source",
	}, env...), "source-repositories")
	return tr, tr.serve(t)
}

// gitRemote makes a repository with a branch, a tag and a ref beside both.
func gitRemote(t *testing.T, dir string) {
	t.Helper()
	_, errs, status := runProgram(t, []string{"HOME=/nowhere", "GIT_CONFIG_NOSYSTEM=1"}, "bash", "-c", `set -e
git init -q -b master "$1"; cd "$1"
git config user.name n; git config user.email e@test
echo one >file; git add file; git commit -qm one; git tag v1
echo two >file; git commit -qam two
git checkout -q -b topic; echo topic >file; git commit -qam topic
git update-ref refs/changes/01/1 HEAD; git checkout -q master; git branch -qD topic`, "bash", dir)
	if status != 0 {
		t.Fatal(errs)
	}
}

func TestGitSources(t *testing.T) {
	s := newSources(t)
	gitRemote(t, s.remote)
	for ref, want := range map[string]string{"": "two\n", "v1": "one\n", "refs/changes/01/1": "topic\n", "*": "two\n"} {
		if err := os.RemoveAll(s.image + "/opt"); err != nil {
			t.Fatal(err)
		}
		tr, status := s.run(t, "a-b git /opt/a file://"+s.remote+" "+ref+"\n")
		if status != 0 || read(t, s.image, "opt/a/file") != want {
			t.Errorf("ref %q: %d %s", ref, status, &tr.err)
		}
	}
	manifest := read(t, s.image, "etc/dib-manifests/dib-manifest-git-my-image")
	if !regexp.MustCompile(`^a-b git /opt/a file://` + s.remote + ` [0-9a-f]{40}\n$`).MatchString(manifest) {
		t.Errorf("%q", manifest)
	}
	if got := read(t, s.image, repositoriesFile); got != strings.Repeat("/opt/a\n", 4) {
		t.Errorf("%q", got)
	}
	found, err := filepath.Glob(s.cache + "/source-repositories/a_b_????????????????????????????????????????")
	if err != nil || len(found) != 1 {
		t.Errorf("the cache holds %q", found)
	}
}

func TestGitSourcesTwice(t *testing.T) {
	s := newSources(t)
	gitRemote(t, s.remote)
	line := "a git /opt/a " + s.remote
	if tr, status := s.run(t, line+" v1\n"+line+" v1\n"); status != 0 {
		t.Errorf("the same source twice: %s", &tr.err)
	}
	if tr, status := s.run(t, line+" master\n"); status != 1 || !strings.Contains(tr.err.String(), "REPOREFS don't match: /opt/a is there already") {
		t.Errorf("%d %s", status, &tr.err)
	}
	if tr, status := s.run(t, "b git /opt/a file://"+s.remote+" v1\n"); status != 1 || !strings.Contains(tr.err.String(), "REPOLOCATIONS don't match") {
		t.Errorf("%d %s", status, &tr.err)
	}
}

func TestGitSourcesOffline(t *testing.T) {
	s := newSources(t)
	gitRemote(t, s.remote)
	line := "a git /opt/a " + s.remote + " v1\n"
	if tr, status := s.run(t, line); status != 0 {
		t.Fatal(tr.err.String())
	}
	if err := errorsOf(os.RemoveAll(s.image+"/opt"), os.RemoveAll(s.remote)); err != nil {
		t.Fatal(err)
	}
	if tr, status := s.run(t, line, "DIB_OFFLINE=1"); status != 0 || read(t, s.image, "opt/a/file") != "one\n" {
		t.Errorf("%d %s", status, &tr.err)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestGitSourcesFailures(t *testing.T) {
	s := newSources(t)
	gitRemote(t, s.remote)
	if tr, status := s.run(t, "a git /opt/a "+s.remote+" no-such-ref\n"); status != 1 || !strings.Contains(tr.err.String(), "source a: git: Failed to find reference to no-such-ref") {
		t.Errorf("%d %s", status, &tr.err)
	}
	w := &repositories{c: &newTrial(t, nil, "source-repositories").call}
	tries := 0
	err := w.try(t.Context(), func() error { tries++; return &command.ExitError{Status: 128} })
	if err == nil || tries != gitTries {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestGitSourcesRebased(t *testing.T) {
	s := newSources(t)
	gitRemote(t, filepath.Join(s.remote, "a.git"))
	if tr, status := s.run(t, "a git /opt/a https://host.invalid/a.git v1\n", "DIB_GITREPOBASE="+s.remote+"/"); status != 0 || read(t, s.image, "opt/a/file") != "one\n" {
		t.Errorf("%d %s", status, &tr.err)
	}
}

func TestTarAndFileSources(t *testing.T) {
	s := newSources(t)
	_, errs, status := runProgram(t, nil, "bash", "-c", `set -e; mkdir -p "$1"/top/sub "$1"/more; cd "$1"
echo x >top/file; ln -s file top/link; chmod 750 top/file; echo m >more/m; echo r >root; tar -czf t.tgz top more root; echo plain >plain`, "bash", s.remote)
	if status != 0 {
		t.Fatal(errs)
	}
	url := "file://" + s.remote
	cases := []struct {
		line string
		want []string
	}{
		{"t tar /opt/t " + url + "/t.tgz", []string{"file", "link", "m", "sub"}},
		{"t tar /opt/t " + url + "/t.tgz top", []string{"file", "link", "sub"}},
		{"t tar /opt/t " + url + "/t.tgz .", []string{"more", "root", "top"}},
		{"t file /opt/t/renamed " + url + "/plain", []string{"renamed"}},
	}
	for _, tc := range cases {
		if err := os.RemoveAll(s.image + "/opt"); err != nil {
			t.Fatal(err)
		}
		tr, status := s.run(t, tc.line+"\n")
		entries, err := os.ReadDir(s.image + "/opt/t")
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		if status != 0 || err != nil || !slices.Equal(names, tc.want) {
			t.Errorf("%s: %d %q %s", tc.line, status, names, &tr.err)
		}
	}
	if left, _ := filepath.Glob(s.image + "/tmp/*"); len(left) > 0 {
		t.Errorf("left in the image: %q", left)
	}
	// What is in the cache is good enough offline, whatever became of the origin.
	if err := errorsOf(os.RemoveAll(s.remote), os.RemoveAll(s.image+"/opt")); err != nil {
		t.Fatal(err)
	}
	if tr, status := s.run(t, cases[1].line+"\n"+cases[3].line+"\n", "DIB_OFFLINE=1"); status != 0 || read(t, s.image, "opt/t/renamed") != "plain\n" {
		t.Errorf("offline: %d %s", status, &tr.err)
	}
	if tr, status := s.run(t, cases[1].line+"\n"); status != 1 || !strings.Contains(tr.err.String(), "source t: fetching") {
		t.Errorf("%d %s", status, &tr.err)
	}
}

func TestSourcesThatAreRefused(t *testing.T) {
	s := newSources(t)
	for line, want := range map[string]string{
		"p package":                 "Unsupported repository type: package",
		"x git /opt/x":              "lacks a destination or a location",
		"nonsense":                  "Couldn't parse 'nonsense' as a source repository",
		"t tar /opt/t file:///x ..": `the ref ".." leads out of the tarball`,
	} {
		if tr, status := s.run(t, line+"\n"); status != 1 || !strings.Contains(tr.err.String(), want) {
			t.Errorf("%s: %d %s", line, status, &tr.err)
		}
	}
	for _, env := range []string{"NO_SOURCE_REPOSITORIES=1", "DIB_INSTALLTYPE_a_b=package", "DIB_DEFAULT_INSTALLTYPE=package"} {
		if tr, status := s.run(t, "a-b git /opt/x file:///nowhere\n", env); status != 0 {
			t.Errorf("%s: %s", env, &tr.err)
		}
	}
	if _, err := os.Stat(s.image + repositoriesFile); err == nil {
		t.Error("sources that were skipped are on record")
	}
}

func TestSourcesAdoptTheOldCache(t *testing.T) {
	s := newSources(t)
	files(t, s.cache, map[string]string{"repository-sources/x": "old"})
	if tr, status := s.run(t, ""); status != 0 || read(t, s.cache, "source-repositories/x") != "old" {
		t.Errorf("%d %s", status, &tr.err)
	}
}

// TestSourcesStayInTheImage: a link in the image must not lead a copy out of it.
func TestSourcesStayInTheImage(t *testing.T) {
	s := newSources(t)
	outside := t.TempDir()
	files(t, s.remote, map[string]string{"plain": "x"})
	if err := os.Symlink(outside, s.image+"/opt"); err != nil {
		t.Fatal(err)
	}
	if _, status := s.run(t, "f file /opt/f file://"+s.remote+"/plain\n"); status != 1 {
		t.Errorf("status %d", status)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Error("written outside of the image")
	}
}
