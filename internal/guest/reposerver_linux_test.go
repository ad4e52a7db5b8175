// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// forge is a web server with a git repository over git's own protocol, and files.
type forge struct {
	*httptest.Server
	dir string
	mu  sync.Mutex
	// requests counts by path; half answers with half of a file and then fails.
	requests map[string]int
	half     map[string]int
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{dir: t.TempDir(), requests: map[string]int{}, half: map[string]int{}}
	gitRemote(t, f.dir+"/git/a")
	_, errs, status := runProgram(t, nil, "bash", "-c", `set -e; mkdir -p "$1/files" "$1/tmp/top"; echo x >"$1/tmp/top/file"
tar -C "$1/tmp" -czf "$1/files/t.tgz" top; echo plain >"$1/files/plain"`, "bash", f.dir)
	if status != 0 {
		t.Fatal(errs)
	}
	backend := &cgi.Handler{
		Path: "/usr/lib/git-core/git-http-backend", Root: "/git",
		Env:    []string{"GIT_PROJECT_ROOT=" + f.dir + "/git", "GIT_HTTP_EXPORT_ALL=1", "HOME=" + f.dir},
		Stderr: io.Discard,
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.requests[r.URL.Path]++
		f.half[r.URL.Path]--
		half := f.half[r.URL.Path] >= 0
		f.mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, "/git/"):
			backend.ServeHTTP(w, r)
		case half:
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "half")
		default:
			http.StripPrefix("/", http.FileServer(http.Dir(f.dir+"/files"))).ServeHTTP(w, r)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *forge) count(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[path]
}

// fetch runs source-repositories without its pauses; its error is what the command
// would print.
func (s sources) fetch(t *testing.T, lines string, env ...string) (string, error) {
	t.Helper()
	files(t, s.hooks, map[string]string{"source-repository-x": lines})
	tr := newTrial(t, append([]string{
		"PATH=/usr/bin:/bin", "HOME=" + s.cache, "DIB_IMAGE_CACHE=" + s.cache, "TMP_HOOKS_PATH=" + s.hooks, "TMP_MOUNT_PATH=" + s.image,
		"IMAGE_NAME=/out/my-image", "DIB_DEFAULT_INSTALLTYPE=source",
	}, env...), "source-repositories")
	w, err := tr.openRepositories()
	if err != nil {
		t.Fatal(err)
	}
	w.pause, w.fetcher.delay = 0, 0
	err = w.bringFiles(t.Context(), []string{s.hooks + "/source-repository-x"})
	if closing := w.image.Close(); closing != nil {
		t.Error(closing)
	}
	return tr.out.String() + tr.err.String(), err
}

// anotherImage is another build with the same cache.
func (s sources) anotherImage(t *testing.T) sources {
	t.Helper()
	other := newSources(t)
	other.cache = s.cache
	return other
}

