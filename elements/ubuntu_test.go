// SPDX-License-Identifier: MPL-2.0

//go:build linux

package elements

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/guest"
)

// The test's binary is the helper commands, as the plugin's is.
func TestMain(m *testing.M) {
	if code, handled := guest.Main(os.Args); handled {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

const cloudRoot = "noble-server-cloudimg-amd64.squashfs"

// cloudImages is a publisher's directory on loopback, and a build host's cache.
type cloudImages struct {
	t      *testing.T
	dir    string
	server *httptest.Server
	mu     sync.Mutex
	files  map[string][]byte // by name, below /noble/current
	stale  map[string][]byte // what a proxy has: for requests without Cache-Control
	asked  []string          // names of the files that were sent
	hang   chan struct{}     // if set, half of the image is sent, then nothing
}

func newCloudImages(t *testing.T) *cloudImages {
	t.Helper()
	c := &cloudImages{t: t, dir: t.TempDir(), files: map[string][]byte{}, stale: map[string][]byte{}}
	c.server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.server.Close)
	for _, name := range []string{"lib", "hooks/bin", "cache", "locks"} {
		if err := os.MkdirAll(filepath.Join(c.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("cache-url/bin/cache-url")
	if err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"lib/cache-url": self, "hooks/bin/cache-url": script} {
		if err := os.Symlink(target, filepath.Join(c.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *cloudImages) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/noble/current/")
	c.mu.Lock()
	content, ok := c.files[name]
	if old, held := c.stale[name]; held && r.Header.Get("Cache-Control") == "" {
		content = old
	}
	hang := c.hang
	if r.Header.Get("If-Modified-Since") == "" || c.stale[name] != nil {
		c.asked = append(c.asked, name)
	}
	c.mu.Unlock()
	switch {
	case !ok:
		http.NotFound(w, r)
	case hang != nil && name == cloudRoot:
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content[:len(content)/2])
		w.(http.Flusher).Flush()
		select {
		case hang <- struct{}{}:
			<-r.Context().Done()
		case <-r.Context().Done():
		}
	default:
		_, _ = w.Write(content)
	}
}

// publish puts an image and its checksum into the directory.
func (c *cloudImages) publish(image []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files[cloudRoot] = image
	c.files["SHA256SUMS"] = fmt.Appendf(nil, "%x *other-%s\n%x *%s\n", sha256.Sum256(nil), cloudRoot, sha256.Sum256(image), cloudRoot)
}

// put replaces a file, or removes it if there is no content.
func (c *cloudImages) put(name string, content []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if content == nil {
		delete(c.files, name)
		return
	}
	c.files[name] = content
}

// holdAfterHalf makes the server stop in the middle of the image and say so; nil ends that.
func (c *cloudImages) holdAfterHalf(told chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hang = told
}

// sent lists what was sent since the last call, and forgets it.
func (c *cloudImages) sent() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

// hook is a run of the hook with an empty tree; further variables win.
func (c *cloudImages) hook(env ...string) (cmd *exec.Cmd, root string) {
	c.t.Helper()
	root, err := os.MkdirTemp(c.dir, "root")
	if err != nil {
		c.t.Fatal(err)
	}
	cmd = exec.Command("ubuntu/root.d/10-cache-ubuntu-tarball")
	cmd.Env = append([]string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "ARCH=amd64", "DIB_RELEASE=noble", "DIB_OFFLINE=", "TARGET_ROOT=" + root,
		"_LIB=" + c.dir + "/lib", "TMP_HOOKS_PATH=" + c.dir + "/hooks", "DIB_IMAGE_CACHE=" + c.dir + "/cache",
		"DIB_LOCKFILES=" + c.dir + "/locks", "DIB_CLOUD_IMAGES=" + c.server.URL + "/noble/current",
	}, env...)
	return cmd, root
}

// run runs the hook to its end and returns what it unpacked and said.
func (c *cloudImages) run(env ...string) (version, output string, err error) {
	c.t.Helper()
	cmd, root := c.hook(env...)
	out, err := cmd.CombinedOutput()
	content, _ := os.ReadFile(root + "/etc/version")
	return string(content), string(out), err
}

// left lists the cache.
func (c *cloudImages) left() []string {
	c.t.Helper()
	entries, err := os.ReadDir(c.dir + "/cache")
	if err != nil {
		c.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// rootTarball is a small root file system with a file that tells its version.
func rootTarball(t *testing.T, version string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zip)
	for _, h := range []tar.Header{
		{Name: "./etc/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "./usr/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./etc/version", Size: int64(len(version)), Mode: 0o640},
	} {
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := archive.Write([]byte(version)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if archive.Close() != nil || zip.Close() != nil {
		t.Fatal("packing failed")
	}
	return packed.Bytes()
}

// needPrograms skips where a program is missing.
func needPrograms(t *testing.T, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
}

func TestUbuntuRootIsFetchedOnceAndChecked(t *testing.T) {
	needPrograms(t, "flock", "unsquashfs")
	t.Parallel()
	c := newCloudImages(t)
	want := func(version, output string, err error, wantVersion string, sent ...string) {
		t.Helper()
		if err != nil || version != wantVersion {
			t.Errorf("unpacked %q, want %q (%v):\n%s", version, wantVersion, err, output)
		}
		if got := c.sent(); !slices.Equal(got, sent) {
			t.Errorf("the server sent %v, want %v", got, sent)
		}
		if left := c.left(); !slices.Equal(left, []string{"SHA256SUMS.ubuntu.noble.amd64", cloudRoot}) {
			t.Errorf("in the cache: %v", left)
		}
	}
	c.publish(rootTarball(t, "one"))
	version, out, err := c.run()
	want(version, out, err, "one", "SHA256SUMS", cloudRoot)

	version, out, err = c.run() // unchanged: only the list is asked for
	want(version, out, err, "one")

	version, out, err = c.run("DIB_OFFLINE=1", "DIB_CLOUD_IMAGES=http://127.0.0.1:1")
	want(version, out, err, "one")

	c.publish(rootTarball(t, "two"))
	version, out, err = c.run("DIB_OFFLINE=1")
	want(version, out, err, "one")
	version, out, err = c.run()
	want(version, out, err, "two", cloudRoot)

	// Damage is noticed, with network mended.
	if err := os.WriteFile(c.dir+"/cache/"+cloudRoot, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	version, out, err = c.run("DIB_OFFLINE=1")
	if err == nil || version != "" || !strings.Contains(out, "is not what") {
		t.Errorf("a damaged file was used offline: %q\n%s", version, out)
	}
	version, out, err = c.run()
	want(version, out, err, "two", cloudRoot)
}

func TestUbuntuRootPastAStaleProxy(t *testing.T) {
	needPrograms(t, "flock", "unsquashfs")
	t.Parallel()
	for _, stale := range [][]string{{cloudRoot}, {"SHA256SUMS"}, {cloudRoot, "SHA256SUMS"}} {
		c := newCloudImages(t)
		c.publish(rootTarball(t, "old"))
		for _, name := range stale {
			c.mu.Lock()
			c.stale[name] = c.files[name]
			c.mu.Unlock()
		}
		c.publish(rootTarball(t, "new"))
		// A proxy with old copies of both is not to be told from a publisher.
		want := "new"
		if len(stale) == 2 {
			want = "old"
		}
		version, out, err := c.run()
		if err != nil || version != want {
			t.Errorf("%v: unpacked %q, want %q (%v)\n%s", stale, version, want, err, out)
		}
	}
}

func TestUbuntuRootSaysWhatIsWrong(t *testing.T) {
	needPrograms(t, "flock", "unsquashfs")
	t.Parallel()
	good := rootTarball(t, "good")
	for name, c := range map[string]struct {
		change func(*cloudImages)
		env    []string
		want   []string
	}{
		"bad sum": {change: func(c *cloudImages) { c.put(cloudRoot, rootTarball(t, "evil")) },
			want: []string{"has the checksum", fmt.Sprintf("says %x", sha256.Sum256(good)), "not used"}},
		"not listed": {env: []string{"BASE_IMAGE_FILE=mine.tar"}, change: func(c *cloudImages) { c.put("mine.tar", good) },
			want: []string{"has no line for mine.tar", cloudRoot}},
		"no list":         {change: func(c *cloudImages) { c.put("SHA256SUMS", nil) }, want: []string{"could not be fetched", "SHA256SUMS"}},
		"no image":        {change: func(c *cloudImages) { c.put(cloudRoot, nil) }, want: []string{"could not be fetched", "DIB_CLOUD_IMAGES"}},
		"nothing set":     {env: []string{"DIB_CLOUD_IMAGES="}, want: []string{"set DIB_CLOUD_IMAGES", "DIB_LOCAL_IMAGE", cloudRoot}},
		"offline, empty":  {env: []string{"DIB_OFFLINE=1"}, want: []string{"DIB_OFFLINE is set", "does not exist"}},
		"no local image":  {env: []string{"DIB_LOCAL_IMAGE=none.squashfs"}, want: []string{"DIB_LOCAL_IMAGE is none.squashfs", "not a file"}},
		"no archive":      {env: []string{"DIB_LOCAL_IMAGE=README.md"}, want: []string{"neither a squashfs nor a tar archive"}},
		"no root in file": {change: func(c *cloudImages) { c.publish(emptyTar(t)) }, want: []string{"no root file system"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			images := newCloudImages(t)
			images.publish(good)
			if c.change != nil {
				c.change(images)
			}
			version, out, err := images.run(c.env...)
			if err == nil || version != "" {
				t.Errorf("unpacked %q\n%s", version, out)
			}
			for _, want := range append(c.want, "ubuntu: ") {
				if !strings.Contains(out, want) {
					t.Errorf("does not say %q:\n%s", want, out)
				}
			}
			for _, left := range images.left() {
				if strings.HasSuffix(left, ".part") || left == cloudRoot && name != "no root in file" {
					t.Errorf("%s is left in the cache", left)
				}
			}
		})
	}
}

func emptyTar(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	if err := tar.NewWriter(&packed).Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// A build that is killed while it downloads leaves neither a file that looks whole nor a lock.
func TestUbuntuRootAfterAKill(t *testing.T) {
	needPrograms(t, "flock", "unsquashfs")
	t.Parallel()
	c := newCloudImages(t)
	c.publish(rootTarball(t, "whole"))
	half := make(chan struct{})
	c.holdAfterHalf(half)
	cmd, _ := c.hook()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-half:
	case <-time.After(10 * time.Minute):
		t.Error("the hook does not download")
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	if slices.Contains(c.left(), cloudRoot) {
		t.Error("half a file has the whole one's name")
	}
	c.holdAfterHalf(nil)
	version, out, err := c.run()
	if err != nil || version != "whole" {
		t.Errorf("unpacked %q (%v)\n%s", version, err, out)
	}
	if left := c.left(); len(left) != 2 {
		t.Errorf("in the cache: %v", left)
	}
}

// Builds at the same time fetch the file once.
func TestUbuntuRootIsLocked(t *testing.T) {
	needPrograms(t, "flock", "unsquashfs")
	t.Parallel()
	c := newCloudImages(t)
	c.publish(rootTarball(t, "one"))
	half := make(chan struct{})
	c.holdAfterHalf(half)
	first, _ := c.hook()
	first.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-half:
	case <-time.After(10 * time.Minute):
		t.Error("the hook does not download")
	}
	c.holdAfterHalf(nil)
	c.sent()
	// While the first one downloads the second one asks for nothing.
	second, root := c.hook()
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("flock", "-n", c.dir+"/locks/"+cloudRoot+".lock", "true").Run(); err == nil {
		t.Error("the first hook holds no lock")
	}
	if early := c.sent(); len(early) > 0 {
		t.Errorf("the second hook was sent %v beside the first", early)
	}
	if err := syscall.Kill(-first.Process.Pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	_ = first.Wait()
	if err := second.Wait(); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(root + "/etc/version"); string(got) != "one" {
		t.Errorf("the second hook unpacked %q (%v)", got, err)
	}
}

// What users bring along is judged by its content, not by its name.
func TestUbuntuLocalSquashfs(t *testing.T) {
	needPrograms(t, "mksquashfs", "unsquashfs")
	t.Parallel()
	c := newCloudImages(t)
	for _, dir := range []string{"etc", "usr"} {
		if err := os.MkdirAll(filepath.Join(c.dir, "tree", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(c.dir+"/tree/etc/version", []byte("squashed"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := c.dir + "/image.tar.gz"
	if out, err := exec.Command("mksquashfs", c.dir+"/tree", file, "-noappend", "-quiet").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	version, out, err := c.run("DIB_LOCAL_IMAGE="+file, "DIB_CLOUD_IMAGES=")
	if err != nil || version != "squashed" || len(c.sent()) > 0 || len(c.left()) > 0 {
		t.Errorf("unpacked %q (%v), in the cache %v\n%s", version, err, c.left(), out)
	}
}
