// SPDX-License-Identifier: MPL-2.0

package command

import "golang.org/x/sys/unix"

const auditArchitecture = unix.AUDIT_ARCH_AARCH64