func TestSourcesOverHTTP(t *testing.T) {
	t.Parallel()
	f, s := newForge(t), newSources(t)
	lines := strings.ReplaceAll("a git /opt/a URL/git/a v1\nb git /opt/b URL/git/a\nt tar /opt/t URL/t.tgz top\nf file /opt/f URL/plain\n", "URL", f.URL)
	check := func(s sources) {
		t.Helper()
		for file, want := range map[string]string{"a/file": "one\n", "b/file": "two\n", "t/file": "x\n", "f": "plain\n"} {
			if got := read(t, s.image, "opt", file); got != want {
				t.Errorf("%s: %q, want %q", file, got, want)
			}
		}
	}
	if said, err := s.fetch(t, lines); err != nil {
		t.Fatalf("%v %s", err, said)
	}
	check(s)
	// What has not changed is asked for and not sent again.
	second := s.anotherImage(t)
	if said, err := second.fetch(t, lines); err != nil || strings.Count(said, "has not changed") != 2 {
		t.Errorf("%v %s", err, said)
	}
	check(second)
	before := f.count("/t.tgz")
	third := s.anotherImage(t)
	if said, err := third.fetch(t, strings.ReplaceAll(lines, "URL/git/a v1", "URL/git/a")+"", "DIB_OFFLINE=1"); err != nil || f.count("/t.tgz") != before {
		t.Errorf("offline: %v %s", err, said)
	}
	f.Close()
	// With the server gone the cache does.
	fourth := s.anotherImage(t)
	if said, err := fourth.fetch(t, lines, "DIB_OFFLINE=1"); err != nil {
		t.Errorf("server gone: %v %s", err, said)
	}
	check(fourth)
	if said, err := s.anotherImage(t).fetch(t, lines); err == nil || !strings.Contains(err.Error(), "source a: fetching "+f.URL+"/git/a: ") || strings.Count(said, "try ") != gitTries-1 {
		t.Errorf("%v %s", err, said)
	}
	// What the cache lacks is not found offline, and the message says so.
	for _, line := range []string{"a git /opt/a " + f.URL + "/git/a no-such-ref\n", "n git /opt/n " + f.URL + "/git/new\n", "t tar /opt/t " + f.URL + "/new.tgz .\n"} {
		_, err := s.anotherImage(t).fetch(t, line, "DIB_OFFLINE=1")
		if err == nil || !strings.Contains(err.Error(), "DIB_OFFLINE is set, but what is wanted is not in the cache at "+s.cache) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestSourcesThatFailOverHTTP(t *testing.T) {
	t.Parallel()
	f, s := newForge(t), newSources(t)
	for line, want := range map[string]string{
		"a git /opt/a URL/git/a no-such-ref":   "source a: git: Failed to find reference to no-such-ref in URL/git/a",
		"n git /opt/n URL/git/none":            "source n: cloning URL/git/none: git clone ",
		"t tar /opt/t URL/none.tgz .":          "source t: fetching URL/none.tgz: Server returned an unexpected response code. [404]",
		"p tar /opt/p URL/plain .":             "source p: unpacking CACHE/source-repositories/p_",
		"d tar /opt/d URL/t.tgz elsewhere":     `source d: the tarball holds no directory "elsewhere"`,
		"w file /opt/w URL/plain\nw file /tmp": "source w: the line lacks a destination or a location",
	} {
		_, err := s.anotherImage(t).fetch(t, strings.ReplaceAll(line, "URL", f.URL)+"\n")
		if err == nil || !strings.Contains(strings.NewReplacer(f.URL, "URL", s.cache, "CACHE").Replace(err.Error()), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	// A download that breaks off is tried again; for good it leaves no cache entry.
	line := "f file /opt/f " + f.URL + "/plain\n"
	f.mu.Lock()
	f.half["/plain"] = 2
	f.mu.Unlock()
	if said, err := s.fetch(t, line); err != nil || read(t, s.image, "opt/f") != "plain\n" {
		t.Errorf("%v %s", err, said)
	}
	f.mu.Lock()
	f.half["/t.tgz"] = 99
	f.mu.Unlock()
	if _, err := s.fetch(t, "new tar /opt/t "+f.URL+"/t.tgz .\n"); err == nil || !strings.Contains(err.Error(), "after 4 bytes: unexpected EOF") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(s.cache + "/source-repositories/new_*"); len(left) > 0 {
		t.Errorf("half a download is in the cache: %q", left)
	}
}

func TestBrokenCacheEntriesAreNoticed(t *testing.T) {
	t.Parallel()
	f, s := newForge(t), newSources(t)
	lines := strings.ReplaceAll("a git /opt/a URL/git/a v1\nt tar /opt/t URL/t.tgz top\n", "URL", f.URL)
	if said, err := s.fetch(t, lines); err != nil {
		t.Fatalf("%v %s", err, said)
	}
	ruin := func() {
		for pattern, file := range map[string]string{"a_*": "/.git/HEAD", "t_*": ""} {
			found, err := filepath.Glob(s.cache + "/source-repositories/" + pattern)
			if err != nil || len(found) != 1 {
				t.Fatalf("%q %v", found, err)
			}
			if err := os.WriteFile(found[0]+file, []byte("rubbish"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	ruin()
	for line, want := range map[string]string{
		strings.SplitAfter(lines, "\n")[0]: "is no git repository, and DIB_OFFLINE is set; remove it",
		strings.SplitAfter(lines, "\n")[1]: "source t: unpacking " + s.cache,
	} {
		if _, err := s.anotherImage(t).fetch(t, line, "DIB_OFFLINE=1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("offline: %s: %v", line, err)
		}
	}
	healed := s.anotherImage(t)
	said, err := healed.fetch(t, lines)
	if err != nil || read(t, healed.image, "opt/a/file")+read(t, healed.image, "opt/t/file") != "one\nx\n" {
		t.Errorf("%v %s", err, said)
	}
	for _, want := range []string{"is no git repository; cloning it anew", "cannot be unpacked; fetching it anew"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %s", want, said)
		}
	}
}

// TestSourcesOfParallelBuilds: one cache, several builds at once; the first fills it.
func TestSourcesOfParallelBuilds(t *testing.T) {
	t.Parallel()
	f, s := newForge(t), newSources(t)
	lines := strings.ReplaceAll("a git /opt/a URL/git/a v1\nt tar /opt/t URL/t.tgz top\n", "URL", f.URL)
	var builds sync.WaitGroup
	for range 4 {
		build := s.anotherImage(t)
		builds.Go(func() {
			said, err := build.fetch(t, lines)
			if err != nil || read(t, build.image, "opt/a/file")+read(t, build.image, "opt/t/file") != "one\nx\n" {
				t.Errorf("%v %s", err, said)
			}
		})
	}
	builds.Wait()
	found, err := filepath.Glob(s.cache + "/source-repositories/?_*")
	if err != nil || len(found) != 2 {
		t.Errorf("the cache holds %q %v", found, err)
	}
}

// TestSourcesAreUpstreams runs diskimage-builder's own hook with the same lines and
// compares the images: files, records, manifest. Its rsync is stood in for by cp.
func TestSourcesAreUpstreams(t *testing.T) {
	t.Parallel()
	hook := filepath.Join(upstream, "elements/source-repositories/extra-data.d/98-source-repositories")
	if _, err := os.Stat(hook); err != nil {
		t.Skip("diskimage-builder is not installed here to compare with")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("diskimage-builder's cache-url needs curl")
	}
	f := newForge(t)
	cases := []struct{ lines, env string }{
		{"a git /opt/a URL/git/a\nb-c git /opt/b.c URL/git/a v1", ""},
		{"a git /opt/a URL/git/a v1", "DIB_REPOREF_a=master"},
		{"a-b git /opt/a URL/nowhere", "DIB_REPOLOCATION_a_b=URL/git/a"},
		{"a git /opt/a https://host.test/a v1", "DIB_GITREPOBASE=URL/git/"},
		{"a git /opt/a URL/git/a *", ""},
		{"a git /opt/a URL/git/a refs/changes/01/1", ""},
		{"a git /opt/a URL/git/a\na git /opt/a URL/git/a", ""},
		{"a git /opt/a URL/git/a\na git /opt/a URL/git/a v1", ""},
		{"a git /opt/a URL/git/a nowhere", ""},
		{"t tar /opt/t URL/t.tgz\nf file /opt/d/f URL/plain", ""},
		{"t tar /opt/t URL/t.tgz .\n# no\n\n  u tar /opt/u URL/t.tgz top", ""},
		{"t file /opt/t URL/t.tgz", "DIB_REPOTYPE_t=tar DIB_REPOREF_t=top"},
		{"f file /opt/$WHERE URL/pla$(echo in)", "WHERE=elsewhere"},
		{"p package\na git /opt/a URL/git/a", "DIB_INSTALLTYPE_p=package"},
		{"p package", ""},
		{"a git /opt/a URL/git/a\nnonsense", ""},
		{"a git /opt/a URL/git/a", "NO_SOURCE_REPOSITORIES=1"},
		{"a git /opt/a URL/git/a", "DIB_DEFAULT_INSTALLTYPE=package"},
	}
	bin := linked(t, "sudo")
	files(t, bin, map[string]string{"rsync*": "#!/bin/sh\nshift 2\nexec cp -a \"$1\" \"$2\"\n"})
	for _, tc := range cases {
		lines, env := strings.ReplaceAll(tc.lines, "URL", f.URL)+"\n", strings.Fields(strings.ReplaceAll(tc.env, "URL", f.URL))
		ours, theirs := newSources(t), newSources(t)
		// Upstream's manifest has the end of a build's directory in its name.
		theirs.image = filepath.Join(filepath.Dir(theirs.image), "dib_build.x", "mnt")
		var said string
		var err error
		if !strings.Contains(tc.env, "NO_SOURCE") {
			said, err = ours.fetch(t, lines, append(env, "DIB_MANIFEST_IMAGE_DIR=/etc/dib-manifests", "DIB_OFFLINE=")...)
		}
		files(t, theirs.hooks, map[string]string{"source-repository-x": lines})
		files(t, theirs.image, map[string]string{"tmp/x": "", "etc/dib-manifests/x": ""})
		files(t, ours.image, map[string]string{"tmp/x": "", "etc/dib-manifests/x": ""})
		if err := os.MkdirAll(theirs.hooks+"/bin", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(upstream, "elements/cache-url/bin/cache-url"), theirs.hooks+"/bin/cache-url"); err != nil {
			t.Fatal(err)
		}
		_, errs, status := runProgram(t, append([]string{
			"PATH=" + bin + ":/usr/bin:/bin", "HOME=" + theirs.cache, "DIB_IMAGE_CACHE=" + theirs.cache, "TMP_HOOKS_PATH=" + theirs.hooks, "TMP_MOUNT_PATH=" + theirs.image,
			"IMAGE_NAME=/out/my-image", "DIB_DEFAULT_INSTALLTYPE=source", "DIB_MANIFEST_IMAGE_DIR=/etc/dib-manifests", "DIB_OFFLINE=",
		}, env...), hook)
		if (status != 0) != (err != nil) {
			t.Errorf("%s %s: %v %s; upstream %d %s", tc.lines, tc.env, err, said, status, errs)
			continue
		}
		// Files are nobody's but root's there, as mktemp made them; ours can be read.
		want := strings.ReplaceAll(treeOf(t, theirs.image), ": 600 ", ": 644 ")
		if diff := cmp.Diff(want, treeOf(t, ours.image)); err == nil && diff != "" {
			t.Errorf("%s %s: %s\n%s", tc.lines, tc.env, diff, said)
		}
	}
}

// treeOf lists a tree: every file outside of .git with its content, and the branches
// and checked out commits of repositories.
func treeOf(t *testing.T, dir string) string {
	t.Helper()
	out, errs, status := runProgram(t, nil, "bash", "-c", `cd "$1"
find . -name .git -prune -o -type f -print | LC_ALL=C sort | while read -r file; do echo "$file: $(stat -c %a "$file") $(sha256sum <"$file")"; done
find . -name .git | sort | while read -r git; do echo "$git"; git --git-dir="$git" for-each-ref --format='%(refname) %(objectname)'; git --git-dir="$git" rev-parse HEAD; done`, "bash", dir)
	if status != 0 {
		t.Fatal(errs)
	}
	return out
}

// TestSourcesThroughAProxy: hosts that only the proxy knows. The programs are real ones
// of their own, for Go reads such variables once.
func TestSourcesThroughAProxy(t *testing.T) {
	t.Parallel()
	f, s := newForge(t), newSources(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if _, password, _ := login.BasicAuth(); password != "pw" || r.URL.Host != "mirror.test" {
			w.Header().Set("Proxy-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		f.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	files(t, s.hooks, map[string]string{"source-repository-x": "a git /opt/a http://mirror.test/git/a v1\nf file /opt/f http://mirror.test/plain\n"})
	env := []string{
		"HOME=" + s.cache, "DIB_IMAGE_CACHE=" + s.cache, "TMP_HOOKS_PATH=" + s.hooks, "TMP_MOUNT_PATH=" + s.image,
		"IMAGE_NAME=/out/my-image", "http_proxy=" + strings.Replace(proxy.URL, "http://", "http://me:pw@", 1),
	}
	program := filepath.Join(linked(t, "source-repositories", "cache-url"), "source-repositories")
	out, errs, status := runProgram(t, env, program)
	if status != 0 || read(t, s.image, "opt/a/file")+read(t, s.image, "opt/f") != "one\nplain\n" || strings.Contains(out+errs, "me:pw") {
		t.Errorf("%d %s %s", status, out, errs)
	}
	// A host that is to be asked directly is not there.
	dest := filepath.Join(t.TempDir(), "f")
	_, errs, status = runProgram(t, append(env, "no_proxy=mirror.test"), filepath.Join(filepath.Dir(program), "cache-url"), "http://mirror.test/plain", dest)
	if status == 0 || strings.Contains(errs, "pw") {
		t.Errorf("%d %s", status, errs)
	}
}

// TestManifestHasNoPassword: nor has what is said.
func TestManifestHasNoPassword(t *testing.T) {
	t.Parallel()
	f, s := newForge(t), newSources(t)
	said, err := s.fetch(t, "a git /opt/a "+strings.Replace(f.URL, "http://", "http://me:hidden@", 1)+"/git/a v1\n")
	manifest := read(t, s.image, "etc/dib-manifests/dib-manifest-git-my-image")
	if err != nil || strings.Contains(said+manifest, "hidden") || !strings.HasPrefix(manifest, "a git /opt/a http://me:") {
		t.Errorf("%v %s %s", err, said, manifest)
	}
}
