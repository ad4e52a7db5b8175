// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package diskimage

import "github.com/seed-736dd801/packer-plugin-diskimage/internal/plan"

// lookAtKernel has nothing to look at: images are built on Linux.
func lookAtKernel(*plan.Inventory, request) {}
