// SPDX-License-Identifier: MPL-2.0

//go:build linux

package diskimage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// mountedImage mounts an image that is one file system, for this test alone,
// and returns the path under which its files are.
func mountedImage(t *testing.T, image string) string {
	t.Helper()
	// The mount is in a namespace of its own, with a loop device that goes
	// with it: it ends when the test does, however that happens.
	cmd := exec.Command("unshare", "--mount", "sh", "-c", `mount -o ro,loop,noload "$1" "$2" && echo mounted && exec cat`, "sh", image, t.TempDir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
			t.Errorf("unmounting %s: %v: %s", image, err, stderr.String())
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "mounted\n" {
		t.Fatalf("mounting %s: %v: %s", image, err, stderr.String())
	}
	return filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "root", cmd.Args[len(cmd.Args)-1])
}

// node is all that is compared of a file; times are not.
type node struct {
	Mode         fs.FileMode
	UID, GID     uint32
	Links        uint64
	Device       uint64
	Target       string
	Capabilities string
	Digest       string
}

// nodes are the files of a tree by path from its root.
func nodes(t *testing.T, root string) map[string]node {
	t.Helper()
	found := map[string]node{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		n, err := nodeOf(path, info)
		found["/"+strings.TrimPrefix(strings.TrimPrefix(path, root), "/")] = n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func nodeOf(path string, info fs.FileInfo) (node, error) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return node{}, fmt.Errorf("no owner of %s", path)
	}
	n := node{Mode: info.Mode(), UID: stat.Uid, GID: stat.Gid, Device: stat.Rdev}
	var err error
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		n.Target, err = os.Readlink(path)
	case info.Mode().IsRegular():
		n.Links = uint64(stat.Nlink)
		n.Digest, err = digestBelow(path)
		buffer := make([]byte, 256)
		if size, e := unix.Lgetxattr(path, "security.capability", buffer); e == nil {
			n.Capabilities = hex.EncodeToString(buffer[:size])
		}
	}
	return n, err
}

func digestBelow(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// initramfs lists the files of an initramfs in one gzipped cpio archive, each
// with mode, owner and digest.
func initramfs(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	in, files := bufio.NewReaderSize(unpacked, 1<<20), map[string]string{}
	for {
		name, about, err := cpioEntry(in)
		if err != nil {
			t.Fatalf("%s, after %d files: %v", path, len(files), err)
		}
		if name == "TRAILER!!!" {
			return files
		}
		files[name] = about
	}
}

// cpioEntry reads one file of a cpio archive in the "new" ASCII format.
func cpioEntry(in *bufio.Reader) (name, about string, err error) {
	header := make([]byte, 110)
	if _, err := io.ReadFull(in, header); err != nil {
		return "", "", err
	}
	if !bytes.HasPrefix(header, []byte("07070")) {
		return "", "", fmt.Errorf("no cpio header: %q", header[:6])
	}
	field := func(i int) int64 {
		value, e := strconv.ParseInt(string(header[6+8*i:14+8*i]), 16, 64)
		err = errors.Join(err, e)
		return value
	}
	mode, uid, gid, size, nameSize := field(1), field(2), field(3), field(6), field(11)
	if err != nil {
		return "", "", err
	}
	padded := func(skipped, size int64) ([]byte, error) {
		data := make([]byte, size+(4-(skipped+size)%4)%4)
		_, err := io.ReadFull(in, data)
		return data[:size], err
	}
	text, err := padded(110, nameSize)
	if err != nil {
		return "", "", err
	}
	content, err := padded(0, size)
	return strings.TrimSuffix(string(text), "\x00"), fmt.Sprintf("%o %d:%d %x", mode, uid, gid, sha256.Sum256(content)), err
}
