// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// arguments is QEMU's command line while it grows.
type arguments struct {
	machine string // the value of -machine, to which firmware adds
	rest    []string
}

// emulatedCPU is the x86-64-v2 processor that costs least to emulate: a Linux
// guest boots with two thirds of the time that "max" takes. Vendor and model
// are those of an Atom without speculation, so that kernels work around no
// flaws (a retpoline is slow to emulate) and trust the time stamp counter; and
// kernel and C library find none of the instructions that TCG carries out one
// byte (ERMS) or one register (AVX, XSAVE) at a time.
const emulatedCPU = "qemu64,vendor=GenuineIntel,family=6,model=54,-svm,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand,+rdtscp"

func (a *arguments) add(args ...string) { a.rest = append(a.rest, args...) }

func (a *arguments) list() []string { return append([]string{"-machine", a.machine}, a.rest...) }

// newArguments sets what does not depend on files made for the machine.
func newArguments(spec Spec) *arguments {
	// Without graphics SeaBIOS talks on the serial port, as OVMF does anyway.
	a := &arguments{machine: "q35,graphics=off,vmport=off"}
	accel, cpu := string(spec.Accelerator), "max"
	if spec.Accelerator == TCG {
		accel, cpu = "tcg,thread=multi", emulatedCPU
	}
	a.add("-accel", accel, "-cpu", cpu,
		"-smp", strconv.Itoa(spec.CPUs), "-m", strconv.Itoa(spec.Memory),
		"-nodefaults", "-no-user-config", "-display", "none",
		"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
		"-rtc", "base=utc", "-boot", "strict=on",
		"-device", "virtio-rng-pci")
	if spec.NoReboot {
		a.add("-no-reboot")
	}
	if spec.Kernel != "" {
		a.add("-kernel", spec.Kernel)
	}
	if spec.Initrd != "" {
		a.add("-initrd", spec.Initrd)
	}
	if spec.Append != "" {
		a.add("-append", spec.Append)
	}
	if spec.SerialNumber != "" {
		a.add("-smbios", "type=1,serial="+comma(spec.SerialNumber))
	}
	for _, text := range spec.OEMStrings {
		a.add("-smbios", "type=11,value="+comma(text))
	}
	return a
}

// network adds the cards; their option ROM is left out, as nothing boots from it.
func (a *arguments) network(spec Spec, ssh string) {
	if !spec.Network {
		return
	}
	for i := range max(spec.Cards, 1) {
		id := "net" + strconv.Itoa(i)
		user := "user,id=" + id
		if spec.Isolated {
			user += ",restrict=on"
		}
		if ssh != "" && i == 0 {
			user += ",hostfwd=tcp:" + ssh + "-:22"
		}
		a.add("-netdev", user, "-device", "virtio-net-pci,netdev="+id+",romfile=")
	}
}

// blockdev is a node of QEMU's block layer (BlockdevOptions in QMP).
type blockdev struct {
	Driver   string      `json:"driver"`
	Node     string      `json:"node-name,omitempty"`
	ReadOnly bool        `json:"read-only,omitempty"`
	Cache    *blockCache `json:"cache,omitempty"`
	Discard  string      `json:"discard,omitempty"`
	File     *blockdev   `json:"file,omitempty"`
	Filename string      `json:"filename,omitempty"`
}

// blockCache with NoFlush ignores flushes: what is written is thrown away.
type blockCache struct {
	NoFlush bool `json:"no-flush"`
}

func (a *arguments) blockdev(b blockdev) error {
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("describing %s to QEMU: %w", b.Node, err)
	}
	a.add("-blockdev", string(text))
	return nil
}

// disk makes the overlay and attaches it.
func (m *Machine) disk(ctx context.Context, runner command.Runner, spec Spec, args *arguments) error {
	if spec.Image == "" {
		return nil
	}
	if _, err := os.Stat(spec.Image); err != nil {
		return fmt.Errorf("looking at the image: %w", err)
	}
	overlay := filepath.Join(m.dir.Path(), "overlay.qcow2")
	create := []string{"create", "-q", "-f", "qcow2", "-F", spec.Format, "-b", spec.Image, overlay}
	if spec.DiskSize > 0 {
		create = append(create, strconv.FormatInt(spec.DiskSize, 10))
	}
	if err := runner.Run(ctx, tool(imageTool, create...)); err != nil {
		return fmt.Errorf("making an overlay of %s with qemu-img (Debian package qemu-utils): %w", spec.Image, err)
	}
	err := args.blockdev(blockdev{
		Driver: "qcow2", Node: "disk", Discard: "unmap", Cache: &blockCache{NoFlush: true},
		File: &blockdev{Driver: "file", Filename: overlay, Cache: &blockCache{NoFlush: true}},
	})
	// A kernel that is booted directly takes place 0 for itself.
	args.add("-device", "virtio-blk-pci,drive=disk,bootindex=1")
	return err
}

// media attaches further disks. They come after the image, so that the guest
// counts that one first.
func (a *arguments) media(spec Spec) error {
	for i, path := range spec.Media {
		node := fmt.Sprintf("media%d", i)
		file := &blockdev{Driver: "file", Filename: path}
		if err := a.blockdev(blockdev{Driver: "raw", Node: node, ReadOnly: true, File: file}); err != nil {
			return err
		}
		a.add("-device", "virtio-blk-pci,drive="+node)
	}
	return nil
}

// firmware attaches UEFI; BIOS is there by itself.
func (m *Machine) firmware(spec Spec, args *arguments) error {
	if spec.Firmware != UEFI {
		return nil
	}
	files := spec.UEFIFirmware
	if files == nil {
		found, err := FindUEFI()
		if err != nil {
			return err
		}
		files = &found
	}
	if files.Variables == "" {
		args.add("-bios", files.Code)
		return nil
	}
	content, err := os.ReadFile(files.Variables)
	if err != nil {
		return fmt.Errorf("reading the template of the UEFI variables: %w", err)
	}
	variables := filepath.Join(m.dir.Path(), "variables.fd")
	if err := os.WriteFile(variables, content, 0o600); err != nil {
		return fmt.Errorf("copying the UEFI variables: %w", err)
	}
	args.machine += ",pflash0=code,pflash1=variables"
	return errors.Join(
		args.blockdev(blockdev{Driver: "raw", Node: "code", ReadOnly: true, File: &blockdev{Driver: "file", Filename: files.Code}}),
		args.blockdev(blockdev{Driver: "raw", Node: "variables", File: &blockdev{Driver: "file", Filename: variables}}))
}

// tool is a command with a fixed environment but for PATH and TMPDIR.
func tool(path string, args ...string) command.Command {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "TMPDIR"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return command.Command{Path: path, Args: args, Env: env}
}
