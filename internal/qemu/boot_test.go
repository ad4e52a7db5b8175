// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// patience is for a firmware to start, on a machine that is busy.
const patience = 10 * time.Minute

// needQEMU skips where nothing can be booted.
func needQEMU(t *testing.T) {
	t.Helper()
	for _, name := range []string{program, imageTool} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed", name)
		}
	}
}

func sectorImage(t *testing.T, sector []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sector, with:odd name")
	if err := os.WriteFile(path, append(sector, make([]byte, 1<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// boot starts a machine and makes sure that nothing of it is left afterwards.
func boot(t *testing.T, spec Spec) (*Machine, context.Context) {
	t.Helper()
	needQEMU(t)
	spec.WorkDir = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	m, err := Start(ctx, command.Host{}, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(spec.WorkDir); len(left) > 0 {
			t.Errorf("%s is left", left[0].Name())
		}
		if user := processWith(t, spec.WorkDir); user != "" {
			t.Errorf("a process is left: %s", user)
		}
	})
	return m, ctx
}

// processWith finds a process whose command line contains text (Linux).
func processWith(t *testing.T, text string) string {
	t.Helper()
	lines, err := fs.Glob(os.DirFS("/"), "proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if line, _ := os.ReadFile("/" + path); bytes.Contains(line, []byte(text)) {
			return strings.ReplaceAll(string(line), "\x00", " ")
		}
	}
	return ""
}

func digest(t *testing.T, path string) [32]byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(content)
}

func TestSeaBIOSBootsASector(t *testing.T) {
	image := sectorImage(t, bootSector("hello from the sector"))
	before := digest(t, image)
	var raw bytes.Buffer
	m, ctx := boot(t, Spec{Image: image, Format: "raw", DiskSize: 64 << 20, Memory: 64, CPUs: 1, Console: &raw, ForwardSSH: true})
	line, err := m.WaitFor(ctx, Text("hello from the sector"))
	if err != nil {
		t.Fatal(err)
	}
	if processWith(t, m.dir.Path()) == "" {
		t.Error("no process shows the machine's directory: the leak test sees nothing")
	}
	if connection, err := net.Dial("tcp", m.SSHAddress()); err != nil {
		t.Errorf("QEMU does not listen for ssh: %v", err)
	} else if err := connection.Close(); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(line, "hello from the sector") {
		t.Errorf("got %q", line)
	}
	if !strings.Contains(m.Console(), "SeaBIOS") {
		t.Errorf("the firmware is not heard:\n%s", m.Console())
	}
	if lines := m.Lines(); len(lines) < 2 || lines[len(lines)-1].At < lines[0].At || lines[0].At <= 0 {
		t.Errorf("times: %v", lines)
	}
	info, err := command.Output(ctx, command.Host{}, tool(imageTool, "info", "-U", filepath.Join(m.dir.Path(), "overlay.qcow2")))
	if err != nil || !strings.Contains(info, "virtual size: 64 MiB") {
		t.Errorf("%v\n%s", err, info)
	}
	if err := m.Stop(ctx); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(raw.Bytes(), []byte("hello from the sector")) {
		t.Error("the raw console was not passed on")
	}
	if digest(t, image) != before {
		t.Error("the image was changed")
	}
	if err := m.Send("x"); err == nil {
		t.Error("typed into a stopped machine")
	}
}

func TestDeadlineShowsTheConsole(t *testing.T) {
	m, ctx := boot(t, Spec{Image: sectorImage(t, bootSector("only this")), Format: "raw", Memory: 64, CPUs: 1})
	if _, err := m.WaitFor(ctx, Text("only this")); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 2*quiet)
	defer cancel()
	_, err := m.WaitFor(short, Text("login:"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), `waiting for "login:"`) ||
		!strings.Contains(err.Error(), "only this") {
		t.Errorf("got %v", err)
	}
}

