// SPDX-License-Identifier: MPL-2.0

package qemu

import (
	"errors"
	"os"
	"path/filepath"
)

// UEFIFiles are the two halves of a UEFI firmware. Variables is a template that
// each machine copies; it is empty when Code holds both halves.
type UEFIFiles struct{ Code, Variables string }

// uefiCandidates are where distributions put OVMF without Secure Boot, the
// best first: separate variables before a file that holds both, 4 MB before 2 MB.
func uefiCandidates() []UEFIFiles {
	return []UEFIFiles{
		{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"}, // Debian, Ubuntu
		{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
		{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},       // Fedora, RHEL
		{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},   // Arch
		{"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"}, // openSUSE
		{"/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd"},     // QEMU's own
		{"/usr/local/share/qemu/edk2-x86_64-code.fd", "/usr/local/share/qemu/edk2-i386-vars.fd"},
		{"/opt/homebrew/share/qemu/edk2-x86_64-code.fd", "/opt/homebrew/share/qemu/edk2-i386-vars.fd"},
		{"/usr/share/ovmf/OVMF.fd", ""},
		{"/usr/share/qemu/OVMF.fd", ""},
	}
}

// FindUEFI returns the first UEFI firmware that is installed on this host.
func FindUEFI() (UEFIFiles, error) { return findUEFI("") }

// findUEFI looks below root, for tests.
func findUEFI(root string) (UEFIFiles, error) {
	for _, c := range uefiCandidates() {
		found := UEFIFiles{Code: filepath.Join(root, c.Code)}
		if c.Variables != "" {
			found.Variables = filepath.Join(root, c.Variables)
		}
		if isFile(found.Code) && (found.Variables == "" || isFile(found.Variables)) {
			return found, nil
		}
	}
	return UEFIFiles{}, errors.New("no UEFI firmware for QEMU is installed; install ovmf (Debian, Ubuntu), " +
		"edk2-ovmf (Fedora, Arch) or qemu-ovmf-x86_64 (openSUSE)")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
