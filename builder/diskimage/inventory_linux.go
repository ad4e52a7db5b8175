// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"
)

// lookAtKernel adds what the kernel knows: memory, free space, loop devices.
func lookAtKernel(h *plan.Inventory, r request) {
	h.MemoryAvailable = min(memoryAvailable(), containerMemory("/sys/fs/cgroup"))
	for attribute, dir := range map[string]string{"work_directory": r.work, "output_directory": r.OutputDirectory} {
		if free, ok := freeSpace(dir); ok {
			h.FreeSpace[attribute] = free
		}
	}
	h.NoExec = noExec(r.work)
	if h.Root && inUserNamespace("/proc/self/uid_map") {
		h.NotIsolated = "building needs the host's own root: this is root of a user namespace (a rootless container, for example), " +
			"whom the kernel lets mount no disk; run packer as root, in a container as root with --privileged"
	}
	if file, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0); err != nil {
		h.NoLoop = fmt.Sprintf("loop devices are needed: %s; load the kernel module loop, or give the container /dev/loop-control and the loop devices", err)
	} else if err := file.Close(); err != nil {
		h.NoLoop = err.Error()
	}
}

// memoryAvailable is MemAvailable of /proc/meminfo in bytes, 0 if unknown.
func memoryAvailable() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var kib int64
		if _, err := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}

// containerMemory is what the memory limit of this container leaves, as cgroup
// version 2 or 1 tells it; the largest number if there is none.
func containerMemory(cgroup string) int64 {
	for _, files := range [][2]string{
		{"memory.max", "memory.current"},
		{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"},
	} {
		limit, ok := readNumber(filepath.Join(cgroup, files[0]))
		used, alsoOK := readNumber(filepath.Join(cgroup, files[1]))
		if ok && alsoOK {
			return max(limit-used, 0)
		}
	}
	return math.MaxInt64
}

// readNumber reads a file that holds a number; "max" is none.
func readNumber(path string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// inUserNamespace tells from a process's uid_map (user_namespaces(7)) whether
// its user numbers are those of the host.
func inUserNamespace(uidMap string) bool {
	text, err := os.ReadFile(uidMap)
	if err != nil {
		return false
	}
	f := strings.Fields(string(text))
	return len(f) < 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295"
}

// noExec tells whether programs in a directory, or its nearest parent that is
// there, cannot be run.
func noExec(dir string) bool {
	fs, ok := fileSystemOf(dir)
	return ok && fs.Flags&unix.ST_NOEXEC != 0
}

// freeSpace is what the file system of a directory has free.
func freeSpace(dir string) (int64, bool) {
	fs, ok := fileSystemOf(dir)
	return int64(fs.Bavail) * fs.Bsize, ok
}

// fileSystemOf looks at the file system of a directory; of one that is not
// there yet, that of its nearest parent.
func fileSystemOf(dir string) (fs unix.Statfs_t, ok bool) {
	dir = absolute(dir)
	for {
		err := unix.Statfs(dir, &fs)
		if err == nil {
			return fs, true
		}
		parent := filepath.Dir(dir)
		if parent == dir || !errors.Is(err, unix.ENOENT) {
			return fs, false
		}
		dir = parent
	}
}
