// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// traps fills a tree with ways out and returns paths that use them.
func traps(t *testing.T, root, outside string) []string {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	must(t, os.MkdirAll(filepath.Join(root, "deep/er"), 0o755))
	links := map[string]string{
		"absolute-dir": outside, "absolute-file": outside + "/secret", "absolute-new": outside + "/new",
		"deep/relative-dir": "../../outside", "deep/er/relative-file": "../../../../../outside/secret",
		"chain": "deep/relative-dir", "root": "/", "up": "..", "magic": "/proc/self/root",
	}
	for name, link := range links {
		must(t, os.Symlink(link, filepath.Join(root, name)))
	}
	return []string{
		"/absolute-dir/secret", "/absolute-file", "/absolute-new", "/deep/relative-dir/secret", "/deep/er/relative-file",
		"/chain/secret", "/../outside/secret", "../outside/secret", "/deep/../../outside/secret", "/up/outside/secret",
		"/root/../outside/secret", "/root" + outside + "/secret", "/magic" + outside + "/secret",
		"/absolute-dir/../outside/secret",
	}
}

func untouched(t *testing.T, outside string) {
	t.Helper()
	wantListing(t, outside, "-rw-r--r-- secret = secret")
}

func TestPutStaysInTheTree(t *testing.T) {
	guest, root, outside := plain(t)
	for _, path := range traps(t, root, outside) {
		if err := guest.Put(path, strings.NewReader("PWNED"), nil); err != nil {
			t.Errorf("%s: %v", path, err) // all of them are paths in the tree
		}
		if err := guest.Put(filepath.Dir(path)+"/", strings.NewReader("PWNED"), fileInfo(t, "secret", 0o600)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	untouched(t, outside)
}

func TestPutDirStaysInTheTree(t *testing.T) {
	here := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(here, "src/deep/relative-dir"), 0o755))
	must(t, os.MkdirAll(filepath.Join(here, "src/absolute-dir/new"), 0o755))
	for _, name := range []string{"deep/relative-dir/secret", "absolute-dir/secret", "absolute-file", "absolute-new"} {
		must(t, os.WriteFile(filepath.Join(here, "src", name), []byte("PWNED"), 0o644))
	}
	guest, root, outside := plain(t)
	paths := traps(t, root, outside)
	must(t, guest.PutDir("/", here+"/src/", nil))
	untouched(t, outside)
	for _, path := range paths {
		_ = guest.PutDir(filepath.Dir(path), here+"/src", nil) // a file may be in the way
		untouched(t, outside)
	}
}

func TestGetStaysInTheTree(t *testing.T) {
	guest, root, outside := plain(t)
	for _, path := range traps(t, root, outside) {
		var w bytes.Buffer
		if err := guest.Get(path, &w); err == nil || w.Len() > 0 {
			t.Errorf("%s: read %q", path, w.String())
		}
		dst := t.TempDir()
		if dir := filepath.Dir(path); dir != "/" { // a broken GetDir would copy the whole host
			_ = guest.GetDir(dir+"/", dst, nil)
		}
		if strings.Contains(listing(t, dst), "= secret") {
			t.Errorf("%s: copied\n%s", path, listing(t, dst))
		}
		if found, _ := guest.Glob(filepath.Dir(path) + "/secre*"); len(found) > 0 {
			t.Errorf("%s: found %q", path, found)
		}
	}
}

func TestGetDirStaysInItsDestination(t *testing.T) {
	guest, root, outside := plain(t)
	must(t, os.MkdirAll(filepath.Join(root, "src/sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "src/sub/secret"), []byte("PWNED"), 0o644))
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	dst := t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(dst, "sub"))) // left by an earlier, hostile download
	if err := guest.GetDir("/src/", dst, nil); err == nil {
		t.Error("a link out of the destination was followed")
	}
	untouched(t, outside)
}

// The guest swaps a directory for a link that leads out, all the time.
func TestNoRaceLeadsOut(t *testing.T) {
	guest, root, outside := plain(t)
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	must(t, os.MkdirAll(filepath.Join(root, "dir/sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "dir/secret"), []byte("inside"), 0o644))
	must(t, os.Symlink(outside, filepath.Join(root, "out")))
	here := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(here, "sub"), 0o755))
	must(t, os.WriteFile(filepath.Join(here, "sub/secret"), []byte("PWNED"), 0o644))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, root+"/dir", unix.AT_FDCWD, root+"/out", unix.RENAME_EXCHANGE)
			}
		}
	}()
	succeeded := 0
	for range 300 {
		if guest.Put("/dir/secret", strings.NewReader("inside"), nil) == nil {
			succeeded++
		}
		_ = guest.Put("/dir/new/secret", strings.NewReader("inside"), nil)
		_ = guest.PutDir("/dir", here+"/", nil)
		var w bytes.Buffer
		if guest.Get("/dir/secret", &w) == nil && w.String() == "secret" {
			t.Error("read from outside")
		}
	}
	close(stop)
	<-done
	untouched(t, outside)
	if succeeded == 0 {
		t.Error("nothing was ever written, so nothing was tested")
	}
}
