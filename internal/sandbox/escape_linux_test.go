// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/sandbox/sandboxtest"
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
	sandboxtest.WantListing(t, outside, "-rw-r--r-- secret = secret")
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
		if strings.Contains(sandboxtest.Listing(t, dst), "= secret") {
			t.Errorf("%s: copied\n%s", path, sandboxtest.Listing(t, dst))
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

// swap exchanges pairs of paths of a tree all the time, as a process with its
// root there could do it, until stop is closed.
func swap(root string, pairs [][2]string, stop <-chan struct{}) (swaps int, err error) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if os.Geteuid() == 0 {
		if err := errors.Join(unix.Unshare(unix.CLONE_FS), unix.Chroot(root)); err != nil {
			return 0, err
		}
		root = "/"
	}
	for {
		for _, p := range pairs {
			select {
			case <-stop:
				return swaps, nil
			default:
			}
			if unix.Renameat2(unix.AT_FDCWD, filepath.Join(root, p[0]), unix.AT_FDCWD, filepath.Join(root, p[1]), unix.RENAME_EXCHANGE) == nil {
				swaps++
			}
			time.Sleep(10 * time.Microsecond) // others have work to do on this machine
		}
	}
}

// The guest swaps directories and files for links that lead out, all the time.
func TestNoRaceLeadsOut(t *testing.T) {
	guest, root, outside := plain(t)
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	must(t, os.MkdirAll(filepath.Join(root, "dir/sub"), 0o755))
	for _, name := range []string{"dir/secret", "dir/sub/secret"} {
		must(t, os.WriteFile(filepath.Join(root, name), []byte("inside"), 0o644))
	}
	for name, link := range map[string]string{"absolute": outside, "relative": "../../../../../../.." + outside, "file": outside + "/secret"} {
		must(t, os.Symlink(link, filepath.Join(root, name)))
	}
	here := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(here, "sub"), 0o755))
	for _, name := range []string{"secret", "sub/secret", "sub/new"} {
		must(t, os.WriteFile(filepath.Join(here, name), []byte("inside"), 0o644))
	}
	var swapper, workers sync.WaitGroup
	stop := make(chan struct{})
	swapper.Go(func() {
		pairs := [][2]string{{"dir", "absolute"}, {"dir/sub", "relative"}, {"dir/secret", "file"}, {"dir", "relative"}}
		if swaps, err := swap(root, pairs, stop); err != nil || swaps == 0 {
			t.Errorf("%d swaps, %v", swaps, err)
		}
	})
	got := t.TempDir()
	const rounds = 1000
	for what, do := range map[string]func() error{
		"uploads":             func() error { return guest.Put("/dir/secret", strings.NewReader("inside"), nil) },
		"uploads to be made":  func() error { return guest.Put("/dir/sub/made/secret", strings.NewReader("inside"), nil) },
		"directory uploads":   func() error { return guest.PutDir("/dir", here+"/", nil) },
		"directory downloads": func() error { return guest.GetDir("/dir/", got, nil) },
		"downloads": func() error {
			var w bytes.Buffer
			err := guest.Get("/dir/sub/secret", &w)
			if text := w.String(); strings.Contains(text, "secret") {
				t.Errorf("read from outside: %q", text)
			}
			return err
		},
	} {
		workers.Go(func() {
			// On a busy machine the swapper may sleep through all rounds.
			succeeded, tried, deadline := 0, 0, time.Now().Add(patience)
			for ; tried < rounds || succeeded == 0 && time.Now().Before(deadline); tried++ {
				if do() == nil {
					succeeded++
				}
			}
			t.Logf("%s: %d of %d succeeded", what, succeeded, tried)
			if succeeded == 0 {
				t.Errorf("none of the %s succeeded, so nothing was tested", what)
			}
		})
	}
	workers.Wait()
	close(stop)
	swapper.Wait()
	untouched(t, outside)
	if arrived := sandboxtest.Listing(t, got); strings.Contains(arrived, "= secret") || !strings.Contains(arrived, "= inside") {
		t.Errorf("downloaded:\n%s", arrived)
	}
}
