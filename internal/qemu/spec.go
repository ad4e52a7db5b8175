// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
)

// Firmware is what the guest's processor runs first.
type Firmware string

// The firmwares of a Machine.
const (
	// BIOS is SeaBIOS, which is part of QEMU.
	BIOS Firmware = "bios"
	// UEFI is OVMF, found by FindUEFI, with variables of the machine's own.
	UEFI Firmware = "uefi"
)

// Accelerator is how the guest's instructions are carried out.
type Accelerator string

// The accelerators of a Machine.
const (
	// TCG emulates the processor; it works everywhere.
	TCG Accelerator = "tcg"
	// KVM uses the host's processor; see ProbeKVM.
	KVM Accelerator = "kvm"
)

// Defaults of a Spec.
const (
	// DefaultMemory is in MiB.
	DefaultMemory = 1024
	// DefaultCPUs is for KVM and further bounded by the processors of the host.
	// An emulated machine has one: more of them spend much of their time on
	// waiting for each other.
	DefaultCPUs = 2
)

// Spec describes a machine. An Image or a Kernel is needed, the rest has
// defaults.
type Spec struct {
	// Image is the disk to boot; it is only read. Format is "raw" or
	// "qcow2" and must be given: to guess it from content is unsafe.
	Image, Format string
	// DiskSize enlarges the guest's disk to that many bytes; 0 keeps the image's.
	DiskSize int64
	// Media are raw files, such as NoCloud seeds, attached as further
	// read-only disks.
	Media []string

	// Firmware is BIOS if empty.
	Firmware Firmware
	// UEFIFirmware replaces the files that FindUEFI finds.
	UEFIFirmware *UEFIFiles
	// Kernel, if set, is booted directly, with Initrd and the command line Append.
	Kernel, Initrd, Append string

	// Memory is in MiB, DefaultMemory if 0.
	Memory int
	// CPUs is a number of processors; see DefaultCPUs for 0.
	CPUs int
	// Accelerator is TCG if empty.
	Accelerator Accelerator

	// Network gives the guest a network card behind user-mode NAT.
	Network bool
	// Cards is the number of such cards if it is more than one; it implies Network.
	Cards int
	// Isolated keeps the guest from reaching anything beyond that NAT.
	Isolated bool
	// ForwardSSH leads a free port on 127.0.0.1 to the guest's port 22 and
	// implies Network; see Machine.SSHAddress.
	ForwardSSH bool

	// SerialNumber is the system's serial number in SMBIOS (type 1), one of
	// the places where cloud-init looks for its datasource.
	SerialNumber string
	// OEMStrings are SMBIOS strings of type 11, as systemd credentials use them.
	OEMStrings []string
	// FirmwareConfig are files that the guest finds below
	// /sys/firmware/qemu_fw_cfg/by_name.
	FirmwareConfig []FirmwareItem

	// NoReboot ends QEMU when the guest reboots.
	NoReboot bool
	// Console, if set, receives the raw serial output as it comes.
	Console io.Writer
	// WorkDir is where the machine's directory is made; os.TempDir if empty.
	WorkDir string
}

// FirmwareItem is one fw_cfg file. Its Name should begin with "opt/".
type FirmwareItem struct{ Name, Content string }

// complete fills in defaults, makes paths absolute and refuses what cannot be.
func (s Spec) complete() (Spec, error) {
	if s.Image == "" && s.Kernel == "" {
		return s, errors.New("neither an image nor a kernel is given")
	}
	if s.Image != "" && s.Format != "raw" && s.Format != "qcow2" {
		return s, fmt.Errorf("the format of %s is %q; it must be raw or qcow2", s.Image, s.Format)
	}
	if s.Kernel == "" && (s.Initrd != "" || s.Append != "") {
		return s, errors.New("an initrd or a command line needs a kernel")
	}
	if s.Memory == 0 {
		s.Memory = DefaultMemory
	}
	s.Firmware, s.Accelerator = orDefault(s.Firmware, BIOS), orDefault(s.Accelerator, TCG)
	if s.CPUs == 0 {
		s.CPUs = 1
		if s.Accelerator == KVM {
			s.CPUs = min(DefaultCPUs, runtime.NumCPU())
		}
	}
	if s.Memory < 0 || s.CPUs < 0 || s.DiskSize < 0 || s.Cards < 0 {
		return s, fmt.Errorf("memory (%d MiB), processors (%d), disk size (%d) and network cards (%d) must not be negative", s.Memory, s.CPUs, s.DiskSize, s.Cards)
	}
	if s.Firmware != BIOS && s.Firmware != UEFI {
		return s, fmt.Errorf("unknown firmware %q; available are bios and uefi", s.Firmware)
	}
	if s.Accelerator != TCG && s.Accelerator != KVM {
		return s, fmt.Errorf("unknown accelerator %q; available are tcg and kvm", s.Accelerator)
	}
	s.Network = s.Network || s.ForwardSSH || s.Cards > 0
	s.Media = append([]string(nil), s.Media...)
	return s, s.absolute()
}

// absolute makes every path absolute: an overlay names its image that way, and
// a relative path with a colon would be read as a protocol.
func (s *Spec) absolute() error {
	paths := []*string{&s.Image, &s.Kernel, &s.Initrd}
	for i := range s.Media {
		paths = append(paths, &s.Media[i])
	}
	for _, p := range paths {
		if *p == "" {
			continue
		}
		absolute, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = absolute
	}
	return nil
}

func orDefault[T ~string](value, standard T) T {
	if value == "" {
		return standard
	}
	return value
}

// comma writes a value for QEMU's option lists, where a comma is doubled.
func comma(value string) string { return strings.ReplaceAll(value, ",", ",,") }
