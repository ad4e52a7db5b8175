// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/workdir"
)

// What this test binary plays when it is not the test: the variable holds a
// script name of actors.
const actVariable = "SANDBOX_TEST_ACT"

// TestMain lets the binary play the plugin (through Enter) and Packer, and runs
// the tests themselves in a mount namespace of their own.
func TestMain(m *testing.M) {
	if act := os.Getenv(actVariable); act != "" {
		os.Exit(play(act))
	}
	const inside = "SANDBOX_TEST_INSIDE"
	if os.Geteuid() == 0 && os.Getenv(inside) == "" {
		cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), inside+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
		if err := cmd.Run(); cmd.ProcessState != nil {
			os.Exit(cmd.ProcessState.ExitCode())
		} else {
			fmt.Fprintln(os.Stderr, "no mount namespace for the tests, those that mount will fail:", err)
		}
	}
	os.Exit(m.Run())
}

func play(act string) int {
	if act == "packer" {
		return playPacker()
	}
	if code, handled := Enter(os.Args[1:]); handled {
		return code
	}
	switch act {
	case "report":
		return playReport()
	case "status":
		return 42
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		time.Sleep(time.Minute)
	case "build":
		return playBuild()
	case "cat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
		fmt.Fprintln(os.Stderr, "said on stderr")
	}
	return 0
}

// playPacker runs itself ("wrapper") or the plugin, and waits.
func playPacker() int {
	cmd := exec.Command("/proc/self/exe", "start", "builder", "x")
	cmd.Env = append(os.Environ(), actVariable+"=build")
	if os.Getenv("SANDBOX_TEST_WRAP") == "1" {
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_WRAP=0")
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return 1
	}
	return 0
}

// report is what the engine sees.
type report struct {
	Status       Status
	PID, Parent  int
	Args         []string
	TempDir      string
	TempDirAfter *string
	Environment  []string
	Umask        int
	Mounts       string
	HostName     string
}

func playReport() int {
	r := report{Status: Current(), PID: os.Getpid(), Parent: os.Getppid(), Args: os.Args, TempDir: os.TempDir()}
	_ = os.WriteFile(filepath.Join(os.TempDir(), "packer-plugin12345"), nil, 0o600)
	if err := RestoreTempDir(); err != nil {
		return 1
	}
	if v, ok := os.LookupEnv("TMPDIR"); ok {
		r.TempDirAfter = &v
	}
	r.Environment = os.Environ()
	r.Umask = unix.Umask(0)
	text, _ := os.ReadFile("/proc/self/mountinfo")
	r.Mounts = string(text)
	r.HostName, _ = os.Hostname()
	if json.NewEncoder(os.Stdout).Encode(r) != nil {
		return 1
	}
	return 0
}

// playBuild makes what must vanish: work directories (one of them kept), a
// mount, a daemon. Then it prints its number and the
// supervisor's directory, and hangs.
func playBuild() int {
	runtime := os.TempDir()
	work, err := workdir.Create(os.Getenv("SANDBOX_TEST_WORK"), "work-")
	if err != nil {
		return 11
	}
	kept, err := workdir.Create(os.Getenv("SANDBOX_TEST_WORK"), "kept-")
	if err != nil || kept.Keep("for the test") != nil || Own(kept.Path()) != nil || Own(work.Path()) != nil {
		return 12
	}
	tree := filepath.Join(work.Path(), "tree")
	if os.Mkdir(tree, 0o755) != nil || unix.Mount("tmpfs", tree, "tmpfs", 0, "") != nil {
		return 13
	}
	if os.WriteFile(filepath.Join(tree, "file"), nil, 0o600) != nil {
		return 14
	}
	daemon := exec.Command("sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & cd "+tree+" && exec setsid sleep 1000")
	if daemon.Start() != nil {
		return 15
	}
	fmt.Println(Current().HostPID, runtime)
	if os.Getenv("SANDBOX_TEST_FAIL") != "" {
		return 9
	}
	time.Sleep(10 * time.Minute)
	return 0
}
