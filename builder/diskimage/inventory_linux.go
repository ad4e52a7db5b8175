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

// freeSpace is what the file system of a directory has free; of one that is
// not there yet, that of its nearest parent.
func freeSpace(dir string) (int64, bool) {
	dir = absolute(dir)
	for {
		var fs unix.Statfs_t
		err := unix.Statfs(dir, &fs)
		if err == nil {
			return int64(fs.Bavail) * fs.Bsize, true
		}
		parent := filepath.Dir(dir)
		if parent == dir || !errors.Is(err, unix.ENOENT) {
			return 0, false
		}
		dir = parent
	}
}