func TestEarlyEndIsAnErrorWithTheConsole(t *testing.T) {
	reset := bootSector("")
	copy(reset, []byte{0xea, 0x00, 0x00, 0xff, 0xff}) // jmp 0xffff:0, the reset vector
	m, ctx := boot(t, Spec{Image: sectorImage(t, reset), Format: "raw", Memory: 64, CPUs: 1, NoReboot: true})
	_, err := m.WaitFor(ctx, Text("never said"))
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "SeaBIOS") {
		t.Errorf("got %v", err)
	}
}

func TestQEMUThatFailsIsAnError(t *testing.T) {
	m, ctx := boot(t, Spec{Kernel: "/does/not/exist", Memory: 64, CPUs: 1})
	for _, err := range []error{
		func() error { _, err := m.WaitFor(ctx, Text("x")); return err }(), m.Wait(ctx), m.Stop(ctx),
	} {
		var exit *command.ExitError
		if !errors.As(err, &exit) || !strings.Contains(err.Error(), "/does/not/exist") {
			t.Errorf("got %v", err)
		}
	}
}

func TestCancelEndsTheMachine(t *testing.T) {
	needQEMU(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m, err := Start(ctx, command.Host{}, Spec{
		Image: sectorImage(t, bootSector("up")), Format: "raw", Memory: 64, CPUs: 1, WorkDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.WaitFor(ctx, Text("up")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := m.Wait(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := m.Stop(t.Context()); err != nil {
		t.Errorf("a machine that its caller cancelled did not fail: %v", err)
	}
	if left := processWith(t, m.dir.Path()); left != "" {
		t.Errorf("a process is left: %s", left)
	}
}

func TestUEFISpeaksListensAndPowersOff(t *testing.T) {
	if _, err := FindUEFI(); err != nil {
		t.Skip(err)
	}
	m, ctx := boot(t, Spec{Image: sectorImage(t, make([]byte, 512)), Format: "raw", Firmware: UEFI, Memory: 128})
	line, err := m.WaitFor(ctx, Pattern(regexp.MustCompile(`BdsDxe|UEFI Interactive Shell|No bootable`)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.WaitFor(ctx, Text("to skip"), Text("No bootable")); err != nil {
		t.Skipf("this UEFI has no shell to type into (%s)", line)
	}
	prompt(ctx, t, m)
	if err := m.Send("reset -s\n"); err != nil {
		t.Fatal(err)
	}
	if err := m.Wait(ctx); err != nil {
		t.Error(err)
	}
}

func TestKernelBoot(t *testing.T) {
	kernels, err := filepath.Glob("/boot/vmlinuz*")
	if err != nil || len(kernels) == 0 {
		t.Skip("no kernel in /boot")
	}
	m, ctx := boot(t, Spec{Kernel: kernels[0], Append: "console=ttyS0 panic=-1", NoReboot: true, Memory: 256})
	if _, err := m.WaitFor(ctx, Text("Linux version")); err != nil {
		t.Error(err)
	}
}

// prompt brings the UEFI shell to its prompt, which a slow host may have missed:
// each key asks for it once more.
func prompt(ctx context.Context, t *testing.T, m *Machine) {
	t.Helper()
	for key := "\x1b"; ; key = "\n" {
		if err := m.Send(key); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err := m.WaitFor(short, Text("Shell>"))
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

// A host either runs a guest under KVM or gets a reason; both are right.
func TestProbeKVM(t *testing.T) {
	needQEMU(t)
	err := ProbeKVM(t.Context(), command.Host{})
	if err == nil {
		m, ctx := boot(t, Spec{Image: sectorImage(t, bootSector("again")), Format: "raw", Accelerator: KVM, Memory: 64, CPUs: 1})
		if _, err := m.WaitFor(ctx, Text("again")); err != nil {
			t.Errorf("the probe said yes, but: %v", err)
		}
		return
	}
	if !strings.Contains(err.Error(), "KVM does not run a guest on this host: ") {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}

func TestProbeKVMBelievesOnlyTheGuest(t *testing.T) {
	if f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0); err != nil {
		t.Skip("no /dev/kvm to be misled by")
	} else if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	// A QEMU that starts and ends without a word from the guest.
	if err := ProbeKVM(t.Context(), &command.Fake{}); !errors.Is(err, errEnded) {
		t.Errorf("got %v", err)
	}
}
