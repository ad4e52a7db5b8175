// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// use is a process and how it uses a directory.
type use struct {
	pid       int
	name, how string
}

func (u use) String() string {
	return fmt.Sprintf("process %d (%s) has %s there", u.pid, u.name, u.how)
}

// territory is a directory and all below it, as seen in /proc.
type territory struct {
	dir string
	// rootOnly looks at root directories only: who was started by chroot.
	rootOnly bool
}

func (t territory) contains(path string) bool {
	return path == t.dir || strings.HasPrefix(path, t.dir+"/")
}

// users lists the processes that use the territory, ourselves included, in the
// order of their numbers.
func (t territory) users() ([]use, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var uses []use
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if how, ok := t.usedBy(pid); ok {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			uses = append(uses, use{pid, strings.TrimSpace(string(name)), how})
		}
	}
	return uses, nil
}

// usedBy reports how a process uses the territory. A process that ended
// meanwhile, or a zombie, uses nothing.
func (t territory) usedBy(pid int) (how string, ok bool) {
	proc := fmt.Sprintf("/proc/%d/", pid)
	stranger := foreign(proc)
	if t.link(proc+"root", stranger) || stranger && sameFile(proc+"root", t.dir) {
		return "its root directory", true
	}
	if t.rootOnly {
		return "", false
	}
	for _, l := range [][2]string{{"cwd", "its working directory"}, {"exe", "its program"}} {
		if t.link(proc+l[0], stranger) {
			return l[1], true
		}
	}
	fds, _ := os.ReadDir(proc + "fd")
	for _, fd := range fds {
		if t.link(proc+"fd/"+fd.Name(), stranger) {
			return "an open file", true
		}
	}
	maps, _ := os.ReadFile(proc + "maps")
	if !stranger && bytes.Contains(maps, []byte(" "+t.dir+"/")) {
		return "a mapped file", true
	}
	return "", false
}

// foreign reports a process in another mount namespace, where the same path may
// be another file.
func foreign(proc string) bool {
	own, err := os.Readlink("/proc/thread-self/ns/mnt")
	other, err2 := os.Readlink(proc + "ns/mnt")
	return err != nil || err2 != nil || own != other
}

func (t territory) link(link string, stranger bool) bool {
	path, err := os.Readlink(link)
	return err == nil && t.contains(path) && (!stranger || sameFile(link, path))
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

const (
	// killTime is how long killed processes may take to disappear.
	killTime = 10 * time.Second
	// firstPause doubles up to lastPause between two looks.
	firstPause = 2 * time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// kill ends every user of the territory but this process and its ancestors,
// again and again, since they may fork meanwhile, until none is left.
func (t territory) kill(ctx context.Context) error {
	spared := lineage()
	deadline := time.Now().Add(killTime)
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		uses, err := t.users()
		if err != nil {
			return err
		}
		var left []string
		for _, u := range uses {
			if !spared[u.pid] {
				t.killOne(u.pid)
				left = append(left, u.String())
			}
		}
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("killing what runs in %s: still there after %v: %s",
				t.dir, killTime, strings.Join(left, ", "))
		}
		if err := command.Pause(ctx, wait); err != nil {
			return fmt.Errorf("killing what runs in %s: %w", t.dir, err)
		}
	}
}

// killOne holds the process before it looks again, so that the signal cannot
// reach another one with the same number.
func (t territory) killOne(pid int) {
	process, err := os.FindProcess(pid)
	if err != nil {
		return
	}
	defer func() { _ = process.Release() }()
	if _, ok := t.usedBy(pid); ok {
		_ = process.Kill() // if that fails it is seen in the next round
	}
}

// lineage is this process and its ancestors.
func lineage() map[int]bool {
	line := map[int]bool{}
	for pid := os.Getpid(); pid > 0 && !line[pid]; pid = lookUp(pid).parent {
		line[pid] = true
	}
	return line
}
