// SPDX-License-Identifier: MPL-2.0

//go:build linux

package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/element"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/hook"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// sluggish is a Reporter that takes its time, as a terminal over RPC may.
type sluggish struct {
	recorder
	every int
}

func (s *sluggish) Output(line string) {
	s.recorder.Output(line)
	if s.every++; s.every%200 == 0 {
		time.Sleep(20 * time.Millisecond)
	}
}

// buildWith is a Build whose hooks tree has one host hook, and a script.
func buildWith(t *testing.T, report Reporter, script string) *Build {
	t.Helper()
	tree, err := hook.Merge([]element.Element{{
		Name: "mine", Dir: "/elements/mine",
		FS: fstest.MapFS{"extra-data.d/50-mine": {Data: []byte("#!/bin/bash\n" + script), Mode: 0o755}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := New(Options{Plan: &plan.Plan{Hooks: tree}, Report: report, Runner: command.Host{}})
	b.dirs = newDirectories(t.TempDir())
	if err := tree.Write(b.dirs.hooks); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFailingHookShowsItsLastLines(t *testing.T) {
	report := &sluggish{}
	b := buildWith(t, report, `for i in $(seq 3000); do echo "line $i of what a package manager has to say, at some length"; done
echo "E: what really went wrong" >&2
exit 9`)
	err := b.runPhases(t.Context(), "extra-data.d")
	var failed *HookError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	if failed.Status != 9 || failed.Element != "mine" || failed.Path != "/elements/mine/extra-data.d/50-mine" {
		t.Errorf("%+v", failed)
	}
	if n := len(failed.Last); n != lastLines || failed.Last[n-1] != "E: what really went wrong" {
		t.Errorf("%d last lines, ending in %q", n, failed.Last[len(failed.Last)-1])
	}
	if len(report.printed) != 3001 {
		t.Errorf("%d lines were shown", len(report.printed))
	}
}

// listener is a Reporter whose lines can be waited for.
type listener struct {
	recorder
	said chan string
}

func (l *listener) Say(line string) { l.said <- line }

func TestQuietHookIsSaidToRun(t *testing.T) {
	report := &listener{said: make(chan string)}
	f := &follower{build: buildWith(t, report, ""), phase: hook.Phase{Name: "extra-data.d"}, out: &output{report: report}}
	told, done := make(chan string), make(chan struct{})
	go func() {
		defer close(done)
		f.read(told, time.Millisecond)
	}()
	told <- "start /x/50-mine"
	for _, want := range []string{`^  extra-data\.d/50-mine \[mine\]$`, `^    50-mine still runs, \d+ s$`, `^    50-mine still runs, \d+ s$`} {
		if got := <-report.said; !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%q, not %q", got, want)
		}
	}
	close(told)
	for running := true; running; {
		select {
		case <-report.said:
		case <-done:
			running = false
		}
	}
	f.heard("stop /x/50-mine 0")
	if f.running {
		t.Error("it runs after its end")
	}
}

func TestOutputKnowsWhetherItSpoke(t *testing.T) {
	o := &output{report: &recorder{}}
	fmt.Fprintln(o, "a line")
	if !o.spoke() || o.spoke() {
		t.Error("one line is not one answer")
	}
}

func TestHookThatMakesTheDiskItselfIsNoticed(t *testing.T) {
	b := buildWith(t, &recorder{}, "")
	seen := b.watch(hook.Phase{Name: "block-device.d"})
	seen("making a disk")
	if b.foreignDisk != "" {
		t.Errorf("noticed %q", b.foreignDisk)
	}
	seen("IMAGE_BLOCK_DEVICE=/dev/loop7")
	if b.foreignDisk != "IMAGE_BLOCK_DEVICE=/dev/loop7" {
		t.Errorf("noticed %q", b.foreignDisk)
	}
	if b.watch(hook.Phase{Name: "install.d"}) != nil {
		t.Error("other phases are not to be watched")
	}
}

// Links of the image are followed inside it, absolute ones too, and no further.
func TestInsideFollowsLinksInTheTreeOnly(t *testing.T) {
	top := t.TempDir()
	tree, outside := filepath.Join(top, "tree"), filepath.Join(top, "outside")
	for _, dir := range []string{filepath.Join(tree, "var/tmp"), outside} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"tmp": "/var/tmp", "etc": "../outside", "root": outside} {
		if err := os.Symlink(target, filepath.Join(tree, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(tree, "var/tmp/left"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "a.log"), []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := tidy(tree); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tree, "var/tmp/left")); err == nil {
		t.Error("/tmp -> /var/tmp was not emptied")
	}
	if err := lendResolver(tree); err != nil && !strings.Contains(err.Error(), "no such file") {
		t.Logf("a link that leads nowhere in the tree: %v", err)
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("something was done outside the tree: %v %v", entries, err)
	}
}

func TestResolverIsLentAndReturned(t *testing.T) {
	for name, c := range map[string]struct {
		before, during func(etc string) error
		after          string
	}{
		"a file": {
			func(etc string) error { return os.WriteFile(etc+"/resolv.conf", []byte("image"), 0o644) },
			nil, "image",
		},
		"none": {nil, nil, "absent"},
		"made a link by a hook": {
			func(etc string) error { return os.WriteFile(etc+"/resolv.conf", []byte("image"), 0o644) },
			func(etc string) error {
				return errors.Join(os.Remove(etc+"/resolv.conf"), os.Symlink("/run/x", etc+"/resolv.conf"))
			}, "link",
		},
		"a dangling link": {
			func(etc string) error { return os.Symlink("/run/x", etc+"/resolv.conf") }, nil, "link",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := t.TempDir()
			etc := filepath.Join(tree, "etc")
			if err := os.Mkdir(etc, 0o755); err != nil {
				t.Fatal(err)
			}
			if c.before != nil {
				if err := c.before(etc); err != nil {
					t.Fatal(err)
				}
			}
			if err := lendResolver(tree); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(etc + "/resolv.conf"); err != nil || !info.Mode().IsRegular() {
				t.Fatalf("no resolver during the build: %v", err)
			}
			if c.during != nil {
				if err := c.during(etc); err != nil {
					t.Fatal(err)
				}
			}
			if err := returnResolver(tree); err != nil {
				t.Fatal(err)
			}
			got := "absent"
			if info, err := os.Lstat(etc + "/resolv.conf"); err == nil && info.Mode()&os.ModeSymlink != 0 {
				got = "link"
			} else if err == nil {
				text, _ := os.ReadFile(etc + "/resolv.conf")
				got = string(text)
			}
			if got != c.after {
				t.Errorf("afterwards %q, want %q", got, c.after)
			}
			if _, err := os.Lstat(etc + "/resolv.conf.ORIG"); err == nil {
				t.Error("resolv.conf.ORIG stays in the image")
			}
		})
	}
}
