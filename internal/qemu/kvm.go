// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// probeTime is ample for 20 instructions after the firmware.
const probeTime = 20 * time.Second

// ProbeKVM boots 512 bytes under KVM and waits for them to speak. Nil means
// that KVM works here; otherwise the error says why not.
func ProbeKVM(ctx context.Context, runner command.Runner) error {
	if err := probeKVM(ctx, runner); err != nil {
		return fmt.Errorf("KVM does not run a guest on this host: %w", err)
	}
	return nil
}

func probeKVM(ctx context.Context, runner command.Runner) (err error) {
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := device.Close(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "packer-diskimage-kvm-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	const marker = "KVM-RUNS"
	disk := filepath.Join(dir, "disk")
	if err := os.WriteFile(disk, bootSector(marker), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	m, err := Start(ctx, runner, Spec{Image: disk, Format: "raw", Accelerator: KVM, Memory: 64, CPUs: 1})
	if err != nil {
		return err
	}
	_, waitErr := m.WaitFor(ctx, Text(marker))
	stopErr := m.Stop(context.WithoutCancel(ctx))
	if waitErr != nil {
		return waitErr // Stop would tell of the same failure
	}
	return stopErr
}

// bootSector is a master boot record whose code writes text to the first
// serial port (16550 registers at 0x3f8) and halts. The text must fit in the
// sector, which it does up to about 450 bytes.
func bootSector(text string) []byte {
	code := []byte{
		0xfa,       // cli
		0xfc,       // cld
		0x31, 0xc0, // xor ax, ax
		0x8e, 0xd8, // mov ds, ax
		0xbe, 0, 0, // mov si, text (set below)
		0xba, 0xfd, 0x03, // next: mov dx, 0x3fd   line status
		0xec,       // in al, dx
		0xa8, 0x20, // test al, 0x20             transmitter empty?
		0x74, 0xf8, // jz next
		0xac,       // lodsb
		0x08, 0xc0, // or al, al
		0x74, 0x06, // jz halt
		0xba, 0xf8, 0x03, // mov dx, 0x3f8       transmitter
		0xee,       // out dx, al
		0xeb, 0xed, // jmp next
		0xf4,       // halt: hlt
		0xeb, 0xfd, // jmp halt
	}
	const loadAddress = 0x7c00
	address := loadAddress + len(code)
	code[7], code[8] = byte(address), byte(address>>8)
	sector := make([]byte, 512)
	copy(sector, code)
	copy(sector[len(code):509], text+"\r\n")
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}
